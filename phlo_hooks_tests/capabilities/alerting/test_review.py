"""What a hostile reader of the alert engine found: each of these was lost, wrong, or told twice."""

from phlo_hooks_tests.capabilities.alerting.bench import asset, at, outcomes, play, rule, run, told


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
