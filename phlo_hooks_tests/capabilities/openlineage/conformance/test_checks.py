"""Checks: each is a run of its own, and its result stands on the dataset that it looked at."""

from __future__ import annotations

import pytest

from phlo_hooks_tests.capabilities.openlineage import scenes
from phlo_hooks_tests.capabilities.openlineage.conformance.driver import QUIET, facet, names, play

pytestmark = QUIET


def assertions(event) -> list[dict]:
    return facet(event["inputs"][0], "inputFacets.dataQualityAssertions.assertions") or []


def test_three_on_one_asset(backend):
    """Each says what it found; the asset is materialized all the same."""
    played = play(backend, scenes.several_checks())
    found = {
        name: assertions(played.end(f"orders.{name}")) for name in ("has_rows", "is_fresh", "ids_are_unique")
    }
    assert [1, 1, 1] == [len(each) for each in found.values()]
    assert (True, "error") == (found["has_rows"][0]["success"], found["has_rows"][0]["severity"])
    assert (False, "warn") == (found["is_fresh"][0]["success"], found["is_fresh"][0]["severity"])
    unique = found["ids_are_unique"][0]
    assert (False, "error", "0", "2", "id") == tuple(
        unique[key] for key in ("success", "severity", "expected", "actual", "column")
    )
    assert "COMPLETE" == played.end("orders")["eventType"]


@pytest.mark.parametrize(("passes", "severity"), [(True, "ERROR"), (False, "WARN"), (False, "ERROR")])
def test_in_a_step_of_its_own(passes, severity, backend):
    """A check that found something has done its work: the run of it is complete, and its assertion says no."""
    event = play(backend, scenes.a_standalone_check(passes=passes, severity=severity), "only_check").end(
        "orders.totals"
    )
    (found,) = assertions(event)
    assert ("totals", passes, severity.lower()) == (found["name"], found["success"], found["severity"])
    assert ("COMPLETE", ["orders"], []) == (event["eventType"], names(event["inputs"]), event["outputs"])
    assert "CHECK" == facet(event, "job.facets.jobType.jobType")
    assert "Every order has a positive total." == facet(event, "job.facets.documentation.description")


def test_one_that_crashed(backend):
    """Says nothing of the asset, neither good nor bad, and fails with its own error."""
    event = play(backend, scenes.crashing_check()).end("orders.totals")
    assert ("FAIL", []) == (event["eventType"], assertions(event))
    assert "Broken: the check itself is broken" == facet(event, "run.facets.errorMessage.message")
    assert ["orders"] == names(event["inputs"])


def test_one_that_blocks(backend):
    """What it keeps from running is not told as anything; the run has failed, and says by what."""
    played = play(backend, scenes.a_standalone_check(passes=False, blocking=True))
    assert "report" not in played.states
    assert "COMPLETE" == played.end("orders.totals")["eventType"]
    assert "totals" in facet(played.end("__ASSET_JOB"), "run.facets.errorMessage.message")


def test_a_check_never_writes_what_it_reads(backend):
    """Else a graph of datasets would have a circle."""
    play(backend, scenes.several_checks())
    graph = backend.graph()
    checks = [job for job in graph.outputs if "." in job[1]]
    assert 3 == len(checks)
    assert {frozenset()} == {graph.outputs[job] for job in checks}
    assert {("raw_orders", "orders"), ("orders", "report")} == graph.flows
