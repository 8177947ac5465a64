"""Trouble with the store's database while a run emits, while a relay claims, and while it settles.

Each time: the run succeeds, the tick ends well, the log says so once, and the events are delivered later.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import HookRegistration, with_hooks
from phlo_hooks.delivery.records import DeliveryState
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.events import HookEvent
from phlo_hooks.producers import runtime as runtime_module
from phlo_hooks.producers.sensor import make_tail_sensor
from phlo_hooks.retry import RetryPolicy
from phlo_hooks_tests.delivery import trouble
from phlo_hooks_tests.delivery.trouble import Trouble
from phlo_hooks_tests.e2e.speed import no_fsync
from phlo_hooks_tests.producers.recording import runtime_of

pytestmark = [pytest.mark.e2e]

# Of the store, and of the hook: what a relay held when its store failed is due after twice that.
TIMEOUT = 0.2
EVENTS = 4 * 2 + 3 + 2


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """Dagster's own storage has no trouble."""
    folder = str(tmp_path_factory.mktemp("dagster"))
    with no_fsync(), dg.instance_for_test(temp_dir=folder) as made:
        yield made


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that is waited for as the tests have time."""
    monkeypatch.setattr(runtime_module, "HookStore", lambda url: HookStore(url, timeout=TIMEOUT))


class Bed:
    """A chain of four assets on the bus, with a hook that does what a test wants while it is called."""

    def __init__(self, instance: dg.DagsterInstance, url: str) -> None:
        self.instance, self.url = instance, url
        self.received: Counter[str] = Counter()
        self.meanwhile: Callable[[], object] = lambda: None
        hook = HookRegistration("hook", self._take, timeout=TIMEOUT * 2, retry=RetryPolicy((0.1,) * 9))
        self.defs = with_hooks(_chain(4), hooks=[hook], plugins=False, store=url)
        # The tables are there, and the tail knows since when to look.
        self.tick()

    def _take(self, event: HookEvent) -> None:
        self.received[event.event_id] += 1
        self.meanwhile()

    @contextmanager
    def in_trouble(self, case: Trouble) -> Iterator[None]:
        """With new connections, as a new process has them; and again afterwards."""
        self.store.close()
        with case(self.url):
            yield
        self.store.close()

    @property
    def store(self) -> HookStore:
        return runtime_of(self.defs).store(self.instance)

    def run(self) -> str:
        """A run that succeeds."""
        result = self.defs.resolve_implicit_global_asset_job_def().execute_in_process(instance=self.instance)
        assert result.success
        return result.run_id

    def tick(self) -> str:
        """As the daemon evaluates the sensor; what it says."""
        with dg.build_sensor_context(instance=self.instance) as context:
            result: Any = make_tail_sensor(runtime_of(self.defs), budget=2.0)(context)
        return str(result.skip_message)

    def check(self) -> None:
        """Nothing is lost: it is all delivered in the end."""
        deadline = time.monotonic() + 30
        while len(self.received) < EVENTS or self.store.pending_count():
            assert time.monotonic() < deadline, self.received
            self.tick()
        assert {state for _, state in self.store.counts()} == {DeliveryState.DELIVERED}
        assert len(self.received) == EVENTS


def _chain(length: int) -> dg.Definitions:
    def asset(number: int) -> dg.AssetsDefinition:
        @dg.asset(name=f"asset_{number}", deps=[f"asset_{number - 1}"] if number else [])
        def made() -> None: ...

        return made

    return dg.Definitions(assets=[asset(n) for n in range(length)], executor=dg.in_process_executor)


# What is recorded is claimed and settled in the pages that are there: a full disk ends emitting only.
FULL = pytest.param(trouble.full, id="the disk is full")
CASES = [
    pytest.param(trouble.locked, id="SQLite is locked"),
    pytest.param(trouble.gone, id="PostgreSQL is down", marks=pytest.mark.postgres),
    pytest.param(trouble.cut, id="the connection drops", marks=pytest.mark.postgres),
]


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Trouble:
    """What befalls the database."""
    return request.param


@pytest.fixture
def bed(case: Trouble, request: pytest.FixtureRequest, instance: dg.DagsterInstance, tmp_path: Path):
    """The definitions, with a store that this trouble can befall."""
    sqlite = case in (trouble.locked, trouble.full)
    url = f"sqlite:///{tmp_path}/hooks.db" if sqlite else request.getfixturevalue("postgres_url")
    made = Bed(instance, url)
    yield made
    made.store.close()


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the log says of the store, but for what a tick says of itself."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("phlo_hooks") and record.levelno >= logging.WARNING
    ]


@pytest.mark.parametrize("case", [FULL, *CASES], indirect=True)
def test_while_a_run_emits(bed: Bed, case: Trouble, caplog: pytest.LogCaptureFixture) -> None:
    """Four steps go on without the store; the tail reads all of it in Dagster's log."""
    with bed.in_trouble(case):
        bed.run()
        assert bed.received == {}
        (said,) = complaints(caplog)
    assert "the tail sensor will record these events from Dagster's log" in said
    bed.check()
    assert set(bed.received.values()) == {1}


@pytest.mark.parametrize("case", CASES, indirect=True)
def test_while_a_relay_claims(bed: Bed, case: Trouble, caplog: pytest.LogCaptureFixture) -> None:
    """The tick says what the matter is, and ends well; the next one goes on."""
    bed.run()
    with bed.in_trouble(case):
        assert "cannot be used right now" in bed.tick()
        assert bed.received == {}
    assert complaints(caplog) == []
    bed.check()
    assert set(bed.received.values()) == {1}


@pytest.mark.parametrize("case", CASES, indirect=True)
def test_while_a_relay_settles(bed: Bed, case: Trouble, caplog: pytest.LogCaptureFixture) -> None:
    """What the hook took and nobody could note comes once more, under the same id, when its lease ends."""
    bed.run()
    with ExitStack() as stack:

        def once() -> None:
            bed.meanwhile = lambda: None
            stack.enter_context(bed.in_trouble(case))

        bed.meanwhile = once
        assert "cannot be used right now" in bed.tick()
        assert bed.received
    assert len(complaints(caplog)) <= 1
    bed.check()
    assert max(bed.received.values()) <= 2
