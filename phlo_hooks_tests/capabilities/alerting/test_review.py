"""What a hostile reader of the alert engine found: each of these was lost, wrong, or told twice."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from phlo_hooks.capabilities.alerting.evaluator import Evaluator
from phlo_hooks.capabilities.alerting.ledger import MUTE, alert_id
from phlo_hooks.capabilities.alerting.quiet import next_time
from phlo_hooks.errors import ConfigurationError, StoreError
from phlo_hooks.events import ErrorInfo
from phlo_hooks.memory import MemoryState, memory_host
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


def titles(simulation):
    return [(minute, who, title) for minute, who, title, _ in told(simulation)]


def test_what_is_held_is_let_go_by_its_runs_end_in_the_same_batch():
    """The tail finds a failed asset and the end of its run at once: they come together, not one by one."""
    simulation = play(rule())
    failed = asset(at(0), run_may_retry=True, run_id="run1")
    simulation.play([failed, run(at(0), run_id="run1", will_retry=False, steps=["orders"])])
    simulation.until(at(minutes=1))
    assert titles(simulation) == [("0", "slack", "firing: Asset orders failed")]
    assert outcomes(simulation, failed) == {"r": "notified"}


def test_what_is_held_is_dropped_when_its_run_is_retried_in_the_same_batch():
    """Two ends of a run, which some backends report, let go of what is held only once."""
    simulation = play(rule())
    failed = asset(at(0), run_may_retry=True, run_id="run1")
    ends = [run(at(0), run_id="run1", will_retry=True, steps=["orders"]) for _ in range(2)]
    simulation.play([failed, *ends])
    simulation.until(at(hours=8))
    assert titles(simulation) == []
    assert outcomes(simulation, failed) == {"r": "retrying"}


@pytest.mark.parametrize("backoff", [1, 2, 5, 1e300])
def test_windows_grow_into_no_error(backoff):
    """After so many messages a factor to their number is more than a time can be."""
    simulation = play(rule(renotify="30m", backoff=backoff))
    simulation.play([asset(at(0))])
    simulation.until(at(days=3))
    event = asset(at(days=3, seconds=1))
    simulation.play([event])
    assert outcomes(simulation, event) == {"r": "suppressed"}


def test_each_rule_has_its_own_limit():
    """What is within one rule's limit is not right again for a rule with a narrower one."""
    simulation = play(
        rule("narrow", on=["metric"], threshold={"name": "rows", "below": 100}),
        rule("wide", on=["metric"], to=["pager"], threshold={"name": "rows", "below": 10}),
    )
    rows = [50, 50, 500]
    simulation.play([asset(at(minutes=n), "success", metrics={"rows": each}) for n, each in enumerate(rows)])
    assert titles(simulation) == [
        ("0", "slack", "firing: rows of asset orders: 50 is below 100"),
        ("2", "slack", "resolved: Resolved: rows of asset orders: 50 is below 100"),
    ]


@pytest.mark.parametrize(
    "silent",
    [
        {"after": 3},
        {"mute_until": at(days=30)},
        {"digest": "0 18 * * 1"},
        {"quiet_hours": {"start": "11:00", "end": "18:00", "timezone": "UTC"}},
    ],
    ids=["not often enough", "muted", "digest", "quiet hours"],
)
def test_a_rule_that_is_silent_silences_no_other(silent):
    """One rule hears of the asset and says nothing yet: the other one tells that its run has failed."""
    simulation = play(rule("silent", **silent), rule("loud", on=["run.failure"]))
    simulation.play([asset(at(0), run_id="run1"), run(at(20), run_id="run1", steps=["orders"])])
    simulation.until(at(minutes=5))
    assert [title for _, _, title in titles(simulation)] == ["firing: Job nightly failed"]


def test_two_rules_with_the_same_quiet_hours_tell_of_one_cause_once():
    """Both wait for the same end, and the first one tells of it."""
    quiet = {"start": "11:00", "end": "18:00", "timezone": "UTC"}
    simulation = play(rule("a", quiet_hours=quiet), rule("b", on=["run.failure"], quiet_hours=quiet))
    simulation.play([asset(at(0), run_id="run1"), run(at(20), run_id="run1", steps=["orders"])])
    simulation.until(at(hours=9))
    assert len(simulation.sent) == 1


@pytest.mark.parametrize(
    "other", [run(at(20), run_id="run1", steps=["orders"]), asset(at(20), run_id="run1")]
)
def test_a_check_that_only_warns_is_no_cause_of_a_failure(other):
    """It stands in the same step, or concerns the same asset, and that has failed of something else."""
    simulation = play(rule(on=["check.failed", "run.failure", "asset.failure"]))
    simulation.play([check(at(0), severity="WARN", run_id="run1", step_key="orders"), other])
    assert outcomes(simulation, other) == {"r": "notified"}


def crowd(minutes, first=0, number=100):
    return [asset(at(minutes=minutes), key=f"a{first + each}", owners=("x",)) for each in range(number)]


def test_more_causes_than_are_listed_are_told_too():
    """An incident lists a hundred; of those beyond there is a message, too, in the next window."""
    simulation = play(rule(group_by="owner"))
    simulation.play([*crowd(0), *crowd(90, 100, 1), *crowd(100, 200, 2)])
    simulation.until(at(days=2))
    assert [(minute, further) for minute, _, _, further in told(simulation)] == [
        ("1", 99),
        ("90", 0),
        ("210", 1),
    ]
    simulation.play([asset(at(days=2), "success", key=f"a{number}") for number in range(100)])
    assert "Whether 3 events more are over is not known." in simulation.sent[-1].message.text


def test_more_causes_than_are_listed_are_told_after_a_mute():
    """Nobody was told of the hundred, and no message waits that could tell of the next."""
    simulation = play(rule(group_by="owner", mute_until=at(minutes=10)))
    simulation.play([*crowd(0), *crowd(20, 100, 1)])
    simulation.until(at(days=1))
    assert [(minute, further) for minute, _, _, further in told(simulation)] == [("10", 99), ("70", 0)]


def while_sending(event, *rules):
    """Rules, and an event that comes while their first message is being sent."""
    late = [event]
    simulation = play(*rules, fails=lambda sent: late and simulation._evaluate([late.pop()]))
    return simulation


def test_what_happens_while_a_digest_is_sent_is_in_the_next():
    """The digest was written by then: without another one it would be told to nobody."""
    simulation = while_sending(asset(at(hours=5), key="late"), rule(digest="0 17 * * *"))
    simulation.play([asset(at(0))])
    simulation.until(at(days=4))
    assert titles(simulation) == [
        ("300", "slack", "digest: Digest of r: 1 event"),
        ("1740", "slack", "digest: Digest of r: 1 event"),
    ]
    assert simulation.state.list("open/") == []


def test_what_happens_while_a_notice_is_sent_is_told_when_its_window_ends():
    """As it is of a problem."""
    simulation = while_sending(run(at(1), "success"), rule(on=["run.success"], window="1h"))
    simulation.play([run(at(0), "success")])
    simulation.until(at(hours=4))
    assert [(minute, further) for minute, _, _, further in told(simulation)] == [("0", 0), ("60", 0)]


def test_a_digest_counts_what_is_new_to_its_reader():
    """While one channel is down the digest of the other goes on, and begins anew each day."""
    simulation = play(
        rule(digest="0 13 * * *", to=["slack", "mail"]), fails=lambda sent: sent.recipient == "mail"
    )
    simulation.play([asset(at(0)), asset(at(hours=3)), asset(at(hours=3), key="b")])
    simulation.until(at(days=2))
    assert titles(simulation) == [
        ("60", "slack", "digest: Digest of r: 1 event"),
        ("1500", "slack", "digest: Digest of r: 2 events"),
    ]


QUIET = {"start": "11:00", "end": "18:00", "timezone": "UTC"}


def test_nobody_is_woken_by_an_escalation_of_what_nobody_was_told():
    """It begins when people know of it: at the end of the quiet hours."""
    simulation = play(rule(quiet_hours=QUIET, escalate_after="30m", escalate_to=["pager"]))
    simulation.play([asset(at(0))])
    simulation.until(at(hours=20))
    assert titles(simulation) == [
        ("360", "slack", "firing: Asset orders failed"),
        ("390", "pager", "escalation: Escalated: Asset orders failed"),
    ]


def test_quiet_hours_that_never_end_are_refused():
    """However the same time is written."""
    with pytest.raises(ConfigurationError, match="never or always"):
        rule(quiet_hours={"start": "7:00", "end": "07:00", "timezone": "UTC"})


@pytest.mark.parametrize("window", [None, "1h"])
def test_good_news_in_a_group_neither_hides_a_problem_nor_keeps_it_open(window):
    """A rule for all that happens to an asset: its problems are over when they are."""
    simulation = play(rule(on=["asset.*"], group_by="asset", group_wait="0s", window=window))
    simulation.play(
        [
            asset(at(0), "success", partition_key="p0"),
            asset(at(60), partition_key="p1"),
            asset(at(61), partition_key="p2"),
            asset(at(120), "success", partition_key="p1"),
            asset(at(180), "success", partition_key="p2"),
        ]
    )
    simulation.until(at(hours=3))
    kinds = [title.partition(":")[0] for _, _, title in titles(simulation)]
    assert kinds.count("firing") >= 1
    assert kinds.count("resolved") == 1
    assert not [each for each in simulation.state.list("open/") if each.value.get("kind") != "notice"]


def test_the_end_of_a_failed_run_without_a_job_is_heard():
    """Its assets succeed in a run of their own: the hook has to be given these events."""
    assert {"ingestion.end", "transform.end", "publish.end"} <= set(rule(on=["run.failure"]).event_types)


@pytest.mark.parametrize(("again", "expected"), [(False, ["0.333333"]), (True, [])])
def test_an_asset_that_is_found_to_have_failed_after_the_end_of_its_run_is_not_held(again, expected):
    """The tail tells of the run first when its process was killed: there is no end to wait for any more."""
    simulation = play(rule())
    failed = asset(at(20), run_id="run1", run_may_retry=True)
    simulation.play([run(at(0), run_id="run1", will_retry=again), failed])
    simulation.until(at(days=1))
    assert [minute for minute, *_ in told(simulation)] == expected
    assert outcomes(simulation, failed) == {"r": "retrying" if again else "notified"}


@pytest.mark.parametrize("group", ["run", "backfill"])
def test_a_group_waits_for_no_end_that_has_been(group):
    """What comes after it is told a minute later, not when the group's patience is over."""
    simulation = play(rule(group_by=group))
    where = {"run_id": "run1", "backfill_id": "bf1"}
    ends = [backfill_end(at(600), failed=2), run(at(600), run_id="run1")]
    simulation.play([asset(at(0), **where), *ends, asset(at(650), key="b", **where)])
    simulation.until(at(days=3))
    assert [minute for minute, *_ in told(simulation)] == ["10", "11.8333"]


def test_a_number_that_is_given_once_more_is_compared_with_nothing():
    """A relay died after it took the batch in: the older of two numbers is no rise from the newer one."""
    simulation = play(rule(on=["metric"], threshold={"name": "rows", "change_above": 50}))
    events = [
        asset(at(60 * n), "success", metrics={"rows": each}) for n, each in enumerate([100, 30, 31, 500])
    ]
    simulation.play(events[:2])
    simulation.play(events[:1])
    simulation.play(events[2:])
    assert titles(simulation) == [("3", "slack", "firing: rows of asset orders: 500 is +1513 % from 31")]


def test_a_backlog_of_old_events_is_one_incident():
    """A relay that was down for a month does not give up at once what it has just told."""
    simulation = play(rule())
    simulation.now = at(days=30)
    for number in range(6):
        simulation._evaluate([asset(at(number))])
        simulation.until(simulation.now + timedelta(seconds=30))
    assert len(simulation.sent) == 1


def test_an_incident_whose_message_nobody_will_send_is_given_up():
    """Its channel is gone: it is not read with every batch for ever."""
    simulation = play(rule(), fails=lambda sent: True)
    simulation.play([asset(at(0))])
    simulation._due.clear()
    simulation.play([asset(at(days=8), key="other")])
    assert [each.value["key"] for each in simulation.state.list("open/")] == ["asset other"]


def given_up(simulation):
    """Have the message that waits given up, as a relay does after days; return its event."""
    [event] = [each.event for each in simulation._due]
    simulation._due.clear()
    simulation.play([dead_letter(simulation.now + timedelta(minutes=1), event.event_id)])
    return event


def test_a_message_that_was_given_up_is_sent_when_it_is_retried():
    """As an operator does with dead letters; once."""
    simulation = play(rule(), fails=lambda sent: sent.at < at(minutes=5))
    simulation.play([asset(at(0))])
    event = given_up(simulation)
    simulation.until(at(minutes=10))
    simulation._send(event)
    simulation._send(event)
    assert titles(simulation) == [("10", "slack", "firing: Asset orders failed")]


def test_a_message_that_was_given_up_is_of_no_use_once_a_later_one_told_of_it():
    """The next failure was told, with all there was before."""
    simulation = play(rule(), fails=lambda sent: sent.at < at(minutes=5))
    simulation.play([asset(at(0))])
    event = given_up(simulation)
    simulation.play([asset(at(minutes=8))])
    simulation._send(event)
    assert [(minute, further) for minute, _, _, further in told(simulation)] == [("8", 1)]


def test_a_message_that_was_discarded_silences_nothing():
    """An operator empties the queue of a channel: what happens later is told all the same."""
    simulation = play(rule(), fails=lambda sent: sent.at < at(minutes=5))
    simulation.play([asset(at(0))])
    simulation._due.clear()
    simulation.play([asset(at(minutes=30)), asset(at(minutes=90))])
    assert [(minute, further) for minute, _, _, further in told(simulation)] == [("90", 2)]


def test_a_channel_that_is_down_for_hours_is_told_once():
    """Messages are made beside one that is overdue, and dropped when that is sent after all."""
    simulation = play(rule(), fails=lambda sent: sent.at < at(hours=5))
    simulation.play([asset(at(minutes=minute)) for minute in range(300)])
    simulation.until(at(hours=5, minutes=30))
    assert [(minute, further) for minute, _, _, further in told(simulation)] == [("300", 299)]


def test_a_message_that_was_sent_and_not_noted_is_noted_later_and_not_sent_again():
    """The store is down for a moment, just after the receiver took the message."""
    simulation = play(rule())
    commit, down = simulation.state.commit, []

    def refuse(changes, events=()):
        if down:
            raise StoreError("the database is locked")
        return commit(changes, events)

    simulation.state.commit = refuse
    simulation._fails = lambda sent: down.append(sent)
    simulation.play([asset(at(0))])
    simulation._fails = lambda sent: False
    down.clear()
    simulation.play([asset(at(minutes=number)) for number in range(1, 70)])
    assert [(minute, further) for minute, _, _, further in told(simulation)] == [("0", 0), ("60.0833", 59)]


def test_renotify_goes_on_after_a_mute():
    """What was muted for a while, and is wrong still, is told again."""
    simulation = play(rule(renotify="30m"))
    simulation.play([asset(at(0))])
    simulation.until(at(minutes=10))
    mute = {"until": "then", "reason": "maintenance"}
    simulation.state.commit([StateChange(MUTE + alert_id("rule:r"), mute, 0, at(minutes=50))])
    simulation.until(at(minutes=65))
    assert [minute for minute, *_ in told(simulation)] == ["0", "50"]


FLAPS = ["failure", "success"] * 2 + ["failure"]


def test_flapping_that_nobody_was_told_of_silences_nothing():
    """Its message was given up, and with it the look whether it has come to rest."""
    simulation = play(rule(flap_changes=4), fails=lambda sent: sent.message.kind.value == "flapping")
    simulation.play([asset(at(minutes=number), status) for number, status in enumerate(FLAPS)])
    given_up(simulation)
    simulation._fails = lambda sent: False
    simulation.play([asset(at(hours=3)), asset(at(hours=4), "success")])
    assert [title.partition(":")[0] for _, _, title in titles(simulation)][-2:] == ["firing", "resolved"]


def test_flapping_keeps_quiet_hours():
    """It is told at their end."""
    simulation = play(rule(flap_changes=4, quiet_hours=QUIET))
    simulation.play([asset(at(minutes=number), status) for number, status in enumerate(FLAPS)])
    simulation.until(at(hours=5))
    assert titles(simulation) == []
    simulation.until(at(hours=6))
    assert "flapping: Asset orders failed, and recovers, and fails again" in [
        title for _, _, title in titles(simulation)
    ]


def test_a_digest_is_never_due_in_the_past():
    """In autumn there is an hour that comes twice, and in it a time that has been."""
    after = datetime.fromisoformat("2026-10-25T01:10:00+00:00")
    due = next_time("30 2 * * *", "Europe/Berlin", after)
    assert due == datetime.fromisoformat("2026-10-26T01:30:00+00:00")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"jobs": []}, "jobs is empty"),
        ({"on": ["metric"], "threshold": {"name": "rows", "above": 1}, "min_severity": "ERROR"}, "is a WARN"),
    ],
)
def test_a_rule_that_can_never_match_is_refused(more, said):
    """Not a silent nothing when it matters."""
    with pytest.raises(ConfigurationError, match=said):
        rule(**more)


def test_two_resources_with_the_same_rule_have_messages_of_their_own():
    """Each is recorded once, by its id: the second one's would be taken for the first one's, and not sent."""
    plan, event, states = play(rule()).plan, asset(at(0)), []
    for plugin in ("ours", "theirs"):
        states.append(MemoryState(clock=lambda: at(0)))
        Evaluator(plan, replace(memory_host(states[-1], clock=lambda: at(0)), plugin=plugin))([event])
    [ours], [theirs] = (state.events for state in states)
    assert ours.event_id != theirs.event_id
    assert ours.incident_id != theirs.incident_id


def test_the_end_of_a_run_wakes_nobody_who_waits_for_an_escalation():
    """Its group is told then, and those it is escalated to only when it lasts."""
    simulation = play(rule(group_by="run", escalate_after="2h", escalate_to=["pager"]))
    simulation.play([asset(at(0), run_id="run1"), run(at(600), run_id="run1", steps=["orders"])])
    simulation.until(at(hours=5))
    assert titles(simulation) == [
        ("10", "slack", "firing: Asset orders failed"),
        ("120", "pager", "escalation: Escalated: Asset orders failed"),
    ]


def test_what_is_right_again_is_no_cause_of_a_failure():
    """A check failed and passed in the next attempt, and the run has failed of something else."""
    simulation = play(rule(on=["check.failed", "run.failure"]))
    where = {"run_id": "run1", "step_key": "orders"}
    end = run(at(200), run_id="run1", steps=["orders"])
    simulation.play([check(at(0), **where), check(at(100), True, **where), end])
    assert outcomes(simulation, end) == {"r": "notified"}


def test_what_is_open_is_often_enough():
    """One partition is right again: another cause in a further one begins no new count."""
    simulation = play(rule(after=3))
    other = ErrorInfo(message="disk full", error_class="OSError")
    further = asset(at(400), partition_key="q", error=other)
    simulation.play(
        [
            *(asset(at(number), partition_key=f"p{number}") for number in range(3)),
            asset(at(300), "success", partition_key="p0"),
            further,
        ]
    )
    assert outcomes(simulation, further) == {"r": "notified"}


def test_flapping_hides_no_other_cause():
    """What goes wrong and right all day may go wrong for another reason, too; that is told once."""
    simulation = play(rule(flap_changes=4))
    other = [
        asset(at(minutes=minute, seconds=20), error=ErrorInfo(message="disk full", error_class="OSError"))
        for minute in (30, 32)
    ]
    statuses = ["failure", "success"] * 60
    flaps = [asset(at(minutes=number), status) for number, status in enumerate(statuses)]
    simulation.play([*flaps, *other])
    simulation.until(at(hours=12))
    assert [outcomes(simulation, each)["r"] for each in other] == ["notified", "flapping"]
    kinds = [(minute, title.partition(":")[0]) for minute, _, title in titles(simulation)]
    assert kinds[4:] == [("4", "flapping"), ("30.3333", "firing"), ("179", "resolved")]


def test_a_muted_asset_mutes_none_beside_it_in_its_group():
    """It was the last to fail; the message is about the other one."""
    simulation = play(rule(group_by="owner"))
    simulation.now = at(0)
    mute = {"until": "then", "reason": "maintenance"}
    simulation.state.commit([StateChange(MUTE + alert_id("asset:b"), mute, 0, at(hours=5))])
    simulation.play([asset(at(0), key="a", owners=("x",)), asset(at(30), key="b", owners=("x",))])
    simulation.until(at(hours=1))
    assert [minute for minute, *_ in told(simulation)] == ["1"]


def test_what_was_held_for_a_rule_that_is_gone_is_explained():
    """Its rule was renamed while the run went on."""
    simulation = play(rule("old"))
    failed = asset(at(0), run_may_retry=True, run_id="run1")
    simulation.play([failed])
    simulation._evaluate = replace(simulation._evaluate, plan=play(rule("new")).plan)
    simulation.play([run(at(60), run_id="run1", steps=["orders"])])
    assert outcomes(simulation, failed) == {"old": "unmatched"}


def deploy(simulation, *rules):
    """Go on with other rules."""
    plan = replace(play(*rules).plan, channels=simulation.plan.channels)
    simulation.plan = plan
    simulation._evaluate = replace(simulation._evaluate, plan=plan)
    simulation._send = replace(simulation._send, plan=plan)


def test_what_a_rule_was_about_to_tell_is_told_when_it_is_renamed():
    """Nobody else will; and who was told hears of the end."""
    simulation = play(rule("old", quiet_hours=QUIET, renotify="5m"))
    simulation.play([asset(at(0))])
    deploy(simulation, rule("new", quiet_hours=QUIET))
    simulation.until(at(hours=7))
    simulation.play([asset(at(hours=7), "success")])
    assert titles(simulation) == [
        ("360", "slack", "firing: Asset orders failed"),
        ("420", "slack", "resolved: Resolved: Asset orders failed"),
    ]


def test_a_rule_that_escalates_is_not_left_to_one_that_does_not():
    """The same people are told by both, but only one of them calls for help when it lasts."""
    simulation = play(
        rule("assets"), rule("runs", on=["run.failure"], escalate_after="1h", escalate_to=["pager"])
    )
    simulation.play([asset(at(0), run_id="run1"), run(at(20), run_id="run1", steps=["orders"])])
    simulation.until(at(hours=2))
    assert "pager" in [who for _, who, _ in titles(simulation)]


def test_a_channel_is_told_of_another_plugins_hook_of_the_same_name():
    """Only what cannot be delivered to the channel itself is not told there."""
    simulation = play(rule(on=["hook.dead_letter"], to=["slack"]), plugin="alerting")
    ours = dead_letter(at(0), "x")
    simulation.play([ours, ours.model_copy(update={"event_id": "other", "hook": "catalog.slack"})])
    assert titles(simulation) == [("0", "slack", "firing: Hook catalog.slack could not be given an event")]


def test_a_message_that_was_given_up_and_is_retried_while_muted_waits_for_its_end():
    """As any other does."""
    simulation = play(rule(), fails=lambda sent: sent.at < at(minutes=5))
    simulation.play([asset(at(0))])
    event = given_up(simulation)
    simulation.until(at(minutes=10))
    simulation.state.commit([StateChange(MUTE + alert_id("all"), {"reason": "x"}, 0, at(minutes=30))])
    simulation._send(event)
    simulation._send(event)
    simulation.until(at(hours=1))
    assert titles(simulation) == [("30", "slack", "firing: Asset orders failed")]


def test_a_mute_without_an_end_stops_nothing_but_messages():
    """Its end is as far as a time can be, and beyond it no quiet hours are looked for."""
    simulation = play(rule(quiet_hours={**QUIET, "timezone": "Europe/Berlin"}))
    simulation.now = at(0)
    simulation.state.commit([StateChange(MUTE + alert_id("all"), {"reason": "x"})])
    event = asset(at(0))
    simulation.play([event])
    assert outcomes(simulation, event) == {"r": "muted"}
