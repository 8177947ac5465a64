"""A dlt load that says itself what it changed, and the monitor that sees it too: one event for one change.

No `from __future__ import annotations` here: Dagster looks at the annotations of resources.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import HookFilter, ingestion, with_hooks
from phlo_hooks.events import SchemaChangeEvent
from phlo_hooks_tests.producers.recording import Spy, running, runtime_of

# dlt's and dagster-dlt's own.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

PLAIN = {"id": 1, "lines": [{"sku": "a"}]}
WIDER = {**PLAIN, "note": "x"}
NESTED_WIDER = {"id": 1, "lines": [{"sku": "a", "count": 2}]}


@pytest.fixture(autouse=True)
def _silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """dlt reports usage unless told not to."""
    monkeypatch.setitem(os.environ, "RUNTIME__DLTHUB_TELEMETRY", "false")


def definitions(folder: Path, row: Any, hook: Any, *, details: bool) -> dg.Definitions:
    """A pipeline that loads a row, as a process of its own would have it."""
    import dlt
    from dagster_dlt import DagsterDltResource, dlt_assets

    pipeline = dlt.pipeline(
        "shop",
        pipelines_dir=str(folder / "pipelines"),
        destination=dlt.destinations.duckdb(str(folder / "shop.duckdb")),
        dataset_name="raw",
    )
    source = dlt.source(lambda: [dlt.resource([row], name="orders")], name="shop")()

    def load(context: dg.AssetExecutionContext, loader: DagsterDltResource) -> Iterator[Any]:
        yield from loader.run(context=context)

    step: Any = ingestion()(load) if details else load
    assets = dlt_assets(name="load", dlt_source=source, dlt_pipeline=pipeline, group_name="raw")(step)
    plain = dg.Definitions(assets=[assets], resources={"loader": DagsterDltResource()})
    return with_hooks(plain, hooks=[hook], plugins=False)


def told(folder: Path, rows: list[Any], *, details: bool, asked: bool) -> list[tuple[int, Any]]:
    """Load these rows, one run for each; what that tells of the schema, with the run's number."""
    spy, runs = Spy(), []
    hook = spy.hook(filters=HookFilter(event_types={"schema.changed"}) if asked else None)
    with dg.instance_for_test() as instance:
        for row in rows:
            defs = definitions(folder, row, hook, details=details)
            with running(defs, instance=instance) as ran:
                assert ran.result.success
                runtime_of(defs).relay(instance, "").run(budget=20)
                runs.append(ran.result.run_id)
        recorded = [each.event for each in ran.store.events(event_type="schema.changed")]
    heard = [event for event in spy.events if isinstance(event, SchemaChangeEvent)]
    assert heard == recorded
    return [(runs.index(event.run_id or ""), event) for event in heard]


@pytest.mark.parametrize(("details", "asked"), [(True, True), (False, True), (True, False)])
def test_one_event_for_one_change(tmp_path: Path, details: bool, asked: bool) -> None:
    """A column more in the second load, and the same once more in the third."""
    found = told(tmp_path, [PLAIN, WIDER, WIDER], details=details, asked=asked)
    ((number, event),) = found
    assert (number, [column.name for column in event.added], event.group_name) == (1, ["note"], "raw")
    assert event.correlation.causation_id


def test_a_nested_table_is_what_only_the_load_knows_of(tmp_path: Path) -> None:
    """The asset's own columns are the same: the monitor adds nothing to it."""
    ((number, event),) = told(tmp_path, [PLAIN, NESTED_WIDER], details=True, asked=True)
    assert (number, [column.name for column in event.added]) == (1, ["count"])
