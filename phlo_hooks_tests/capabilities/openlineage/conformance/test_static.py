"""Static lineage: the whole graph once, then what changes; a backend that is down costs nothing."""

from __future__ import annotations

import dagster as dg
import pytest

from phlo_hooks.envelope import utc_now
from phlo_hooks.testing import Fault
from phlo_hooks_tests.capabilities.openlineage import scenes
from phlo_hooks_tests.capabilities.openlineage.conformance.driver import (
    QUIET,
    catch_up,
    facet,
    names,
    on_openlineage,
    undelivered,
)
from phlo_hooks_tests.capabilities.openlineage.conformance.test_outage import on_time_of, pass_time
from phlo_hooks_tests.capabilities.openlineage.scenes.definitions import asset, definitions
from phlo_hooks_tests.capabilities.openlineage.scenes.graphs import TEN
from phlo_hooks_tests.delivery.helpers import Clock
from phlo_hooks_tests.producers.recording import ASSET_JOB, runtime_of

pytestmark = QUIET

DEPS = {"orders": [], "report": ["orders"], "export": ["report"]}


def three(**changed) -> dg.Definitions:
    """Three assets in a row, and what is changed of them."""
    return definitions(*[asset(name, deps, **changed.get(name, {})) for name, deps in DEPS.items()])


def deploy(defs, backend, instance, **options) -> dg.Definitions:
    """A code location that is loaded anew, and looked at by its relay."""
    hooked = on_openlineage(defs, backend, static_lineage=True, since=utc_now(), **options)
    runtime_of(hooked).watch(instance, "", 10.0)
    return hooked


def sent(backend) -> list[tuple[str, str]]:
    """What was told, and of whom."""
    return [
        ("dataset", event["dataset"]["name"]) if "dataset" in event else ("job", event["job"]["name"])
        for event in backend.events
    ]


def test_the_whole_graph_once(backend, instance):
    """Each asset's dataset and each job; again, from another process, nothing."""
    for _ in range(2):
        catch_up(deploy(scenes.ten_assets(), backend, instance), instance)
    expected = {(kind, name) for kind in ("dataset", "job") for name in TEN}
    assert (expected, len(expected)) == (set(sent(backend)), len(sent(backend)))
    assert {(up, name) for name, deps in TEN.items() for up in deps} == backend.graph().flows


def test_one_that_is_not_made_here_is_no_job(backend, instance):
    """It is a dataset all the same; one that is only named is an input."""
    catch_up(deploy(scenes.external_deps(), backend, instance), instance)
    assert ("job", "crm/accounts") not in sent(backend)
    assert ("dataset", "crm/accounts") in sent(backend)
    (report,) = backend.of_job("report")
    assert ["crm/accounts", "legacy/targets", "orders"] == sorted(names(report["inputs"]))


def test_only_what_has_changed(backend, instance):
    """An asset's description: its dataset and its job, and no other's."""
    catch_up(deploy(three(), backend, instance), instance)
    backend.clear()
    catch_up(deploy(three(report={"description": "sales"}), backend, instance), instance)
    assert {"report"} == {name for _, name in sent(backend)}
    assert "sales" == facet(backend.datasets()["dagster", "report"].facets, "documentation.description")
    backend.clear()
    catch_up(deploy(three(), backend, instance), instance)
    assert {"report"} == {name for _, name in sent(backend)}


def test_it_goes_on_where_it_stopped(backend, instance):
    """A backend that goes down in the middle: each is told once."""
    clock = Clock()
    clock.now = utc_now()
    hooked = on_openlineage(three(), backend, static_lineage=True, since=utc_now())
    on_time_of(clock, hooked, instance)
    runtime_of(hooked).watch(instance, "", 10.0)
    backend.next(Fault.accept(201), Fault.accept(201), Fault.answer(503), Fault.answer(503))
    pass_time(clock, hooked, instance)
    assert [] == undelivered(runtime_of(hooked).store(instance))
    told = sent(backend)
    assert (6, 6) == (len(told), len(set(told)))


def test_a_run_says_the_same_as_the_definitions(backend, instance):
    """The graph does not change by a run of it."""
    hooked = deploy(three(), backend, instance)
    catch_up(hooked, instance)
    before = backend.graph().flows
    hooked.resolve_job_def(ASSET_JOB).execute_in_process(instance=instance)
    catch_up(hooked, instance)
    assert before == backend.graph().flows
    assert {("orders", "report"), ("report", "export")} == before


def test_left_out(backend, instance):
    """As of runs, nothing is told of what is excluded; it is an input all the same."""
    catch_up(deploy(three(), backend, instance, exclude="key:orders"), instance)
    assert "orders" not in {name for _, name in sent(backend)}
    assert ("orders", "report") in backend.graph().flows


@pytest.mark.parametrize("static", [True, False])
def test_nobody_wants_it(static, backend, instance):
    """Without `static_lineage` nothing is told of definitions."""
    hooked = on_openlineage(three(), backend, static_lineage=static, since=utc_now())
    runtime_of(hooked).watch(instance, "", 10.0)
    catch_up(hooked, instance)
    assert static == bool(backend.events)
