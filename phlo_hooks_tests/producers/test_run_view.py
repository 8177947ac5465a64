"""The rows in the run's event view, as Dagster's UI reads them: from the run's log."""

import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterEvent, DagsterEventType

from phlo_hooks import HookEvent, HookFilter, HookRegistration, with_hooks
from phlo_hooks.circuit import CircuitBreaker
from phlo_hooks.envelope import utc_now
from phlo_hooks.errors import PermanentError
from phlo_hooks.producers import run_view
from phlo_hooks.producers.runlog import RELEVANT, StepAttempt
from phlo_hooks.producers.sensor import tick
from phlo_hooks_tests.e2e.speed import no_fsync
from phlo_hooks_tests.producers.recording import Spy, runtime_of


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(["2024|01", "2024-02"]))
def orders() -> None: ...


@dg.asset(retry_policy=dg.RetryPolicy(max_retries=1))
def flaky(context: dg.OpExecutionContext) -> None:
    if context.retry_number == 0:
        raise ValueError("the first\ntime | not")


@dg.asset_check(asset="flaky")
def is_sound() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)


@dg.multi_asset(specs=[dg.AssetSpec(f"table_{n:02}") for n in range(60)])
def many():
    yield from (dg.MaterializeResult(f"table_{n:02}") for n in range(60))


JOBS = {
    "one": dg.AssetSelection.assets("orders"),
    "retried": dg.AssetSelection.assets("flaky"),
    "many": dg.AssetSelection.assets(*many.keys),
}


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """Default storage."""
    folder = str(tmp_path_factory.mktemp("dagster"))
    with no_fsync(), dg.instance_for_test(temp_dir=folder) as made:
        yield made


def definitions(tmp_path: Path, *hooks: Any) -> dg.Definitions:
    plain = dg.Definitions(
        assets=[orders, flaky, many],
        asset_checks=[is_sound],
        jobs=[dg.define_asset_job(name, selection) for name, selection in JOBS.items()],
        executor=dg.in_process_executor,
    )
    url = f"sqlite:///{tmp_path}/hooks.db"
    return with_hooks(plain, hooks=hooks, store=url, since=utc_now(), plugins=False)


def run(defs: dg.Definitions, instance: dg.DagsterInstance, job: str, **options: Any) -> str:
    definition = defs.resolve_job_def(job)
    return definition.execute_in_process(instance=instance, raise_on_error=False, **options).run_id


def log(instance: dg.DagsterInstance, run_id: str) -> list[DagsterEvent]:
    page = instance.get_records_for_run(run_id)
    found = [record.event_log_entry.dagster_event for record in page.records]
    return [event for event in found if event is not None]


def rows(instance: dg.DagsterInstance, run_id: str) -> list[DagsterEvent]:
    """The rows of ours, as the UI has them."""
    engine = [e for e in log(instance, run_id) if e.event_type is DagsterEventType.ENGINE_EVENT]
    return [event for event in engine if event.message.startswith("Hook Bus")]


def metadata(row: DagsterEvent) -> dict[str, Any]:
    return {key: value.value for key, value in row.engine_event_data.metadata.items()}


def test_one_row_for_each_attempt_once(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """In the order in which the attempts ended; further ticks add none."""
    defs = definitions(tmp_path, Spy().hook())
    run_id = run(defs, instance, "retried")
    for _ in range(3):
        tick(instance, runtime_of(defs), "")
    assert [(row.step_key, metadata(row)["phlo_hooks/attempt"]) for row in rows(instance, run_id)] == [
        ("flaky", 1),
        ("flaky", 2),
        ("flaky_is_sound", 1),
    ]


def test_what_a_row_says(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """Its events, where each went, and a link to the asset."""
    spy = Spy()
    defs = definitions(tmp_path, spy.hook(filters=HookFilter({"ingestion.end"})))
    run_id = run(defs, instance, "one", partition_key="2024|01")
    tick(instance, runtime_of(defs), "")
    (row,) = rows(instance, run_id)
    start, end = (e.event_id for e in runtime_of(defs).store(instance).events(run_id=run_id)[1:3])
    assert (row.step_key, row.message) == ("orders", "Hook Bus: 2 events, 1 delivered")
    assert metadata(row) == {
        "events": "| event | asset | outcome | partition | id |\n"
        "| --- | --- | --- | --- | --- |\n"
        f"| ingestion.start | orders | started | 2024\\|01 | `{start}` |\n"
        f"| ingestion.end | orders | success | 2024\\|01 | `{end}` |",
        "deliveries": "| hook | event | state | attempts | last error |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| definitions.spy | ingestion.end | delivered | 1 |  |",
        "asset orders": dg.AssetKey("orders"),
        "phlo_hooks/attempt": 1,
    }


def test_the_outcomes_of_a_retry_and_a_check(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """The error of the attempt, in one line; what a check said, and how grave that is."""
    defs = definitions(tmp_path)
    run_id = run(defs, instance, "retried")
    tick(instance, runtime_of(defs), "")
    first, second, check = (metadata(row)["events"] for row in rows(instance, run_id))
    assert "| transform.end" not in first
    assert "| ingestion.end | flaky | ValueError: the first time \\| not |" in first
    assert "| ingestion.end | flaky | success |" in second
    assert "| quality.result | flaky | is_sound failed (WARN) |" in check


@pytest.mark.parametrize(
    ("hooks", "expected"),
    [
        pytest.param([], "Hook Bus: 2 events, no hook wants them", id="no hook"),
        pytest.param([Spy().hook("a"), Spy().hook("b")], "Hook Bus: 2 events, 4 delivered", id="two hooks"),
    ],
)
def test_messages(instance: dg.DagsterInstance, tmp_path: Path, hooks: list[Any], expected: str) -> None:
    """What is seen without opening the row."""
    defs = definitions(tmp_path, *hooks)
    run_id = run(defs, instance, "one", partition_key="2024-02")
    tick(instance, runtime_of(defs), "")
    assert [row.message for row in rows(instance, run_id)] == [expected]


def test_why_a_delivery_failed(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """Stands in the row, cut to what fits a cell."""

    def fails(event: object) -> None:
        raise ConnectionError("no route to " + 500 * "x")

    wanted = HookFilter({"ingestion.end"})
    defs = definitions(tmp_path, HookRegistration("fails", fails, filters=wanted))
    run_id = run(defs, instance, "one", partition_key="2024-02")
    tick(instance, runtime_of(defs), "")
    (row,) = rows(instance, run_id)
    assert row.message == "Hook Bus: 2 events, 1 retrying"
    cell = metadata(row)["deliveries"].splitlines()[2]
    assert cell.startswith(
        "| definitions.fails | ingestion.end | retrying | 1 | ConnectionError: no route to x"
    )
    assert cell.endswith("x… |")


def refuses(event: HookEvent) -> None:
    """A receiver that never takes this."""
    raise PermanentError("400 Bad Request | no")


def is_down(event: HookEvent) -> None:
    """A receiver that is not there."""
    raise ConnectionError("refused")


ONCE = CircuitBreaker(failures=1)


@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        pytest.param(
            HookRegistration("refuses", refuses, filters=HookFilter(event_types={"ingestion.*"})),
            "Hook Bus: gave up delivering 2 events to definitions.refuses: PermanentError: 400 Bad Request | no",
            id="dead letters",
        ),
        pytest.param(
            HookRegistration("down", is_down, circuit=ONCE),
            "Hook Bus: definitions.down is not called for now, its circuit is open: ConnectionError: refused",
            id="circuit",
        ),
    ],
)
def test_news_of_a_hook_are_in_the_run(
    instance: dg.DagsterInstance, tmp_path: Path, hook: HookRegistration, expected: str
) -> None:
    """Once, with the event that they are about."""
    defs = definitions(tmp_path, hook)
    result = defs.resolve_job_def("one").execute_in_process(instance=instance, partition_key="2024-02")
    for _ in range(3):
        tick(instance, runtime_of(defs), "")
    told = [event for event in rows(instance, result.run_id) if event.message == expected]
    assert len(told) == 1
    assert told[0].step_key is None
    assert told[0].engine_event_data.metadata["hook"].value == f"definitions.{hook.hook_name}"


def test_a_row_of_many_events(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """The UI opens it in a dialog: it shows the first, and says how many there are."""
    defs = definitions(tmp_path)
    run_id = run(defs, instance, "many")
    tick(instance, runtime_of(defs), "")
    (row,) = rows(instance, run_id)
    said = metadata(row)
    assert row.message == "Hook Bus: 120 events, no hook wants them"
    assert len(said["events"].splitlines()) == 2 + 50 + 2
    assert said["events"].endswith("… and 70 more")
    assert sum(key.startswith("asset ") for key in said) == 5


def test_nothing_that_the_bus_writes_becomes_an_event(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """Its rows are of a type that is never read, and no tick tells of another one's rows."""
    defs = definitions(tmp_path)
    run_id = run(defs, instance, "one", partition_key="2024-02")
    tick(instance, runtime_of(defs), "")
    store = runtime_of(defs).store(instance)
    before = store.events()
    assert rows(instance, run_id) != []
    assert DagsterEventType.ENGINE_EVENT not in RELEVANT
    assert tick(instance, runtime_of(defs), "").startswith("read 0 runs, recorded 0 new of 0 events")
    assert store.events() == before


def note_again(defs: dg.Definitions, instance: dg.DagsterInstance, run_id: str, step: str) -> None:
    """What a tick leaves that was killed right after it had written the row."""
    runtime_of(defs).store(instance).record([], state=[run_view.todo(run_id, 7, StepAttempt(step, 1))])


def test_a_tick_killed_right_after_a_row(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """The row is there, its note too: the run's own log says so, and it is not written again."""
    defs = definitions(tmp_path)
    run_id = run(defs, instance, "one", partition_key="2024-02")
    tick(instance, runtime_of(defs), "")
    note_again(defs, instance, run_id, "orders")
    tick(instance, runtime_of(defs), "")
    assert len(rows(instance, run_id)) == 1
    assert runtime_of(defs).store(instance).list_state("run_view") == []


def test_two_ticks_at_once(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """The sensor and a relay, or two code locations: one of them writes the row."""
    defs = definitions(tmp_path)
    run_id = run(defs, instance, "one", partition_key="2024-02")
    runtime = runtime_of(defs)
    runtime.tail(instance, "").collect(budget=30)
    store, barrier = runtime.store(instance), threading.Barrier(4)

    def at_once() -> None:
        barrier.wait(10)
        run_view.show(instance, store, budget=30)

    threads = [threading.Thread(target=at_once) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(rows(instance, run_id)) == 1


def test_a_note_that_another_tick_has_taken(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """It writes the row; unless it has died, a minute later."""
    defs = definitions(tmp_path)
    run(defs, instance, "one", partition_key="2024-02")
    runtime = runtime_of(defs)
    runtime.tail(instance, "").collect(budget=30)
    store = runtime.store(instance)
    for seconds, shown in ((1, 0), (61, 1)):
        (note,) = store.list_state("run_view")
        taken = {**note.value, "taken_at": store.clock().timestamp() - seconds}
        assert store.compare_and_set("run_view", note.key, note.version, taken)
        assert run_view.show(instance, store, budget=30) == shown


def test_a_run_that_was_deleted(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """Its notes go with it."""
    defs = definitions(tmp_path)
    note_again(defs, instance, "no such run", "orders")
    assert run_view.show(instance, runtime_of(defs).store(instance), budget=30) == 0
    assert runtime_of(defs).store(instance).list_state("run_view") == []


def test_out_of_time(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """What was not shown is shown in the next tick."""
    defs = definitions(tmp_path)
    run_id = run(defs, instance, "one", partition_key="2024-02")
    runtime = runtime_of(defs)
    runtime.tail(instance, "").collect(budget=30)
    assert run_view.show(instance, runtime.store(instance), budget=0) == 0
    assert run_view.show(instance, runtime.store(instance), budget=30) == 1
    assert len(rows(instance, run_id)) == 1


def test_the_note_of_a_long_step_key() -> None:
    """A mapped step of nested graphs may have a longer name than the store takes for a key."""
    attempt = StepAttempt(f"graph.op[{600 * 'x'}]", 1)
    write = run_view.todo("a" * 36, 0, attempt)
    assert len(write.key) < 255
    assert write.value["step_key"] == attempt.step_key


def test_a_row_on_a_run_that_has_ended(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """Its status and its time stay what they were."""
    defs = definitions(tmp_path)
    run_id = run(defs, instance, "one", partition_key="2024-02")
    before = instance.get_run_record_by_id(run_id)
    tick(instance, runtime_of(defs), "")
    after = instance.get_run_record_by_id(run_id)
    assert before is not None and after is not None
    assert (after.dagster_run.status, after.end_time) == (dg.DagsterRunStatus.SUCCESS, before.end_time)
    assert after.update_timestamp == before.update_timestamp
    assert datetime.now(timezone.utc) > after.update_timestamp
