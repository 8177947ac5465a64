"""While a receiver hangs, runs take as long as without any hook, and ticks end in time."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from phlo_hooks import HookRegistration, with_hooks
from phlo_hooks.delivery.records import DeliveryState
from phlo_hooks.envelope import utc_now
from phlo_hooks.producers.sensor import tick
from phlo_hooks_tests.e2e import crash
from phlo_hooks_tests.e2e.conftest import NewInstance
from phlo_hooks_tests.e2e.speed import no_fsync
from phlo_hooks_tests.producers.recording import runtime_of
from phlo_hooks_tests.receiver import Receiver, post_to

pytestmark = [pytest.mark.e2e]

RUNS = 6
# Of the receiver's answer, which never comes: were a run to wait for one, it would take four times as long.
TIMEOUT = 2.0
BUDGET = 3.0


@pytest.fixture(scope="module")
def instance(new_instance: NewInstance) -> Iterator[dg.DagsterInstance]:
    """Default storage."""
    with no_fsync(), new_instance("sharded") as made:
        yield made


@pytest.fixture
def hanging() -> Iterator[Receiver]:
    """It takes connections, and never answers."""
    with Receiver(hangs=True) as receiver:
        yield receiver


def hooked(receiver: Receiver, folder: Path) -> dg.Definitions:
    """Told to this receiver."""
    post = HookRegistration("post", post_to(receiver.port), timeout=TIMEOUT)
    store = f"sqlite:///{folder}/hooks.db"
    return with_hooks(crash.plain(), hooks=[post], plugins=False, store=store, since=utc_now())


def timed(defs: dg.Definitions, instance: dg.DagsterInstance) -> Callable[[], float]:
    """A run, and the seconds that it takes."""
    job = defs.resolve_implicit_global_asset_job_def()

    def run() -> float:
        began = time.monotonic()
        assert job.execute_in_process(instance=instance).success
        return time.monotonic() - began

    return run


def test_runs_do_not_wait(instance: dg.DagsterInstance, hanging: Receiver, tmp_path: Path) -> None:
    """In turns, so that a busy machine is busy for both: the quickest of each is what it takes."""
    plain, told = timed(crash.plain(), instance), timed(hooked(hanging, tmp_path), instance)
    plain(), told()
    pairs = [(plain(), told()) for _ in range(RUNS)]
    without, with_hooks_on = (min(times) for times in zip(*pairs, strict=True))
    assert with_hooks_on < 2 * without + 0.2, (without, with_hooks_on)


def test_ticks_end_in_time(instance: dg.DagsterInstance, hanging: Receiver, tmp_path: Path) -> None:
    """What hangs at the end of the budget is waited for a little, then left; the circuit opens."""
    defs = hooked(hanging, tmp_path)
    for _ in range(3):
        timed(defs, instance)()
    took = []
    for _ in range(3):
        began = time.monotonic()
        tick(instance, runtime_of(defs), "", budget=BUDGET)
        took.append(time.monotonic() - began)
    # The relay's grace, and a busy machine.
    assert max(took) < BUDGET + 5.0 + 5.0
    assert hanging.counts.total() == 0
    states = {state for _, state in runtime_of(defs).store(instance).counts()}
    assert states <= {DeliveryState.PENDING, DeliveryState.RETRYING}
