"""The relay calls every hook for what is due, and no hook can spoil it for another."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from queue import SimpleQueue

import pytest

from phlo_hooks.delivery.relay import MAX_HANGING, Relay, RelayReport
from phlo_hooks.delivery.store import Claim, DeliveryState, HookStore, Settlement
from phlo_hooks.delivery.worker import Finished, Worker
from phlo_hooks.errors import ConfigurationError, PermanentError, RetryLater, StoreUnavailableError
from phlo_hooks.events import HookEvent
from phlo_hooks.registration import FailurePolicy, HookRegistration, RegisteredHook
from phlo_hooks.retry import RetryPolicy
from phlo_hooks_tests.delivery.helpers import (
    HOOK,
    POLICY,
    START,
    Clock,
    FakeHook,
    claim,
    make_entries,
    make_event,
    states,
)

QUIET = "other.quiet"


@pytest.fixture
def memory(clock: Clock) -> Iterator[HookStore]:
    """The cheapest store: what the relay does is the same on all of them."""
    store = HookStore.in_memory(clock=clock)
    yield store
    store.close()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What hanging hooks wait for; opened when the test is over."""
    gate = threading.Event()
    yield gate
    gate.set()


def make_relay(store: HookStore, *hooks: RegisteredHook, **options: object) -> Relay:
    """A relay for the hooks of one code location, without jitter."""
    options = {"scopes": [""], **options}
    return Relay(store, {hook.qualified_name: hook for hook in hooks}, **options)  # type: ignore[arg-type]


def raiser(*errors: BaseException) -> Callable[[HookEvent], None]:
    """A handler that raises these in turn, the last one for ever."""
    waiting = list(errors)

    def handler(event: HookEvent) -> None:
        raise waiting.pop(0) if len(waiting) > 1 else waiting[0]

    return handler


def wait_for(condition: Callable[[], bool]) -> bool:
    """Whether it comes true within a few seconds."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


def test_every_hook_gets_every_event_in_order(store: HookStore) -> None:
    """More of them than are claimed at once."""
    store.record(make_entries(120, HOOK, QUIET))
    seen: dict[str, list[HookEvent]] = {HOOK: [], QUIET: []}
    hooks = [FakeHook(events.append, name) for name, events in seen.items()]

    report = make_relay(store, *hooks).run()

    assert RelayReport(delivered=240) == report
    events = [make_event(number) for number in range(120)]
    assert {HOOK: events, QUIET: events} == seen
    assert ({"delivered"}, 0) == (set(states(store)), store.pending_count())


def test_a_registered_hook_is_called_whatever_its_style(memory: HookStore) -> None:
    """A function, and a coroutine function, as the bus has them."""
    seen: list[HookEvent] = []

    async def slowly(event: HookEvent) -> None:
        seen.append(event)

    hooks = [
        RegisteredHook("p", HookRegistration("fast", seen.append)),
        RegisteredHook("p", HookRegistration("slow", slowly)),
    ]
    memory.record(make_entries(1, "p.fast", "p.slow"))
    relay = Relay(memory, {hook.qualified_name: hook for hook in hooks}, scopes=[""])
    assert (relay.run().delivered, len(seen)) == (2, 2)


def test_nothing_due_takes_no_time(memory: HookStore) -> None:
    """Most ticks of a sensor."""
    start = time.monotonic()
    assert RelayReport() == make_relay(memory, FakeHook(print)).run(budget=20)
    assert time.monotonic() - start < 0.5


def test_hooks_and_scopes_of_others_are_left_alone(memory: HookStore) -> None:
    """They may be installed elsewhere."""
    memory.record(make_entries(1, "not.here"))
    assert RelayReport() == make_relay(memory, FakeHook(print)).run()
    assert RelayReport() == make_relay(memory, FakeHook(print, "not.here"), scopes=["x"]).run()
    assert states(memory) == ["pending"]


def test_one_scope_is_a_collection_too(memory: HookStore) -> None:
    """The empty name of a location is an empty text, which holds no scope at all."""
    with pytest.raises(ConfigurationError, match=r"use scopes=\[''\]"):
        make_relay(memory, scopes="")


def test_a_failure_is_tried_again_by_the_schedule(memory: HookStore, clock: Clock) -> None:
    """Not before its time; and it is dead when the schedule is over."""
    memory.record(make_entries(1))
    calls: list[HookEvent] = []

    def fail(event: HookEvent) -> None:
        calls.append(event)
        raise OSError("the receiver is down")

    relay = make_relay(memory, FakeHook(fail))
    reports = []
    for wait in (0, 4.9, 0.1, 59, 1, 10_000):
        clock.advance(wait)
        reports.append(relay.run())

    assert [report.retried for report in reports] == [1, 0, 1, 0, 0, 0]
    assert [report.dead for report in reports] == [0, 0, 0, 0, 1, 0]
    delivery = memory.deliveries()[0]
    assert (len(calls), delivery.attempts, delivery.state) == (3, 3, DeliveryState.DEAD)


def test_a_failure_is_recorded_with_its_cause(memory: HookStore) -> None:
    """What was raised and where, without the frames of the relay itself."""
    memory.record(make_entries(1))
    report = make_relay(memory, FakeHook(raiser(OSError("the receiver is down")))).run()
    error = str(memory.deliveries()[0].last_error)
    assert error.startswith("OSError: the receiver is down")
    assert "test_relay.py" in error
    assert "phlo_hooks/delivery" not in error
    assert report.errors == {HOOK: "OSError: the receiver is down"}


def test_a_hook_that_recovers_is_delivered(memory: HookStore, clock: Clock) -> None:
    """The error of the first attempt stays on record, for who asks why it took so long."""
    memory.record(make_entries(1))
    outcomes = iter([OSError("hiccup")])

    def handler(event: HookEvent) -> None:
        for error in outcomes:
            raise error

    relay = make_relay(memory, FakeHook(handler))
    relay.run()
    clock.advance(5)
    assert relay.run().delivered == 1
    delivery = memory.deliveries()[0]
    assert "hiccup" in str(delivery.last_error)
    assert (delivery.state, delivery.attempts) == (DeliveryState.DELIVERED, 2)


@pytest.mark.parametrize(
    ("policy", "error", "state"),
    [
        ("log", OSError(), "retrying"),
        ("raise", OSError(), "retrying"),
        ("ignore", OSError(), "suppressed"),
        ("log", PermanentError("410 Gone"), "dead"),
        ("log", RetryLater(after=30), "retrying"),
        ("log", SystemExit(3), "retrying"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_a_failure_means(memory: HookStore, policy: str, error: BaseException, state: str) -> None:
    """By the hook's policy and by what it raised; a handler's `sys.exit` ends nothing but its call."""
    memory.record(make_entries(1, HOOK, QUIET))
    failing = FakeHook(raiser(error), failure_policy=FailurePolicy(policy))
    report = make_relay(memory, failing, FakeHook(lambda event: None, QUIET)).run()
    assert ([state, "delivered"], [HOOK]) == (states(memory), list(report.errors))


def test_a_receiver_that_is_busy_uses_up_no_attempts(memory: HookStore, clock: Clock) -> None:
    """Ten times "in a second" is no failure; an attempt afterwards is the first."""
    memory.record(make_entries(1))
    relay = make_relay(memory, FakeHook(raiser(*[RetryLater(after=1)] * 10, OSError())))
    for _ in range(11):
        relay.run()
        clock.advance(1)
    delivery = memory.deliveries()[0]
    assert (delivery.attempts, delivery.state) == (1, DeliveryState.RETRYING)


def test_each_failure_is_logged_once(memory: HookStore, caplog: pytest.LogCaptureFixture) -> None:
    """With the hook, the event and what comes next; that of a hook that ignores them, for debugging only."""
    caplog.set_level(logging.DEBUG, "phlo_hooks.relay")
    memory.record(make_entries(1, "a.log", "b.ignore", "c.dead"))
    hooks = [
        FakeHook(raiser(OSError("one")), "a.log"),
        FakeHook(raiser(OSError("two")), "b.ignore", FailurePolicy.IGNORE),
        FakeHook(raiser(PermanentError("three")), "c.dead"),
    ]
    make_relay(memory, *hooks).run()
    told = sorted((record.getMessage().split()[1], record.levelname) for record in caplog.records)
    assert told == [("a.log", "WARNING"), ("b.ignore", "DEBUG"), ("c.dead", "ERROR")]
    assert "attempt 1, next in 5 s: OSError: one" in caplog.text


def test_secrets_are_removed_from_errors(memory: HookStore, caplog: pytest.LogCaptureFixture) -> None:
    """From what is stored, reported and logged, in the traceback too."""
    memory.record(make_entries(1))
    hook = FakeHook(raiser(OSError("401 for key s3cr3t-canary")))
    report = make_relay(memory, hook, redact=lambda text: text.replace("s3cr3t-canary", "…")).run()
    told = f"{report} {memory.deliveries()} {caplog.text}"
    assert "s3cr3t-canary" not in told
    assert "401 for key …" in told


def test_a_hanging_hook_delays_nobody(memory: HookStore, gate: threading.Event) -> None:
    """The others are through in no time, the run ends with its budget, and what hangs comes back."""
    memory.record(make_entries(60, HOOK, QUIET))
    times: list[float] = []
    start = time.monotonic()
    quiet = FakeHook(lambda event: times.append(time.monotonic() - start), QUIET)

    report = make_relay(memory, FakeHook(lambda event: gate.wait()), quiet, grace=0).run(budget=1)

    assert times[-1] < 1 <= time.monotonic() - start < 4
    assert (report.delivered, report.retried, report.under_way) == (60, 0, 1)
    assert "a call has not returned yet" in report.errors[HOOK]
    assert all(thread.daemon for thread in _threads())  # the process can end all the same
    hanging, *rest = [d for d in memory.deliveries() if d.hook == HOOK]
    assert (
        hanging.state,
        hanging.attempts,
        hanging.lease_owner,
    ) == (DeliveryState.PENDING, 1, hanging.lease_owner)
    assert hanging.lease_owner is not None, "its thread will say what came of it"
    assert hanging.next_attempt_at == memory.clock() + timedelta(seconds=60)
    assert {(DeliveryState.PENDING, 0, None)} == {(d.state, d.attempts, d.lease_owner) for d in rest}


def test_a_call_that_succeeds_late_is_delivered(memory: HookStore, gate: threading.Event) -> None:
    """The receiver was slower than the sensor's tick; it is not told twice."""
    memory.record(make_entries(1))
    make_relay(memory, FakeHook(lambda event: gate.wait()), grace=0).run(budget=0.1)
    assert states(memory) == ["pending"]
    gate.set()
    assert wait_for(lambda: states(memory) == ["delivered"])


def test_a_call_that_fails_after_its_run_is_tried_again(memory: HookStore, gate: threading.Event) -> None:
    """By the schedule, with its error: nobody has to wait for the lease to end."""
    memory.record(make_entries(1))

    def handler(event: HookEvent) -> None:
        gate.wait()
        raise OSError("late")

    make_relay(memory, FakeHook(handler), grace=0).run(budget=0.1)
    gate.set()
    assert wait_for(lambda: states(memory) == ["retrying"])
    assert "OSError: late" in str(memory.deliveries()[0].last_error)


def test_a_call_that_fails_late_changes_nothing(memory: HookStore, clock: Clock) -> None:
    """Its failure was counted when it was given up; by now the same relay is calling again."""
    memory.record(make_entries(1))
    first, second = threading.Event(), threading.Event()
    calls = iter([first, second])

    def handler(event: HookEvent) -> None:
        gate = next(calls)
        gate.wait(5)
        if gate is first:
            raise PermanentError("late")

    relay = make_relay(memory, FakeHook(handler), grace=0)
    relay.run(budget=0.1)
    clock.advance(60)
    again = threading.Thread(target=relay.run)
    again.start()
    assert wait_for(lambda: len(_threads()) == 2)
    first.set()
    assert wait_for(lambda: len(_threads()) == 1)
    second.set()
    again.join()
    assert states(memory) == ["delivered"]


def test_a_hook_that_always_hangs_is_called_no_more(memory: HookStore, gate: threading.Event) -> None:
    """Its threads cannot be ended, so their number must be; also when a relay is built for each tick."""
    memory.record(make_entries(10))
    calls: list[HookEvent] = []

    def hang(event: HookEvent) -> None:
        calls.append(event)
        gate.wait()

    for _ in range(MAX_HANGING):
        make_relay(memory, FakeHook(hang), grace=0).run(budget=0.1)
    report = make_relay(memory, FakeHook(hang), grace=0).run(budget=0.1)

    assert len(calls) == MAX_HANGING
    assert "3 calls have not returned" in report.errors[HOOK]
    gate.set()
    assert wait_for(lambda: not _threads())
    assert make_relay(memory, FakeHook(hang)).run().delivered == 7


def test_a_hook_that_hangs_once_is_called_again_in_the_same_run(
    memory: HookStore, gate: threading.Event
) -> None:
    """A relay that runs for hours must not lose a hook to one lost connection."""
    memory.record(make_entries(3))
    first = make_event(0)
    hook = FakeHook(lambda event: gate.wait() if event == first else None, timeout=0.2)
    relay = make_relay(memory, hook, grace=0, clock=memory.clock)
    report = relay.run(budget=1.5)
    assert (report.delivered, states(memory)) == (2, ["retrying", "delivered", "delivered"])


def test_what_a_hook_tells_is_delivered_in_the_same_run(memory: HookStore) -> None:
    """Also to a hook that had nothing due a moment before: on an ephemeral instance no other run will come."""
    heard: list[HookEvent] = []
    news = make_entries(1, QUIET, first=7)

    def tell(event: HookEvent) -> None:
        time.sleep(0.02)
        memory.record(news)

    memory.record(make_entries(1))
    report = make_relay(memory, FakeHook(tell), FakeHook(heard.append, QUIET)).run()
    assert [news[0].event] == heard
    assert (report.delivered, report.remaining) == (2, 0)


def test_new_work_is_done_while_a_slow_hook_is_waited_for(memory: HookStore) -> None:
    """The slow one waits for the other, for which there is nothing to do when the run begins."""
    memory.record(make_entries(1))
    called = threading.Event()

    def slow(event: HookEvent) -> None:
        memory.record(make_entries(1, QUIET, first=1))
        assert called.wait(5)

    report = make_relay(memory, FakeHook(slow), FakeHook(lambda e: called.set(), QUIET)).run(budget=4)
    assert RelayReport(delivered=2) == report


def test_a_run_stops_with_its_budget(memory: HookStore) -> None:
    """The call that began is ended; what was claimed and not called is given back as it was."""
    memory.record(make_entries(100))
    report = make_relay(memory, FakeHook(lambda event: time.sleep(0.02))).run(budget=0.2)
    assert 0 < report.delivered < 50
    assert (100 - report.delivered, 0) == (report.remaining, report.retried)
    rest = [d for d in memory.deliveries() if d.state is not DeliveryState.DELIVERED]
    assert {(DeliveryState.PENDING, 0, None)} == {(d.state, d.attempts, d.lease_owner) for d in rest}
    assert report.remaining == len(claim(memory))


def test_a_run_stops_when_it_is_told_to(memory: HookStore) -> None:
    """As a process does on SIGTERM: the call under way is ended, the rest is given back untried."""
    memory.record(make_entries(20))
    stop = threading.Event()

    def handler(event: HookEvent) -> None:
        stop.set()
        time.sleep(0.2)

    report = make_relay(memory, FakeHook(handler), stopping=stop.is_set).run(budget=60)
    assert 1 <= report.delivered <= 5
    rest = [each for each in memory.deliveries() if each.state is DeliveryState.PENDING]
    assert (len(rest), {each.attempts for each in rest}) == (20 - report.delivered, {0})


def test_several_calls_of_one_hook_at_once(memory: HookStore) -> None:
    """As many as were asked for."""
    memory.record(make_entries(4))
    meet = threading.Barrier(4, timeout=10)
    report = make_relay(memory, FakeHook(lambda event: meet.wait()), concurrency=4).run()
    assert report.delivered == 4


def test_a_hook_that_hangs_in_one_of_its_calls(memory: HookStore, gate: threading.Event) -> None:
    """Its other threads go on."""
    memory.record(make_entries(40))
    first = make_event(0)
    hook = FakeHook(lambda event: gate.wait() if event == first else None)
    report = make_relay(memory, hook, concurrency=2, grace=0).run(budget=1)
    assert report.delivered >= 20
    assert report.under_way == 1


@pytest.mark.parametrize("limit", [1, 2, 7, 100])
def test_a_run_stops_at_its_limit(memory: HookStore, limit: int) -> None:
    """Shared by the hooks."""
    memory.record(make_entries(10, HOOK, QUIET))
    hooks = FakeHook(lambda event: None), FakeHook(lambda event: None, QUIET)
    assert min(limit, 20) == make_relay(memory, *hooks).run(limit=limit).delivered


def test_a_lease_is_fresh_when_its_call_begins(memory: HookStore, clock: Clock) -> None:
    """A claim that waited behind slow calls is given back and taken anew, else two relays would call."""
    memory.record(make_entries(6))
    left: list[float] = []

    def slow(event: HookEvent) -> None:
        until = memory.deliveries(event_id=event.event_id)[0].next_attempt_at
        assert until is not None
        left.append((until - clock()).total_seconds())
        clock.advance(25)

    report = make_relay(memory, FakeHook(slow)).run()
    assert (report.delivered, left) == (6, [60, 35, 60, 35, 60, 35])
    assert {delivery.attempts for delivery in memory.deliveries()} == {1}


def test_a_claim_that_was_just_taken_up_is_not_called_after_the_end(clock: Clock) -> None:
    """The thread had it in hand when it was let go: it gives it back instead."""
    finished: SimpleQueue[Finished] = SimpleQueue()
    late: SimpleQueue[Finished] = SimpleQueue()
    worker = Worker(
        "test",
        call=lambda group: pytest.fail("called"),
        fresh=lambda group: True,
        finished=finished,
        too_late=lambda each, expired: late.put(each),
    )
    worker._abandoned = True
    each = Claim(7, make_event(), HOOK, "", 1, "me", clock(), clock())
    worker.give([(each,)])
    assert late.get(timeout=5) == Finished((each,), called=False)
    assert finished.empty()
    worker.abandon(expired=False)


def test_an_event_that_kills_its_process_comes_to_an_end(memory: HookStore, clock: Clock) -> None:
    """No outcome in as many attempts as there are: it is not called once more."""
    memory.record(make_entries(1))
    for _ in range(POLICY.max_attempts):
        assert len(claim(memory, owner="killed")) == 1
        clock.advance(60)
    report = make_relay(memory, FakeHook(lambda event: pytest.fail("called"))).run()
    assert (report.dead, states(memory)) == (1, ["dead"])
    assert "no outcome in 3 attempts" in str(memory.deliveries()[0].last_error)


def test_an_event_that_is_too_old_is_not_delivered(memory: HookStore, clock: Clock) -> None:
    """Nobody wants a page from yesterday; that is no attempt, and it is told as a dead letter."""
    memory.record(make_entries(1))
    clock.advance(3601)
    hook = FakeHook(lambda event: pytest.fail("called"), retry=RetryPolicy(max_age=3600))
    assert make_relay(memory, hook).run().dead == 1
    delivery = memory.deliveries()[0]
    assert (delivery.attempts, delivery.last_error) == (0, "not delivered within its max_age of 3600 s")


def test_the_error_of_each_attempt_is_kept(memory: HookStore, clock: Clock) -> None:
    """With its time; the longest history is bounded."""
    memory.record(make_entries(1))
    errors = [OSError(f"trouble {number}") for number in range(30)]
    hook = FakeHook(raiser(*errors), retry=RetryPolicy(schedule=(1,) * 29, jitter="none"))
    for _ in errors:
        make_relay(memory, hook).run()
        clock.advance(1)
    kept = json.loads(str(memory.deliveries()[0].errors))
    assert [each["attempt"] for each in kept] == list(range(11, 31))
    assert kept[-1]["error"].startswith("OSError: trouble 29")
    assert kept[0]["at"] == (START + timedelta(seconds=10)).isoformat(timespec="seconds")


def test_an_outcome_outlives_a_moment_without_store(
    memory: HookStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run ends with the error, but tries once more to say what became of the calls."""
    memory.record(make_entries(1))
    settle, failures = memory.settle, iter([StoreUnavailableError("down")])

    def flaky(results: list[Settlement], *, owner: str) -> None:
        for error in failures if results else ():
            raise error
        settle(results, owner=owner)

    monkeypatch.setattr(memory, "settle", flaky)
    with pytest.raises(StoreUnavailableError):
        make_relay(memory, FakeHook(lambda event: None)).run()
    assert states(memory) == ["delivered"]


def test_no_thread_is_left_behind(memory: HookStore) -> None:
    """Of hooks that return."""
    memory.record(make_entries(3, HOOK, QUIET))
    make_relay(memory, FakeHook(lambda event: None), FakeHook(raiser(OSError()), QUIET)).run()
    assert wait_for(lambda: not _threads())


def test_two_relays_share_the_work(shared_store: HookStore) -> None:
    """Neither delivers what the other has."""
    shared_store.record(make_entries(100))
    seen: list[str] = []
    hook = FakeHook(lambda event: seen.append(event.event_id))
    relays = [make_relay(shared_store, hook) for _ in range(2)]
    threads = [threading.Thread(target=relay.run) for relay in relays]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(seen), len(set(seen))) == (100, 100)


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("phlo-hooks")]
