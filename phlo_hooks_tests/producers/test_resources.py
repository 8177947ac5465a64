"""The bus as a Dagster resource.

No `from __future__ import annotations` here: Dagster looks at the annotations of a resource.
"""

import logging
import re
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import HookBusResource, HookFilter, TelemetryEvent, with_hooks
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.producers.sensor import tick
from phlo_hooks.resources import BoundHooks, Options
from phlo_hooks_tests.producers.recording import Row, Spy, golden, running, runtime_of


@dg.asset
def orders() -> None:
    """Something to tell of."""


def hooked(**options: Any) -> dg.Definitions:
    return with_hooks(dg.Definitions(assets=[orders]), plugins=False, **options)


def metric() -> TelemetryEvent:
    return TelemetryEvent(event_type="telemetry.metric", name="rows", value=3)


def test_in_an_asset_without_with_hooks(caplog: pytest.LogCaptureFixture) -> None:
    """A team that only passed the resource is told what is missing; its asset runs."""

    @dg.asset
    def emits(context: dg.AssetExecutionContext, hooks: HookBusResource) -> None:
        assert hooks.emit(context, metric()) == []

    with dg.DagsterInstance.ephemeral() as instance, caplog.at_level(logging.WARNING, "phlo_hooks"):
        result = dg.materialize([emits], resources={"hooks": HookBusResource()}, instance=instance)
    assert result.success
    assert "with_hooks()" in caplog.text


def test_in_a_unit_test() -> None:
    """An asset that asks for it can be called directly."""

    @dg.asset
    def emits(context: dg.AssetExecutionContext, hooks: HookBusResource) -> int:
        return len(hooks.emit(context, metric()))

    assert emits(dg.build_asset_context(), hooks=HookBusResource()) == 0


def test_next_to_a_step_that_asks_for_it() -> None:
    """The resource that a step gets is that of its run."""
    seen: list[Any] = []

    @dg.asset
    def emits(context: dg.AssetExecutionContext, hooks: HookBusResource) -> None:
        seen.append(hooks.session(context.instance, context.run.run_id))
        hooks.emit(context, metric())

    defs = with_hooks(dg.Definitions(assets=[emits]), plugins=False)
    with running(defs) as ran:
        assert ran.one("telemetry.metric").asset_key == "emits"
        assert seen[0].run.run_id == ran.result.run_id


def test_a_run_that_the_instance_does_not_know() -> None:
    """It has no session, and that is no error."""
    with dg.DagsterInstance.ephemeral() as instance:
        assert runtime_of(hooked()).session(instance, "nobody") is None


def test_settings_are_kept() -> None:
    """What was said of the store is still there after a second call."""
    own = HookBusResource(store_url="sqlite:///x.db")
    defs = with_hooks(dg.Definitions(resources={"hooks": own}), plugins=False)
    twice = with_hooks(defs, plugins=False)
    bound = (twice.resources or {})["hooks"]
    assert isinstance(bound, BoundHooks)
    assert bound.settings is own
    assert bound.options == Options(plugins=False)


def test_needs_no_run_config() -> None:
    """A job's launchpad stays empty."""
    job = hooked().resolve_job_def("__ASSET_JOB")
    dg.validate_run_config(job)


# Where events go


def test_beside_the_instance() -> None:
    """A persistent instance has its store in its own folder."""
    defs = hooked()
    with dg.instance_for_test() as instance:
        with running(defs, instance=instance) as ran:
            assert golden(ran.events)
        file = Path(instance.storage_directory()) / "phlo_hooks" / "hooks.db"
        assert file.exists()


def test_an_ephemeral_run_leaves_nothing(tmp_path: Path) -> None:
    """A test does not write into a deployment's store, whatever URL is given."""
    defs = hooked(store=f"sqlite:///{tmp_path}/deployment.db")
    with running(defs) as ran:
        assert golden(ran.events)
    assert list(tmp_path.iterdir()) == []


def test_ephemeral_instances_do_not_share() -> None:
    """Each has its own store, which is gone with it."""
    defs = hooked()
    with running(defs) as first, running(defs) as second:
        assert first.store is not second.store
        assert {event.run_id for event in second.events} == {second.result.run_id}


def test_ephemeral_deliveries_are_made_at_the_end() -> None:
    """No daemon will come: when `execute_in_process` returns, the hooks were called, in order."""
    spy = Spy()
    with running(hooked(hooks=[spy.hook()])):
        assert spy.types == ["run.start", "ingestion.start", "ingestion.end", "run.success"]


def test_persistent_deliveries_wait() -> None:
    """They are left to the tail sensor or the relay."""
    spy = Spy()
    defs = hooked(hooks=[spy.hook(filters=HookFilter(event_types={"ingestion.end"}))])
    with dg.instance_for_test() as instance, running(defs, instance=instance):
        assert spy.types == []
        tick(instance, runtime_of(defs), "")
        assert spy.types == ["ingestion.end"]


def test_materialize() -> None:
    """The shortest way that a team runs its assets in a test, with the resource that `with_hooks` made."""
    spy = Spy()
    defs = hooked(hooks=[spy.hook()])
    result = dg.materialize(list(defs.assets or ()), resources=defs.resources)  # type: ignore[arg-type]
    assert result.success
    assert sorted(set(spy.types)) == ["ingestion.end", "ingestion.start", "run.start", "run.success"]


# A store that does not work


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("sqlite:////proc/no/such/place.db", id="cannot be written"),
        pytest.param("postgresql://nobody:canary-12345@127.0.0.1:1/none", id="refuses"),
        pytest.param("mysterious://nobody:canary-12345@x", id="of no known kind"),
    ],
)
def test_a_broken_store_harms_no_run(
    url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The run goes on as if there were no bus, and the log says why nothing is recorded."""
    monkeypatch.setenv("MY_STORE", url)
    defs = hooked(store=dg.EnvVar("MY_STORE"))
    with dg.instance_for_test() as instance, caplog.at_level(logging.WARNING, "phlo_hooks"):
        result = defs.resolve_job_def("__ASSET_JOB").execute_in_process(instance=instance)
        assert result.success
    ours = [record for record in caplog.records if record.name.startswith("phlo_hooks")]
    assert ours
    assert "canary" not in "".join(logging.Formatter().format(record) for record in ours)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param("mysterious://x", "'mysterious' database: use one of sqlite", id="of no known kind"),
        pytest.param("postgresql+asyncpg://x/y", "write postgresql://", id="asynchronous"),
        pytest.param("postgresql://x:y:z", "cannot be read", id="cannot be read"),
        pytest.param("", "is empty", id="empty"),
    ],
)
def test_a_store_that_can_never_work(url: str, said: str) -> None:
    """It is refused when the definitions load, wherever it was said."""
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        hooked(store=url)
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        with_hooks(dg.Definitions(resources={"hooks": HookBusResource(store_url=url)}), plugins=False)


def test_events_are_not_lost_with_it(tmp_path: Path) -> None:
    """What could not be recorded in the run is recorded by the tail once the store is there."""
    place = tmp_path / "later"
    place.write_text("a file where a folder should be")
    defs = hooked(store=f"sqlite:///{place}/hooks.db")
    with dg.instance_for_test() as instance:
        result = defs.resolve_job_def("__ASSET_JOB").execute_in_process(instance=instance)
        assert result.success
        place.unlink()
        place.mkdir()
        tick(instance, runtime_of(defs), "")
        events = [record.event for record in runtime_of(defs).store(instance).events(run_id=result.run_id)]
    assert golden(events) == [
        Row("ingestion.end", "orders", status="success", attempt=1),
        Row("ingestion.start", "orders", status="started", attempt=1),
        Row("run.start", status="started"),
        Row("run.success", status="success"),
    ]
