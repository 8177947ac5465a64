"""A hook that keeps failing is left alone, is tried once in a while, and comes back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from phlo_hooks.circuit import CircuitBreaker
from phlo_hooks.delivery.circuit import Circuit, CircuitState
from phlo_hooks.delivery.circuits import Circuits
from phlo_hooks.delivery.records import Entry, Target, Told, Want
from phlo_hooks.delivery.relay import Relay
from phlo_hooks.delivery.selection import Selection
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.delivery.switches import NAMESPACE, circuit_key
from phlo_hooks.delivery.worker import Finished
from phlo_hooks.errors import ConfigurationError, EndpointGoneError, PermanentError, RetryLater
from phlo_hooks.events import HookEvent, HookStatusEvent
from phlo_hooks.registration import RegisteredHook
from phlo_hooks.retry import RetryPolicy
from phlo_hooks_tests.delivery.helpers import HOOK, START, Clock, FakeHook, make_entries, states

BREAKER = CircuitBreaker(failures=3, cooldown=30, max_cooldown=100)
NOW = START.timestamp()
DOWN = ConnectionError("refused")
WANT = Want(HOOK, 1, 60)


@pytest.fixture
def memory(clock: Clock) -> Iterator[HookStore]:
    """The cheapest store."""
    store = HookStore.in_memory(clock=clock)
    yield store
    store.close()


class Receiver:
    """A hook whose receiver is up or down; counts the calls."""

    def __init__(self, error: BaseException | None = DOWN) -> None:
        self.error = error
        self.calls = 0

    def __call__(self, event: HookEvent) -> None:
        self.calls += 1
        if self.error is not None:
            raise self.error


def relay_of(store: HookStore, *hooks: RegisteredHook, **options: Any) -> Relay:
    """A relay that records its news for nobody."""
    return Relay(store, {hook.qualified_name: hook for hook in hooks}, scopes=[""], **options)


def hook_of(receiver: Receiver, name: str = HOOK, **options: Any) -> RegisteredHook:
    """A hook with a circuit breaker, whose deliveries never die of age."""
    retry = RetryPolicy(schedule=(1,) * 500, jitter="none")
    return FakeHook(receiver, name, **{"circuit": BREAKER, "retry": retry, **options})


def circuit_of(store: HookStore, hook: str = HOOK) -> Circuit:
    """What the store knows of a hook's circuit."""
    return Circuits(store, "", lambda event: Told(Entry(event))).all().get(circuit_key(hook), Circuit())


def news(store: HookStore) -> list[tuple[str, str | None]]:
    """What was told of hooks, in order."""
    events = [record.event for record in store.events()]
    return [(each.event_type, each.state) for each in events if isinstance(each, HookStatusEvent)]


# The state machine


def failing(circuit: Circuit, times: int, breaker: CircuitBreaker = BREAKER) -> Circuit:
    """After so many failures."""
    for _ in range(times):
        circuit = circuit.failed(breaker, NOW, "refused")
    return circuit


@pytest.mark.parametrize(
    ("circuit", "expected"),
    [
        pytest.param(failing(Circuit(), 2), Circuit(failures=2), id="not yet"),
        pytest.param(
            failing(Circuit(), 3),
            Circuit(CircuitState.OPEN, 3, 1, NOW + 30, "refused", NOW, 1),
            id="opens",
        ),
        pytest.param(failing(Circuit(), 2).succeeded(NOW), Circuit(), id="success in between"),
        pytest.param(
            failing(Circuit(), 3).probing(NOW + 31, NOW + 91).succeeded(NOW + 32),
            Circuit(CircuitState.CLOSED, reason="a delivery was made", changed_at=NOW + 32, changes=3),
            id="probe works",
        ),
        pytest.param(
            failing(failing(Circuit(), 3).probing(NOW, NOW + 60), 1),
            Circuit(CircuitState.OPEN, 4, 2, NOW + 60, "refused", NOW, 3),
            id="probe fails: twice as long",
        ),
        pytest.param(
            failing(Circuit(), 4, CircuitBreaker(max_consecutive_failures=4)),
            Circuit(CircuitState.DISABLED, 4, 0, None, "4 failures in a row: refused", NOW, 1),
            id="disabled",
        ),
        pytest.param(
            failing(Circuit(), 2, CircuitBreaker(max_consecutive_failures=2, reenable="probe")),
            Circuit(CircuitState.OPEN, 2, 1, NOW + 30, "refused", NOW, 1),
            id="disabled until a probe works",
        ),
        pytest.param(Circuit().paused(NOW, NOW + 9, "429"), Circuit(until=NOW + 9, reason="429"), id="pause"),
        pytest.param(
            Circuit(CircuitState.DISABLED).succeeded(NOW), Circuit(CircuitState.DISABLED), id="late success"
        ),
        pytest.param(
            failing(Circuit(CircuitState.DISABLED), 9), Circuit(CircuitState.DISABLED, 9), id="late failures"
        ),
    ],
)
def test_how_outcomes_change_a_circuit(circuit: Circuit, expected: Circuit) -> None:
    """And what is written is read back as it was."""
    assert (expected, circuit) == (circuit, Circuit.read(circuit.written()))


def test_the_rest_grows_to_its_limit() -> None:
    """So a receiver that is back after a day is found within ten minutes."""
    assert [30, 60, 100, 100] == [BREAKER.rest(opening) for opening in (1, 2, 3, 9999)]


@pytest.mark.parametrize(
    "options",
    [
        {"failures": 0},
        {"failures": 1.5},
        {"cooldown": 0},
        {"max_cooldown": float("inf")},
        {"max_consecutive_failures": 0},
        {"reenable": "never"},
    ],
    ids=str,
)
def test_a_breaker_that_cannot_work_is_refused(options: dict[str, Any]) -> None:
    """With its name and the value."""
    with pytest.raises(ConfigurationError, match=f"circuit breaker {next(iter(options))}"):
        CircuitBreaker(**options)


# In the relay


def test_a_receiver_that_is_down_is_left_alone(memory: HookStore, clock: Clock) -> None:
    """Of 100 events, a few are tried; none of the others counts as tried, and all arrive in the end."""
    memory.record(make_entries(100))
    receiver = Receiver()
    relay = relay_of(memory, hook_of(receiver))
    first = relay.run()
    assert receiver.calls == 3
    assert "circuit open: ConnectionError: refused" in first.errors[HOOK]
    calls = receiver.calls
    relay.run()
    clock.advance(29)
    relay.run()
    assert receiver.calls == calls
    assert [("hook.disabled", "open")] == news(memory)
    untried = sum(delivery.attempts == 0 for delivery in memory.deliveries())
    assert untried == 100 - calls

    clock.advance(1)
    relay_of(memory, hook_of(receiver)).run()
    assert receiver.calls == calls + 1, "half open: one probe"
    receiver.error = None
    clock.advance(60)
    assert relay_of(memory, hook_of(receiver)).run().delivered == 100
    assert circuit_of(memory).state is CircuitState.CLOSED
    assert news(memory) == [
        ("hook.disabled", "open"),
        ("hook.probe", "half_open"),
        ("hook.probe", "open"),
        ("hook.probe", "half_open"),
        ("hook.enabled", "closed"),
    ]


def test_every_relay_knows(shared_store: HookStore, clock: Clock) -> None:
    """One finds out, and of several that find it half open, one tries."""
    shared_store.record(make_entries(100))
    receiver = Receiver()
    relay_of(shared_store, hook_of(receiver)).run()
    calls = receiver.calls
    assert relay_of(shared_store, hook_of(receiver)).run().errors[HOOK].startswith("not called until")
    assert receiver.calls == calls
    clock.advance(31)
    gates = [relay_of(shared_store, hook_of(receiver)) for _ in range(5)]
    assert [1] * 5 == [gate.admitted(hook_of(receiver), 50)[0] for gate in gates]
    assert [True, False, False, False, False] == [gate.reserve(hook_of(receiver)) for gate in gates]


def test_a_probe_whose_relay_dies_is_made_by_another(memory: HookStore, clock: Clock) -> None:
    """Once its lease has ended."""
    memory.record(make_entries(10))
    receiver = Receiver()
    relay_of(memory, hook_of(receiver)).run()
    clock.advance(31)
    assert relay_of(memory, hook_of(receiver)).reserve(hook_of(receiver))
    receiver.error = None
    assert relay_of(memory, hook_of(receiver)).run().delivered == 0
    clock.advance(60)
    assert relay_of(memory, hook_of(receiver)).run().delivered == 10


def test_nothing_is_probed_with_nothing(memory: HookStore, clock: Clock) -> None:
    """The circuit stays open until something is due, which then goes out at once."""
    memory.record(make_entries(3))
    receiver = Receiver()
    relay_of(memory, hook_of(receiver, retry=RetryPolicy(schedule=()))).run()
    clock.advance(1000)
    relay_of(memory, hook_of(receiver)).run()
    assert circuit_of(memory).state is CircuitState.OPEN
    memory.record(make_entries(1, first=7))
    receiver.error = None
    assert relay_of(memory, hook_of(receiver)).run().delivered == 1


def test_other_hooks_go_on(memory: HookStore) -> None:
    """A circuit is one hook's."""
    memory.record(make_entries(60, HOOK, "other.hook"))
    up = Receiver(None)
    report = relay_of(memory, hook_of(Receiver()), hook_of(up, "other.hook")).run()
    assert (report.delivered, up.calls) == (60, 60)


def test_a_hook_of_the_same_name_elsewhere_goes_on(memory: HookStore) -> None:
    """Two code locations may both have a `slack`."""
    entries = [Entry(entry.event, (Target(HOOK, "here"), Target(HOOK, "there"))) for entry in make_entries(9)]
    memory.record(entries)
    up = Receiver(None)
    Relay(memory, {HOOK: hook_of(Receiver())}, scopes=["here", ""]).run()
    assert Relay(memory, {HOOK: hook_of(up)}, scopes=["there", ""]).run().delivered == 9
    assert [f"{HOOK} here"] == [entry.key for entry in memory.list_state(NAMESPACE)]


@pytest.mark.parametrize(
    ("error", "state", "calls"),
    [
        pytest.param(PermanentError("400"), CircuitState.CLOSED, 20, id="the receiver says no to each"),
        pytest.param(RetryLater(after=60), CircuitState.CLOSED, 20, id="not this one now"),
        pytest.param(RetryLater("429", after=60, pause=True), CircuitState.CLOSED, None, id="rate limit"),
        pytest.param(EndpointGoneError("410"), CircuitState.DISABLED, None, id="gone"),
        pytest.param(DOWN, CircuitState.OPEN, None, id="down"),
    ],
)
def test_what_counts_as_down(
    memory: HookStore, error: BaseException, state: CircuitState, calls: int | None
) -> None:
    """Where all is lost, the others are spared; a bad event says nothing of the receiver."""
    memory.record(make_entries(20))
    receiver = Receiver(error)
    relay = relay_of(memory, hook_of(receiver))
    relay.run()
    relay.run()
    assert circuit_of(memory).state is state
    assert receiver.calls == calls if calls else receiver.calls < 4


def test_a_rate_limit_ends_when_it_said(memory: HookStore, clock: Clock) -> None:
    """And costs no attempt."""
    memory.record(make_entries(20))
    receiver = Receiver(RetryLater("429", after=60, pause=True))
    relay_of(memory, hook_of(receiver)).run()
    receiver.error = None
    clock.advance(59)
    assert relay_of(memory, hook_of(receiver)).run().delivered == 0
    clock.advance(1)
    assert relay_of(memory, hook_of(receiver)).run().delivered == 20
    assert {delivery.attempts for delivery in memory.deliveries()} == {1}
    assert news(memory) == []


def test_a_disabled_hook_waits_for_a_command(memory: HookStore, clock: Clock) -> None:
    """However long it takes; nothing is lost meanwhile."""
    memory.record(make_entries(20))
    receiver = Receiver()
    breaker = CircuitBreaker(failures=3, max_consecutive_failures=3)
    relay_of(memory, hook_of(receiver, circuit=breaker)).run()
    receiver.error = None
    clock.advance(10_000_000)
    report = relay_of(memory, hook_of(receiver, circuit=breaker)).run()
    assert "until it is enabled again" in report.errors[HOOK]
    assert memory.enable(HOOK)
    assert relay_of(memory, hook_of(receiver, circuit=breaker)).run().delivered == 20
    assert news(memory) == [("hook.disabled", "disabled"), ("hook.enabled", "closed")]


def test_without_a_breaker_all_are_tried(memory: HookStore) -> None:
    """For who asks for it."""
    memory.record(make_entries(30))
    receiver = Receiver()
    relay_of(memory, hook_of(receiver, circuit=None)).run()
    assert receiver.calls == 30


def test_others_are_told(memory: HookStore) -> None:
    """Each once, and in the same run, though they had nothing to do when it began."""
    memory.record(make_entries(9, HOOK))
    up = Receiver(None)

    def tell(event: HookStatusEvent) -> Told:
        return Told(Entry(event, (Target("other.hook"),)))

    relay_of(memory, hook_of(Receiver()), hook_of(up, "other.hook"), tell=tell).run()
    assert up.calls == 1


def test_the_probe_is_not_spent_on_what_is_too_old(memory: HookStore, clock: Clock) -> None:
    """Those are given up without a call; the receiver is tried with what is left, in the same run."""
    memory.record(make_entries(20))
    receiver = Receiver()
    hook = hook_of(receiver, retry=RetryPolicy(schedule=(1,) * 99, jitter="none", max_age=300))
    relay_of(memory, hook).run()
    clock.advance(400)
    memory.record(make_entries(1, first=50))
    receiver.error = None
    report = relay_of(memory, hook).run()
    assert (report.delivered, report.dead) == (1, 20)
    assert circuit_of(memory).state is CircuitState.CLOSED


def test_a_busy_receiver_is_one_that_is_there(memory: HookStore, clock: Clock) -> None:
    """A probe that is told "not this one now" closes the circuit; a rate limit keeps it for as long as it says."""
    memory.record(make_entries(20))
    receiver = Receiver()
    relay_of(memory, hook_of(receiver)).run()
    clock.advance(31)
    receiver.error = RetryLater(after=1, pause=True)
    relay_of(memory, hook_of(receiver)).run()
    assert circuit_of(memory).until == clock().timestamp() + 1
    clock.advance(2)
    receiver.error = RetryLater(after=1)
    relay_of(memory, hook_of(receiver)).run()
    assert circuit_of(memory).state is CircuitState.CLOSED


def test_a_breaker_that_is_gone_holds_up_nothing(memory: HookStore) -> None:
    """Its circuit was open when the hook's author took the breaker away."""
    memory.record(make_entries(10))
    receiver = Receiver()
    relay_of(memory, hook_of(receiver)).run()
    assert circuit_of(memory).state is CircuitState.OPEN

    def slowly(event: HookEvent) -> None:
        time.sleep(0.15)

    memory.record(make_entries(10, first=20))
    assert relay_of(memory, FakeHook(slowly)).run().delivered >= 17


def test_a_pause_is_kept_without_a_breaker(memory: HookStore) -> None:
    """The receiver asked for it."""
    memory.record(make_entries(50))
    receiver = Receiver(RetryLater(after=3600, pause=True))
    relay_of(memory, hook_of(receiver, circuit=None)).run()
    assert receiver.calls == 1


def test_a_slow_call_is_no_failure(memory: HookStore) -> None:
    """It outlasts its run, not its time limit: nothing is said of its receiver, and its outcome is recorded."""
    memory.record(make_entries(1))
    slow = FakeHook(lambda event: time.sleep(0.6), circuit=CircuitBreaker(failures=1))
    report = relay_of(memory, slow, grace=0).run(budget=0.2)
    assert (report.under_way, circuit_of(memory)) == (1, Circuit())
    deadline = time.monotonic() + 5
    while states(memory) != ["delivered"] and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (states(memory), circuit_of(memory)) == (["delivered"], Circuit())


def test_a_hook_that_is_stopped_while_it_is_called(memory: HookStore) -> None:
    """What was claimed for it is given back, untried."""
    memory.record(make_entries(40))
    calls: list[float] = []

    def handler(event: HookEvent) -> None:
        calls.append(time.monotonic())
        if len(calls) == 1:
            memory.disable(HOOK, "noisy")
        time.sleep(0.1)

    relay_of(memory, hook_of(handler)).run(budget=6)  # type: ignore[arg-type]
    assert len(calls) < 25
    assert {d.attempts for d in memory.deliveries() if d.state.value == "pending"} == {0}


# Dead letters


def test_a_second_give_up_is_told_as_well(memory: HookStore) -> None:
    """After an operator had it tried again."""
    memory.record(make_entries(1))
    hook = hook_of(Receiver(PermanentError("400")))
    relay_of(memory, hook).run()
    assert memory.retry(Selection()) == 1
    relay_of(memory, hook).run()
    assert [event_type for event_type, _ in news(memory)] == ["hook.dead_letter"] * 2


def told_of(event: HookEvent) -> Callable[[HookStatusEvent], Told]:
    """Tells the hook itself, which the bus never would."""
    return lambda news: Told(Entry(news, (Target(HOOK),)))


def test_a_dead_letter_is_told_once(memory: HookStore) -> None:
    """With what it is about; and one about a dead letter is not told, or two hooks would never end."""
    memory.record(make_entries(2))
    receiver = Receiver(PermanentError("400 Bad Request"))
    relay_of(memory, hook_of(receiver), tell=told_of(make_entries(1)[0].event)).run()
    told = [record.event for record in memory.events() if record.event_type == "hook.dead_letter"]
    about = {each.about_event_id for each in told if isinstance(each, HookStatusEvent)}
    assert about == {entry.event.event_id for entry in make_entries(2)}
    assert states(memory) == ["dead"] * 4
    assert {each.correlation.run_id for each in told} == {"run-1"}


def test_a_dead_letter_of_a_lost_lease_is_not_told(memory: HookStore, clock: Clock) -> None:
    """Somebody else has the delivery by then, and may well make it."""
    memory.record(make_entries(1))
    relay = relay_of(memory, hook_of(Receiver()))
    late = memory.claim([WANT], scopes=[""], owner="late")
    clock.advance(61)
    assert len(memory.claim([WANT], scopes=[""], owner="other")) == 1
    results = [result for _, result in relay.judge(Finished(tuple(late), PermanentError("400")))]
    memory.settle(results, owner="late")
    assert (news(memory), states(memory)) == ([], ["pending"])
