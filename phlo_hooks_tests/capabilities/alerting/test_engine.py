"""What rules make of events, played with a clock of their own."""

import pytest

from phlo_hooks.capabilities.alerting.ledger import MUTE, alert_id
from phlo_hooks.events import ErrorInfo
from phlo_hooks.state import StateChange
from phlo_hooks_tests.capabilities.alerting.bench import (
    asset,
    at,
    backfill_end,
    check,
    dead_letter,
    outcomes,
    play,
    rule,
    run,
    told,
)


def test_a_failure_is_told_at_once_and_its_end_too():
    simulation = play(rule())
    simulation.play([asset(at(0)), asset(at(minutes=5), "success")])
    assert told(simulation) == [
        ("0", "slack", "firing: Asset orders failed", 0),
        ("5", "slack", "resolved: Resolved: Asset orders failed", 0),
    ]


def test_a_success_without_a_failure_is_no_news():
    simulation = play(rule())
    event = asset(at(0), "success")
    simulation.play([event])
    assert told(simulation) == []
    assert outcomes(simulation, event) == {}


def test_repetitions_are_counted_and_told_when_the_window_ends():
    simulation = play(rule())
    simulation.play([asset(at(minutes=minute)) for minute in range(28)])
    simulation.until(at(hours=10))
    assert told(simulation) == [
        ("0", "slack", "firing: Asset orders failed", 0),
        ("60", "slack", "reminder: Asset orders failed 27 more times", 26),
    ]


def test_windows_grow():
    """An hour, two, four, … a day: who knows of it need not be told each hour for a week."""
    simulation = play(rule())
    simulation.play([asset(at(minutes=30 * number)) for number in range(48 * 7)])
    hours = [float(minutes) / 60 for minutes, *_ in told(simulation)]
    assert hours == [0, 1, 3, 7, 15, 31, 55, 79, 103, 127, 151]


def test_another_cause_is_told_at_once():
    other = ErrorInfo(message="disk full", error_class="OSError")
    simulation = play(rule())
    simulation.play([asset(at(0)), asset(at(60)), asset(at(120), error=other), asset(at(180))])
    assert [(minute, further) for minute, _, _, further in told(simulation)] == [("0", 0), ("2", 1)]


def test_the_window_opens_only_after_a_send_that_worked():
    """While the channel is down nothing is sent, and then one message tells of all of it."""
    down = lambda sent: sent.at < at(minutes=10)  # noqa: E731
    simulation = play(rule(), fails=down)
    simulation.play([asset(at(minutes=minute)) for minute in range(5)])
    simulation.until(at(minutes=59))
    assert told(simulation) == [("10", "slack", "firing: Asset orders failed", 4)]


def test_one_channel_that_is_down_keeps_nothing_from_the_other():
    simulation = play(
        rule(to=["slack", "mail"]), fails=lambda sent: sent.recipient == "slack" and sent.at < at(300)
    )
    simulation.play([asset(at(0)), asset(at(60))])
    simulation.until(at(minutes=30))
    assert [(minute, who) for minute, who, *_ in told(simulation)] == [("0", "mail"), ("5", "slack")]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("last", ["10"]), ("first", ["0"]), ("every", ["0"])],
    ids=["last", "first", "every"],
)
def test_attempts(mode, expected):
    simulation = play(rule(attempts=mode))
    simulation.play(
        [
            asset(at(0), will_retry=True, run_id="run1", attempt=1),
            asset(at(minutes=10), run_id="run1", attempt=2),
        ]
    )
    assert [minute for minute, *_ in told(simulation)] == expected


def test_what_its_run_may_retry_waits_for_the_end_of_the_run():
    simulation = play(rule())
    events = [
        asset(at(0), run_may_retry=True, run_id="run1"),
        run(at(60), run_id="run1", will_retry=True, steps=["orders"]),
        asset(at(120), run_may_retry=True, run_id="run2"),
        run(at(180), run_id="run2", will_retry=False, steps=["orders"]),
    ]
    simulation.play(events)
    assert [minute for minute, *_ in told(simulation)] == ["3"]
    assert [outcomes(simulation, event).get("r") for event in events] == ["retrying", None, "notified", None]


def test_after_so_many_in_a_row():
    simulation = play(rule(after=3))
    statuses = ["failure", "failure", "success", "failure", "failure", "failure", "success"]
    simulation.play([asset(at(minutes=number), status) for number, status in enumerate(statuses)])
    assert [(minute, title) for minute, _, title, _ in told(simulation)] == [
        ("5", "firing: Asset orders failed"),
        ("6", "resolved: Resolved: Asset orders failed"),
    ]


BLOCKED = ErrorInfo(message="1 blocking asset check failed", error_class="DagsterAssetCheckFailedError")


def test_a_failed_check_that_fails_its_run_is_one_alert():
    simulation = play(rule(on=["check.failed", "asset.failure", "run.failure"]))
    events = [
        check(at(0), run_id="run1", step_key="orders"),
        asset(at(1), run_id="run1", error=BLOCKED),
        run(at(20), run_id="run1", steps=["orders"], step_error=BLOCKED),
    ]
    simulation.play(events)
    assert [title for _, _, title, _ in told(simulation)] == ["firing: Check not_null of orders failed"]
    assert [outcomes(simulation, event)["r"] for event in events] == ["notified", "same_cause", "same_cause"]


def test_a_check_that_fails_beside_another_failure_hides_it_not():
    """The step failed for a reason of its own, of which the check says nothing."""
    simulation = play(rule(on=["check.failed", "asset.failure", "run.failure"]))
    events = [
        check(at(0), run_id="run1", step_key="orders"),
        asset(at(1), run_id="run1"),
        run(at(20), run_id="run1", steps=["orders"]),
    ]
    simulation.play(events)
    assert [outcomes(simulation, event)["r"] for event in events] == ["notified", "notified", "same_cause"]


def test_a_run_that_failed_for_another_reason_too_is_told():
    simulation = play(rule(on=["asset.failure", "run.failure"]))
    simulation.play([asset(at(0), run_id="run1"), run(at(20), run_id="run1", steps=["orders", "customers"])])
    assert len(simulation.sent) == 2


def test_other_people_are_told_of_the_same_cause():
    simulation = play(rule("a"), rule("b", on=["run.failure"], to=["mail"]))
    simulation.play([asset(at(0), run_id="run1"), run(at(20), run_id="run1", steps=["orders"])])
    assert [who for _, who, *_ in told(simulation)] == ["slack", "mail"]


def test_one_message_per_run():
    simulation = play(rule(group_by="run"))
    events = [asset(at(minutes=number), key=f"a{number}", run_id="run1") for number in range(10)]
    simulation.play([*events, run(at(minutes=20), "failure", run_id="run1", steps=["a1"])])
    simulation.until(at(hours=5))
    assert told(simulation) == [("20", "slack", "firing: 10 problems in run run1", 9)]
    [sent] = simulation.sent
    assert len(sent.message.parts) == 10


def test_a_backfill_is_one_message_with_a_roll_up():
    simulation = play(rule(group_by="backfill"))
    events = [
        asset(at(minutes=number), run_id=f"run{number}", partition_key=f"p{number:03}", backfill_id="bf1")
        for number in range(365)
    ]
    simulation.play([*events, backfill_end(at(hours=7), failed=365, success=3)])
    simulation.until(at(hours=72))
    [sent] = simulation.sent
    assert sent.message.suppressed == 364
    assert "of 368 partitions 365 failed, 3 succeeded" in sent.message.text


def test_a_digest():
    simulation = play(rule(digest="0 18 * * *", timezone="Europe/Berlin"))
    simulation.play([asset(at(minutes=number), key=f"a{number % 3}") for number in range(12)])
    simulation.until(at(hours=24))
    assert told(simulation) == [("300", "slack", "digest: Digest of r: 12 events", 11)]


def test_quiet_hours():
    quiet = {"start": "11:00", "end": "13:30", "timezone": "UTC"}
    simulation = play(rule(quiet_hours=quiet))
    simulation.play(
        [asset(at(0)), asset(at(60)), asset(at(0), key="other"), asset(at(minutes=20), "success", "other")]
    )
    simulation.until(at(hours=2))
    assert told(simulation) == [
        ("90", "slack", "firing: Asset orders failed", 1),
        ("90", "slack", "resolved: Resolved: Asset other failed", 0),
    ]


def test_what_is_critical_knows_no_quiet_hours():
    quiet = {"start": "11:00", "end": "13:30", "timezone": "UTC"}
    simulation = play(rule(quiet_hours=quiet, severity="CRITICAL"))
    simulation.play([asset(at(0))])
    assert [minute for minute, *_ in told(simulation)] == ["0"]


def test_mute_until():
    """What began while it was muted is told when that ends, if it is wrong still."""
    simulation = play(rule(mute_until=at(minutes=10)))
    events = [asset(at(minutes=number)) for number in (0, 5, 11)]
    simulation.play([asset(at(minutes=1), key="other"), asset(at(minutes=9), "success", "other"), *events])
    assert told(simulation) == [("10", "slack", "firing: Asset orders failed", 1)]
    assert [outcomes(simulation, event)["r"] for event in events] == ["muted", "muted", "suppressed"]


def test_a_digest_that_is_due_while_it_is_muted_comes_later():
    simulation = play(rule(digest="0 18 * * *"))
    simulation.play([asset(at(0))])
    mute = StateChange(MUTE + alert_id("all"), {"reason": "maintenance"}, 0, at(hours=20))
    simulation.state.commit([mute])
    simulation.play([asset(at(hours=1), key="other")])
    simulation.until(at(days=2))
    assert [(minute, further) for minute, _, _, further in told(simulation)] == [("1200", 1)]


def test_a_reminder_keeps_the_window_of_a_cause_that_came_between():
    other = ErrorInfo(message="disk full", error_class="OSError")
    simulation = play(rule())
    simulation.play(
        [asset(at(0)), asset(at(minutes=1)), asset(at(minutes=50), error=other), asset(at(minutes=51))]
    )
    simulation.until(at(hours=9))
    assert [minute for minute, *_ in told(simulation)] == ["0", "50", "170"]


def test_to_stay_low_is_no_recovery():
    limit = {"name": "rows", "change_below": 50}
    simulation = play(rule(on=["metric"], threshold=limit))
    rows = [100, 10, 10, 11, 90, 91]
    simulation.play([asset(at(minutes=n), "success", metrics={"rows": each}) for n, each in enumerate(rows)])
    assert [(minute, title.partition(":")[0]) for minute, _, title, _ in told(simulation)] == [
        ("1", "firing"),
        ("4", "resolved"),
    ]


def test_renotify_until_it_is_over():
    simulation = play(rule(renotify="30m"))
    simulation.play([asset(at(0))])
    simulation.until(at(minutes=80))
    simulation.play([asset(at(minutes=81), "success")])
    simulation.until(at(hours=9))
    assert [(minute, title.partition(":")[0]) for minute, _, title, _ in told(simulation)] == [
        ("0", "firing"),
        ("30", "reminder"),
        ("60", "reminder"),
        ("81", "resolved"),
    ]


def test_escalation():
    simulation = play(rule(escalate_after="30m", escalate_to=["pager"]))
    simulation.play([asset(at(0)), asset(at(0), key="other"), asset(at(minutes=29), "success", "other")])
    simulation.until(at(minutes=40))
    simulation.play([asset(at(minutes=41), "success")])
    pages = [each for each in told(simulation) if each[1] == "pager"]
    assert pages == [
        ("30", "pager", "escalation: Escalated: Asset orders failed", 0),
        ("41", "pager", "resolved: Resolved: Asset orders failed", 0),
    ]


def test_flapping_is_told_once_and_then_when_it_rests():
    simulation = play(rule(flap_changes=4))
    statuses = ["failure", "success"] * 20
    simulation.play([asset(at(minutes=number), status) for number, status in enumerate(statuses)])
    simulation.until(at(hours=5))
    kinds = [(minute, title.partition(":")[0]) for minute, _, title, _ in told(simulation)]
    assert kinds[:4] == [("0", "firing"), ("1", "resolved"), ("2", "firing"), ("3", "resolved")]
    assert kinds[4:] == [("4", "flapping"), ("99", "resolved")]


def test_each_partition_recovers_on_its_own():
    simulation = play(rule())
    simulation.play(
        [
            asset(at(0), partition_key="p1"),
            asset(at(1), partition_key="p2"),
            asset(at(60), "success", partition_key="p1"),
        ]
    )
    assert [title.partition(":")[0] for _, _, title, _ in told(simulation)] == ["firing"]
    simulation.play([asset(at(120), "success", partition_key="p2")])
    assert [title.partition(":")[0] for _, _, title, _ in told(simulation)] == ["firing", "resolved"]


def test_an_event_counts_once():
    simulation = play(rule())
    event = asset(at(0))
    simulation.play([event])
    simulation.play([event, event])
    simulation.until(at(hours=3))
    assert len(simulation.sent) == 1


def test_notices_are_told_each():
    simulation = play(rule(on=["run.success"]))
    simulation.play([run(at(minutes=number), "success") for number in range(3)])
    assert [title for _, _, title, _ in told(simulation)] == ["notice: Job nightly succeeded"] * 3
    assert simulation.state.list("open/") == []


def test_a_lower_threshold_and_its_end():
    limit = {"name": "rows", "below": 10}
    simulation = play(rule(on=["metric"], threshold=limit))
    rows = [50, 5, 4, 60]
    simulation.play([asset(at(minutes=n), "success", metrics={"rows": each}) for n, each in enumerate(rows)])
    assert [title for _, _, title, _ in told(simulation)] == [
        "firing: rows of asset orders: 5 is below 10",
        "resolved: Resolved: rows of asset orders: 4 is below 10",
    ]


def test_a_change():
    limit = {"name": "rows", "change_below": 50}
    simulation = play(rule(on=["metric"], threshold=limit))
    rows = [100, 80, 30, 29]
    simulation.play([asset(at(minutes=n), "success", metrics={"rows": each}) for n, each in enumerate(rows)])
    assert [title for _, _, title, _ in told(simulation)][:1] == [
        "firing: rows of asset orders: 30 is -62 % from 80"
    ]


def test_first_match():
    simulation = play(rule("a"), rule("b", to=["mail"]), first_match=True)
    event = asset(at(0))
    simulation.play([event])
    assert [who for _, who, *_ in told(simulation)] == ["slack"]
    assert outcomes(simulation, event) == {"a": "notified", "b": "earlier_rule"}


def test_owners():
    owners = {"team:data": ["slack:#data"], "team:ops": ["mail", "slack:#ops"]}
    simulation = play(rule(to=["owners"]), owners=owners, default_owner="team:ops")
    simulation.play(
        [
            asset(at(0), owners=("team:data",)),
            asset(at(0), key="b"),
            asset(at(0), key="c", owners=("team:x",)),
        ]
    )
    assert [who for _, who, *_ in told(simulation)] == [
        "slack:#data",
        "mail",
        "slack:#ops",
        "mail",
        "slack:#ops",
    ]


def test_an_asset_of_a_run_without_a_job():
    """The failure of an ad-hoc run is over when its steps succeed, in whichever run."""
    simulation = play(rule(on=["run.failure"]))
    simulation.play(
        [
            run(at(0), job="__ASSET_JOB", steps=["orders"], run_id="run1"),
            run(at(60), job="__ASSET_JOB", steps=["customers"], run_id="run2"),
            asset(at(120), "success", "orders"),
        ]
    )
    assert [title for _, _, title, _ in told(simulation)] == [
        "firing: Run of orders failed",
        "firing: Run of customers failed",
        "resolved: Resolved: Run of orders failed",
    ]


def test_an_incident_that_nobody_heard_of_for_a_week_is_given_up():
    simulation = play(rule())
    simulation.play([asset(at(0)), asset(at(days=8), key="other")])
    [left] = simulation.state.list("open/")
    assert left.value["key"] == "asset other"


def test_what_is_held_for_a_run_that_never_ends_is_told_all_the_same():
    simulation = play(rule())
    simulation.play([asset(at(0), run_may_retry=True, run_id="run1")])
    simulation.until(at(hours=5))
    assert told(simulation) == []
    simulation.until(at(hours=7))
    assert [(minute, title) for minute, _, title, _ in told(simulation)] == [
        ("360", "firing: Asset orders failed")
    ]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, [("0", "firing", 0), ("60", "reminder", 0)]),
        (
            {"error": ErrorInfo(message="disk full", error_class="OSError")},
            [("0", "firing", 0), ("0", "firing", 0)],
        ),
    ],
    ids=["the same cause", "another cause"],
)
def test_what_happens_while_a_message_is_sent_is_not_forgotten(more, expected):
    """It came too late for the message, which had been written by then."""
    late = [asset(at(1), **more)]
    simulation = play(rule(), fails=lambda sent: late and simulation._evaluate([late.pop()]))
    simulation.play([asset(at(0))])
    simulation.until(at(hours=3))
    assert [
        (minute, title.partition(":")[0], further) for minute, _, title, further in told(simulation)
    ] == expected


def test_what_comes_right_while_a_message_is_sent_is_told():
    late = [asset(at(1), "success")]
    simulation = play(rule(), fails=lambda sent: late and simulation._evaluate([late.pop()]))
    simulation.play([asset(at(0))])
    assert [title.partition(":")[0] for _, _, title, _ in told(simulation)] == ["firing", "resolved"]


def test_a_message_that_was_given_up_opens_no_window():
    """Its dead letter is an event, too: the next failure is told again."""
    simulation = play(rule(), fails=lambda sent: sent.at < at(hours=1))
    simulation.play([asset(at(0))])
    [notice] = simulation.state.list("notice/")
    simulation._due.clear()
    simulation.play([dead_letter(at(600), notice.key.removeprefix("notice/")), asset(at(hours=2))])
    assert [(minute, further) for minute, _, _, further in told(simulation)] == [("120", 1)]


def test_metadata_may_have_any_name():
    """What we know as a time is, in somebody's metadata, a word: the message is sent all the same."""
    simulation = play(rule())
    simulation.play([asset(at(0), metadata={"last_heartbeat": "yesterday", "count": 1.5})])
    [sent] = simulation.sent
    assert ("last heartbeat", "yesterday") in [
        (fact.label.lower(), fact.value) for fact in sent.message.facts
    ]
