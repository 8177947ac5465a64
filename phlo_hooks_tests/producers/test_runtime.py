"""What a code location keeps: stores, sessions, and what an ephemeral instance's run leaves to do."""

import gc
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import HookFilter, HookRegistration, with_hooks
from phlo_hooks.delivery.records import DeliveryState
from phlo_hooks.envelope import utc_now
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.producers import runtime as runtime_module
from phlo_hooks.producers.catalog import Catalog
from phlo_hooks.producers.runtime import Runtime
from phlo_hooks.redaction import Redactor
from phlo_hooks_tests.e2e.speed import no_fsync
from phlo_hooks_tests.producers.recording import Spy, runtime_of


@dg.asset
def orders() -> None: ...


@dg.asset(deps=[orders])
def bad() -> None:
    raise ValueError("no such column: amount")


@dg.asset(deps=[bad])
def child() -> None: ...


@dg.asset
def steady() -> None: ...


@dg.asset_check(asset=steady)
def is_sound() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


FAILING = dg.Definitions(assets=[orders, bad, child], executor=dg.in_process_executor)
SOUND = dg.Definitions(assets=[steady], asset_checks=[is_sound], executor=dg.in_process_executor)

TOLD_OF_SOUND = ["run.start", "ingestion.start", "ingestion.end", "quality.result", "run.success"]


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """Default storage."""
    folder = str(tmp_path_factory.mktemp("dagster"))
    with no_fsync(), dg.instance_for_test(temp_dir=folder) as made:
        yield made


def hooked(plain: dg.Definitions, *hooks: Any, **options: Any) -> dg.Definitions:
    return with_hooks(plain, hooks=hooks, plugins=False, **options)


def run(defs: dg.Definitions, **options: Any) -> dg.ExecuteInProcessResult:
    return defs.resolve_implicit_global_asset_job_def().execute_in_process(**options)


# -- an ephemeral instance -------------------------------------------------------------------------


def test_deliveries_are_made_before_the_run_returns() -> None:
    """No daemon will ever come: also what only the whole run's log can say is told."""
    spy = Spy()
    assert run(hooked(SOUND, spy.hook())).success
    assert spy.types == TOLD_OF_SOUND


def test_a_run_that_fails_and_raises() -> None:
    """What became of it is told before its exception comes out."""
    spy = Spy()
    with pytest.raises(ValueError, match="no such column"):
        run(hooked(FAILING, spy.hook()))
    told = [(event.event_type, event.correlation.asset_key, event.status) for event in spy.events]
    assert sorted(told, key=str) == sorted(
        [
            ("ingestion.start", "orders", "started"),
            ("ingestion.end", "orders", "success"),
            ("transform.start", "bad", "started"),
            ("transform.end", "bad", "failure"),
            ("transform.end", "child", "skipped"),
            ("run.start", None, "started"),
            ("run.failure", None, "failure"),
        ],
        key=str,
    )


def test_a_hook_that_raises(caplog: pytest.LogCaptureFixture) -> None:
    """The run is not harmed, the other hooks are called, and the log says what happened."""
    spy = Spy()

    def fails(event: object) -> None:
        raise ConnectionError("no route to host")

    defs = hooked(SOUND, HookRegistration("fails", fails), spy.hook())
    with dg.DagsterInstance.ephemeral() as ephemeral:
        assert run(defs, instance=ephemeral).success
        counts = runtime_of(defs).store(ephemeral).counts()
    assert counts == {
        ("definitions.fails", DeliveryState.RETRYING): len(TOLD_OF_SOUND),
        # It hears that the other one is left alone now, too.
        ("definitions.spy", DeliveryState.DELIVERED): len(TOLD_OF_SOUND) + 1,
    }
    assert "hook definitions.fails failed on run.success" in caplog.text


def test_a_hook_that_raises_inline() -> None:
    """As above, for one that is called within the step."""
    spy = Spy()

    def fails(event: object) -> None:
        raise ConnectionError("no route to host")

    defs = hooked(SOUND, HookRegistration("fails", fails, delivery="inline"), spy.hook())
    assert run(defs).success
    assert spy.types == TOLD_OF_SOUND


@pytest.mark.e2e
def test_a_hook_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds the run's end up for no longer than the budget, and what a last call is waited for."""
    monkeypatch.setattr(runtime_module, "EPHEMERAL_BUDGET", 0.5)
    spy, release = Spy(), threading.Event()
    hangs = HookRegistration("hangs", lambda event: release.wait(120), filters=HookFilter({"run.success"}))
    began = time.monotonic()
    result = run(hooked(SOUND, hangs, spy.hook()))
    took = time.monotonic() - began
    release.set()
    assert result.success
    assert took < 0.5 + 5.0 + 10.0
    assert spy.types == TOLD_OF_SOUND


def test_trouble_with_the_deliveries_does_not_reach_the_run(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever goes wrong with the bus itself."""

    def broken(self: Runtime, *args: Any) -> None:
        raise RuntimeError("the relay broke")

    monkeypatch.setattr(Runtime, "relay", broken)
    assert run(hooked(SOUND, Spy().hook())).success
    assert "its deliveries could not be made" in caplog.text


def test_what_was_recorded_can_be_looked_at() -> None:
    """As long as the instance is there; two runs on one instance share a store."""
    defs = hooked(SOUND)
    with dg.DagsterInstance.ephemeral() as ephemeral:
        first, second = (run(defs, instance=ephemeral).run_id for _ in range(2))
        store = runtime_of(defs).store(ephemeral)
        assert {record.run_id for record in store.events()} == {first, second}


def test_nothing_is_kept_of_an_instance_that_is_gone() -> None:
    """A test suite makes thousands of them."""
    defs = hooked(SOUND, Spy().hook())
    for _ in range(2):
        with dg.DagsterInstance.ephemeral() as ephemeral:
            run(defs, instance=ephemeral)
    del ephemeral
    gc.collect()
    runtime = runtime_of(defs)
    assert (len(runtime._ephemeral), len(runtime._sessions)) == (0, 0)


def test_an_ephemeral_run_does_not_write_into_the_deployments_store(tmp_path: Path) -> None:
    """A test of a team's definitions must not."""
    spy = Spy()
    run(hooked(SOUND, spy.hook(), store=f"sqlite:///{tmp_path}/hooks.db"))
    assert spy.types == TOLD_OF_SOUND
    assert list(tmp_path.iterdir()) == []


# -- where the store is ----------------------------------------------------------------------------


def test_a_store_for_each_place(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """Beside the instance's storage by default; where `store=` says otherwise, there."""
    beside, elsewhere = (
        runtime_of(hooked(SOUND)),
        runtime_of(hooked(SOUND, store=f"sqlite:///{tmp_path}/h.db")),
    )
    folder = f"{instance.storage_directory()}/phlo_hooks/hooks.db"
    assert repr(beside.store(instance)) == f"HookStore(sqlite:///{folder})"
    assert repr(elsewhere.store(instance)) == f"HookStore(sqlite:///{tmp_path}/h.db)"
    assert beside.store(instance) is beside.store(instance)


def test_a_store_from_the_environment(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read when it is needed, not when the definitions load."""
    runtime = runtime_of(hooked(SOUND, store=dg.EnvVar("HOOKS_TEST_URL")))
    monkeypatch.setenv("HOOKS_TEST_URL", f"sqlite:///{tmp_path}/h.db")
    assert repr(runtime.store(instance)) == f"HookStore(sqlite:///{tmp_path}/h.db)"


# -- sessions --------------------------------------------------------------------------------------


def test_one_session_for_a_run(instance: dg.DagsterInstance) -> None:
    """However many of its steps ask; none for a run that is not there."""
    defs = hooked(SOUND)
    runtime = runtime_of(defs)
    run_id = run(defs, instance=instance).run_id
    session = runtime.session(instance, run_id)
    assert session is not None
    assert session.run.run_id == run_id
    assert runtime.session(instance, run_id) is session
    assert runtime.session(instance, "no such run") is None


def test_old_sessions_are_let_go(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that executes many runs keeps the latest."""
    monkeypatch.setattr(runtime_module, "_MAX_SESSIONS", 2)
    runtime = runtime_of(hooked(SOUND))
    job = hooked(SOUND).resolve_implicit_global_asset_job_def()
    ids = [instance.create_run_for_job(job).run_id for _ in range(3)]
    for run_id in ids:
        runtime.session(instance, run_id)
    assert list(runtime._sessions) == ids[1:]


# -- where the tail begins -------------------------------------------------------------------------


def begins(runtime: Runtime, instance: dg.DagsterInstance, scope: str = "") -> datetime:
    return runtime.tail(instance, scope)._since


@pytest.fixture
def own_store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/hooks.db"


def test_it_begins_when_the_code_was_loaded(instance: dg.DagsterInstance, own_store: str) -> None:
    """By default: what was before nobody asked for."""
    runtime = runtime_of(hooked(SOUND, store=own_store))
    assert begins(runtime, instance) == runtime.loaded_at


def test_it_begins_where_since_says(instance: dg.DagsterInstance, own_store: str) -> None:
    """In whatever zone."""
    since = datetime(2024, 5, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    runtime = runtime_of(hooked(SOUND, store=own_store, since=since))
    assert begins(runtime, instance) == since


def test_since_without_a_zone() -> None:
    """Nobody can know what it means; said when the definitions load."""
    with pytest.raises(ConfigurationError, match="without a time zone"):
        hooked(SOUND, since=datetime(2024, 5, 1))  # noqa: DTZ001


def test_it_begins_with_the_first_step_that_told(instance: dg.DagsterInstance, own_store: str) -> None:
    """A relay that is started after a script has run tells of the script's run as a whole."""
    run_id = run(hooked(SOUND, store=own_store), instance=instance).run_id
    later = runtime_of(hooked(SOUND, store=own_store))
    later.tail(instance, "").collect(budget=30)
    with closing(later.store(instance)) as store:
        told = [record.event_type for record in store.events(run_id=run_id)]
    assert sorted(told) == sorted(TOLD_OF_SOUND)


def test_a_second_location_begins_when_it_is_added(instance: dg.DagsterInstance, own_store: str) -> None:
    """Not with the first event that another location told, however long ago."""
    old = runtime_of(hooked(SOUND, store=own_store, since=utc_now()))
    run(hooked(SOUND, store=own_store), instance=instance)
    old.tail(instance, "sales").collect(budget=30)
    new = runtime_of(hooked(FAILING, store=own_store))
    assert begins(new, instance, "finance") == new.loaded_at


def test_a_runtime_of_its_own() -> None:
    """The resource on its own, as in the unit test of an op: a bus without hooks."""
    runtime = Runtime(Catalog(), lambda bus, instance: None)
    with dg.DagsterInstance.ephemeral() as ephemeral:
        assert runtime.bus(ephemeral).hooks == ()
        assert runtime.store(ephemeral).events() == []


# -- what the definitions say of the assets ----------------------------------------------------------


def test_the_graph_is_kept_until_other_secrets_are_known(instance: dg.DagsterInstance) -> None:
    """What was built of it stays, and never shows what has become a secret."""
    secrets = ["hunter-22"]
    spec = dg.AssetSpec("a", description="hunter-22 hunter-33")
    runtime = Runtime(Catalog([spec]), lambda bus, place: None, redactor=lambda: Redactor(secrets))
    first = runtime.assets(instance)
    assert runtime.assets(instance) is first
    assert first.asset("a").description == "[redacted] hunter-33"
    secrets.append("hunter-33")
    assert runtime.assets(instance).asset("a").description == "[redacted] [redacted]"


def test_a_host_has_the_graph(instance: dg.DagsterInstance) -> None:
    """That of the definitions, in whichever location."""
    places: list[Any] = []
    Runtime(Catalog([orders]), lambda bus, place: places.append(place)).bus(instance, scope="etl")
    assert places[0].host("plugin").assets.keys() == ("orders",)
