"""Besides delivering: old rows go, and Dagster's own health view shows how the hooks are doing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import dagster as dg

from phlo_hooks import HookBusResource, HookEvent, HookRegistration, with_hooks
from phlo_hooks.delivery.selection import Selection
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import utc_now
from phlo_hooks.errors import PermanentError
from phlo_hooks.producers.catalog import HEALTH_ASSET
from phlo_hooks.producers.dagster_private import default_store_url
from phlo_hooks.producers.sensor import tick
from phlo_hooks.producers.upkeep import HEALTH_CHECK
from phlo_hooks_tests.delivery.helpers import make_entries
from phlo_hooks_tests.producers.recording import Spy, runtime_of


@dg.asset
def orders() -> None:
    """What a run makes."""


def refuses(event: HookEvent) -> None:
    """A receiver that never takes this."""
    raise PermanentError("400 Bad Request")


def hooked(*hooks: object, **options: object) -> dg.Definitions:
    """One asset, on the bus."""
    return with_hooks(dg.Definitions(assets=[orders]), hooks=hooks, plugins=False, **options)  # type: ignore[arg-type]


def run(defs: dg.Definitions, instance: dg.DagsterInstance) -> None:
    """A run, and the tick after it."""
    assert defs.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance).success
    tick(instance, runtime_of(defs), "")


def evaluations(instance: dg.DagsterInstance) -> list[tuple[bool, object]]:
    """What Dagster was told, the latest last: whether all is well, and the number of dead letters."""
    filter_ = dg.DagsterEventType.ASSET_CHECK_EVALUATION
    records = instance.get_records_for_run("", of_type=filter_).records
    data = [record.event_log_entry.get_dagster_event().asset_check_evaluation_data for record in records]
    assert {(each.asset_key, each.check_name) for each in data} <= {(HEALTH_ASSET, HEALTH_CHECK)}
    return [(each.passed, each.metadata["dead"].value) for each in data]


def test_dagster_is_told_when_it_changes(tmp_path: Path) -> None:
    """Not in every tick; and no hook is told of it, or trouble would make more trouble."""
    spy = Spy()
    defs = hooked(HookRegistration("refuses", refuses), spy.hook(), health_check=True)
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        tick(instance, runtime_of(defs), "")
        assert evaluations(instance) == [(True, 0)]
        run(defs, instance)
        tick(instance, runtime_of(defs), "")
        told = evaluations(instance)
        assert [passed for passed, _ in told] == [True, False]
        assert told[1][1] == 4
        store = runtime_of(defs).store(instance)
        store.discard(Selection(hook="definitions.refuses"), "known")
        tick(instance, runtime_of(defs), "")
        assert [passed for passed, _ in evaluations(instance)] == [True, False, True]
        assert "quality.result" not in {event.event_type for event in spy.events}


def test_a_delivery_that_goes_on_waiting_is_told_once(tmp_path: Path) -> None:
    """Though it waits for longer each time."""
    defs = hooked(health_check=True)
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        url = str(default_store_url(instance))
        for minutes in (30, 40):
            past = HookStore(url, clock=lambda: utc_now() - timedelta(minutes=minutes))  # noqa: B023
            past.record(make_entries(1, "other.hook", first=minutes))
            past.close()
            tick(instance, runtime_of(defs), "")
        assert [passed for passed, _ in evaluations(instance)] == [False]


def test_the_check_can_be_run_by_hand(tmp_path: Path) -> None:
    """From the UI, say; it says the same."""
    defs = with_hooks(hooked(HookRegistration("refuses", refuses), health_check=True))
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        run(defs, instance)
        job = defs.resolve_implicit_global_asset_job_def()
        checks = dg.AssetSelection.checks(dg.AssetCheckKey(HEALTH_ASSET, HEALTH_CHECK))
        selected = dg.Definitions(
            assets=defs.assets,
            asset_checks=defs.asset_checks,
            resources=defs.resources,
            jobs=[dg.define_asset_job("look", checks)],
        ).resolve_job_def("look")
        assert job.name
        result = selected.execute_in_process(instance=instance)
        (evaluation,) = result.get_asset_check_evaluations()
        assert not evaluation.passed
        assert "definitions.refuses" in str(evaluation.metadata["hooks"].value)


def test_without_the_option_there_is_no_such_asset() -> None:
    """Nobody's asset graph gets an asset that was not asked for."""
    assert HEALTH_ASSET not in hooked().resolve_all_asset_keys()


def test_old_rows_go(tmp_path: Path) -> None:
    """Once an hour at most; dead letters and what is new stay."""
    url = f"sqlite:///{tmp_path}/hooks.db"
    resource = HookBusResource(store_url=url, retention_days=10)
    defs = with_hooks(dg.Definitions(assets=[orders], resources={"hooks": resource}), plugins=False)
    past = HookStore(url, clock=lambda: utc_now() - timedelta(days=11))
    past.record([entry._replace(targets=()) for entry in make_entries(5)])
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        tick(instance, runtime_of(defs), "")
        assert past.events() == []
        past.record([entry._replace(targets=()) for entry in make_entries(5, first=5)])
        tick(instance, runtime_of(defs), "")
        assert len(past.events()) == 5
    past.close()
