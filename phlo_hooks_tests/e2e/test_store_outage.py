"""The database of the hook store goes away in the middle of runs and relays; Dagster's own does not."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg
import pytest

from phlo_hooks.delivery.records import DeliveryState
from phlo_hooks.delivery.store import TIMEOUT
from phlo_hooks.errors import StoreError
from phlo_hooks.producers.runtime import Runtime
from phlo_hooks.producers.sensor import tick
from phlo_hooks_tests.e2e import crash
from phlo_hooks_tests.e2e.conftest import NewInstance
from phlo_hooks_tests.e2e.speed import no_fsync
from phlo_hooks_tests.postgres import OwnServer
from phlo_hooks_tests.producers.recording import runtime_of
from phlo_hooks_tests.receiver import Receiver

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.postgres,
    # A connection that breaks while it is being set up may still be left to the garbage collector, which tells.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

PATIENCE = 60


@pytest.fixture
def instance(new_instance: NewInstance) -> Iterator[dg.DagsterInstance]:
    """Default storage."""
    with no_fsync(), new_instance("sharded") as made:
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """It is up all the time."""
    with Receiver() as receiver:
        yield receiver


def run(defs: dg.Definitions, instance: dg.DagsterInstance) -> tuple[str, float]:
    """A run that succeeds; its id, and the seconds that it took."""
    began = time.monotonic()
    result = defs.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance)
    assert result.success
    return result.run_id, time.monotonic() - began


@contextmanager
def relaying(instance: dg.DagsterInstance, runtime: Runtime) -> Iterator[list[str]]:
    """Passes one after the other, as `phlo-hooks relay` makes them; gives what they could not do."""
    stop, troubles = threading.Event(), []

    def relay() -> None:
        while not stop.wait(0.05):
            try:
                tick(instance, runtime, "", budget=5)
            except StoreError as exc:
                troubles.append(str(exc))

    thread = threading.Thread(target=relay)
    thread.start()
    try:
        yield troubles
    finally:
        stop.set()
        thread.join(PATIENCE)


def until(done: Callable[[], bool]) -> None:
    """Wait for it to come true."""
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the log of runs says of the store."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "phlo_hooks.recorder" and record.levelno >= logging.WARNING
    ]


def test_the_server_is_stopped_and_started(
    own_server: OwnServer,
    instance: dg.DagsterInstance,
    receiver: Receiver,
    caplog: pytest.LogCaptureFixture,
    record_property: Callable[[str, object], None],
) -> None:
    """In the middle of a run each, while a relay is at work: the runs succeed, and all of it is told."""
    runs: list[str] = []

    def middle() -> None:
        if len(runs) == 2:
            until(lambda: bool(receiver.counts))
            own_server.stop()
        if len(runs) == 5:
            own_server.start()

    defs = crash.hooked(receiver.port, crash.plain(middle), store=own_server.url)
    runtime = runtime_of(defs)
    with relaying(instance, runtime) as troubles:
        for _ in range(7):
            run_id, _ = run(defs, instance)
            runs.append(run_id)
            if len(runs) == 4:
                until(lambda: len(troubles) > 0)
        expected = crash.expected_ids(instance)
        # What was under way when the server stopped comes once more, when its lease ends.
        store = runtime.store(instance)
        until(lambda: expected <= receiver.ids and store.pending_count() == 0)

    record_property("redelivered", receiver.repeated)
    print({"events": len(expected), "redelivered": receiver.repeated})  # noqa: T201
    assert receiver.ids == expected
    assert {state for _, state in store.counts()} == {DeliveryState.DELIVERED}
    # Of the run in whose middle it stopped, of the two without a store, of the one in whose middle it came.
    assert len(complaints(caplog)) <= 4
    assert complaints(caplog)
    store.close()


def test_the_server_says_nothing(
    own_server: OwnServer,
    instance: dg.DagsterInstance,
    receiver: Receiver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A run waits for it once, not in each of its steps, says so once, and is told when it answers again."""
    defs = crash.hooked(receiver.port, crash.plain(), store=own_server.url)
    runtime = runtime_of(defs)
    tick(instance, runtime, "")
    own_server.freeze()
    _, took = run(defs, instance)
    assert complaints(caplog), "the run did not notice: nothing is proved"
    assert len(complaints(caplog)) == 1
    # Four steps would wait four times; twice, and a busy machine, is not that yet.
    assert TIMEOUT - 1 < took < 3 * TIMEOUT
    own_server.thaw()

    tick(instance, runtime, "")
    assert receiver.ids == crash.expected_ids(instance)
    runtime.store(instance).close()
