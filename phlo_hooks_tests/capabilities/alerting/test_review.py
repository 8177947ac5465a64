"""What a hostile reader of the alert engine found: each of these was lost, wrong, or told twice."""

import pytest

from phlo_hooks_tests.capabilities.alerting.bench import asset, at, check, outcomes, play, rule, run, told


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
    assert [(minute, further) for minute, _, _, further in told(simulation)] == [("20", 100)]


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
