"""The bus: order, policies, nested emission, sync and async, and what it leaves to an outbox."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from contextvars import copy_context

import pytest

from phlo_hooks.bus import MAX_DEPTH, Accepted, HookBus, passage
from phlo_hooks.dispatch import Delivery, Outcome
from phlo_hooks.errors import DuplicateHookError, EmissionDepthError
from phlo_hooks.events import HookStatusEvent, IngestionEvent, RunEvent, TelemetryEvent
from phlo_hooks.filters import HookFilter
from phlo_hooks.plugins import HookPlugin, PluginMetadata
from phlo_hooks.registration import HookRegistration

LOAD = IngestionEvent(event_type="ingestion.end", asset_key="raw/orders", run_id="r", status="success")
RUN = RunEvent(event_type="run.success", run_id="r")


def log(name: str, value: object = None) -> TelemetryEvent:
    return TelemetryEvent(event_type="telemetry.log", name=name, value=value)


def wants(*event_types: str) -> HookFilter:
    return HookFilter(event_types=event_types)


def add(bus: HookBus, name: str, handler, plugin: str = "p", **options) -> None:
    bus.register(HookRegistration(name, handler, **options), plugin_name=plugin)


def fails(event):
    raise ValueError(f"boom on {event.event_type}")


class MemoryOutbox:
    """An outbox that keeps its promises, in memory: each event once, all or none, queued hooks kept back."""

    def __init__(self):
        self.events = {}
        self.queue = []
        self.settled = []
        self.broken = None

    def accept(self, batch):
        if self.broken:
            raise self.broken
        return [self._accept(event, hooks) for event, hooks in batch]

    def _accept(self, event, hooks):
        if event.event_id in self.events:
            return Accepted((), [Delivery(hook.qualified_name, Outcome.DUPLICATE) for hook in hooks])
        self.events[event.event_id] = event
        queued = [hook for hook in hooks if hook.queued]
        self.queue += [(event, hook) for hook in queued]
        return Accepted(
            [hook for hook in hooks if not hook.queued],
            [Delivery(hook.qualified_name, Outcome.QUEUED) for hook in queued],
        )

    def settle(self, event, deliveries):
        self.settled += [(event.event_type, *delivery[:2]) for delivery in deliveries]


# --- who is called, in which order


def test_order_is_priority_plugin_name():
    """Whatever the order of registration."""
    bus, seen = HookBus(), []
    for priority, plugin, name in [
        (2, "a", "c"),
        (1, "b", "a"),
        (1, "a", "b"),
        (1, "a", "a"),
        (-1, "z", "z"),
    ]:
        add(
            bus, name, lambda event, key=(priority, plugin, name): seen.append(key), plugin, priority=priority
        )
    deliveries = bus.emit(RUN)
    assert [(-1, "z", "z"), (1, "a", "a"), (1, "a", "b"), (1, "b", "a"), (2, "a", "c")] == seen
    assert [f"{plugin}.{name}" for _, plugin, name in seen] == [delivery.hook for delivery in deliveries]


def test_one_delivery_for_each_match():
    """Those that do not match leave no trace."""
    bus, seen = HookBus(), []
    add(bus, "load", seen.append, filters=wants("ingestion.*"))
    add(bus, "run", seen.append, filters=wants("run.success"))
    add(bus, "all", seen.append)
    assert [Delivery("p.all", Outcome.DELIVERED), Delivery("p.load", Outcome.DELIVERED)] == bus.emit(LOAD)
    assert [LOAD, LOAD] == seen


def test_nobody_wants_it():
    """An event without hooks is no error."""
    bus = HookBus()
    add(bus, "run", fails, filters=wants("run.*"))
    assert [] == bus.emit(LOAD)
    assert [] == asyncio.run(bus.emit_async(LOAD))


def test_match_calls_nobody():
    """It only says who would be called, in order."""
    bus = HookBus()
    add(bus, "b", fails)
    add(bus, "a", fails, filters=HookFilter(asset_keys={"raw/*"}))
    add(bus, "c", fails, filters=HookFilter(asset_keys={"marts/*"}))
    assert ["p.a", "p.b"] == [hook.qualified_name for hook in bus.match(LOAD)]


def test_hooks_registered_later_are_called():
    """What the bus has worked out for an event type does not outlive a registration."""
    bus, seen = HookBus(), []
    assert [] == bus.emit(RUN)
    add(bus, "h", seen.append)
    bus.emit(RUN)
    bus.clear()
    assert [] == bus.emit(RUN)
    assert [RUN] == seen
    assert () == bus.hooks


def test_a_handler_may_register():
    """The event under way goes to those who were there when it came, the next one to all."""
    bus, seen = HookBus(), []
    add(bus, "first", lambda event: add(bus, f"new_{len(bus.hooks)}", seen.append, priority=200))
    assert ["p.first"] == [delivery.hook for delivery in bus.emit(RUN)]
    assert ["p.first", "p.new_1"] == [delivery.hook for delivery in bus.emit(LOAD)]
    assert [LOAD] == seen


def test_a_name_taken_twice():
    """One plugin, two hooks of one name: the store could not tell them apart."""
    bus = HookBus()
    add(bus, "h", print)
    with pytest.raises(DuplicateHookError, match="plugin 'p' already has a hook 'h'"):
        add(bus, "h", print)
    add(bus, "h", print, plugin="other")
    assert ["other.h", "p.h"] == [hook.qualified_name for hook in bus.hooks]


class Named(HookPlugin):
    metadata = PluginMetadata(name="named", version="1")

    def get_hooks(self):
        return [HookRegistration("h", print)]


class Nameless:
    def get_hooks(self):
        yield HookRegistration("h", print)


@pytest.mark.parametrize(
    ("provider", "plugin_name", "name"),
    [(Named(), None, "named.h"), (Named(), "mine", "mine.h"), (Nameless(), None, "Nameless.h")],
    ids=["from its metadata", "as told", "from its class"],
)
def test_register_provider(provider, plugin_name, name):
    """Every provider has a name, so that its hooks have an order and a row."""
    bus = HookBus()
    bus.register_provider(provider, plugin_name=plugin_name)
    assert [name] == [hook.qualified_name for hook in bus.hooks]


def test_no_hook_hears_of_its_own_health():
    """A disabled alert must not be sent by the disabled alert; everybody else hears of it."""
    bus, seen = HookBus(), []
    for name in ("slack", "mail"):
        add(bus, name, lambda event, name=name: seen.append(name))
    status = HookStatusEvent(event_type="hook.disabled", hook="p.slack")
    assert ["p.mail"] == [delivery.hook for delivery in bus.emit(status)]
    assert ["p.mail"] == [hook.qualified_name for hook in bus.match(status)]
    assert ["mail"] == seen


# --- what an exception means


@pytest.mark.parametrize("emit", ["emit", "emit_async"])
@pytest.mark.parametrize(
    ("policy", "outcome", "logged"),
    [("ignore", Outcome.IGNORED, False), ("log", Outcome.FAILED, True)],
)
def test_ignore_and_log(emit, policy, outcome, logged, caplog):
    """Neither reaches whoever emitted; one is in the log, with its traceback."""
    bus, seen = HookBus(), []
    add(bus, "bad", fails, failure_policy=policy)
    add(bus, "good", seen.append)
    deliveries = bus.emit(RUN) if emit == "emit" else asyncio.run(bus.emit_async(RUN))
    assert [("p.bad", outcome), ("p.good", Outcome.DELIVERED)] == [delivery[:2] for delivery in deliveries]
    assert "boom on run.success" == str(deliveries[0].error)
    assert [RUN] == seen
    assert logged == ("hook p.bad failed on run.success: boom" in caplog.text)
    assert logged == ("Traceback" in caplog.text)


@pytest.mark.parametrize("emit", ["emit", "emit_async"])
def test_raise_comes_after_all_hooks_had_their_turn(emit):
    """The first exception is raised; a later hook has seen the event all the same."""
    bus, seen = HookBus(), []

    def also_fails(event):
        raise KeyError("second")

    add(bus, "a", fails, failure_policy="raise")
    add(bus, "b", also_fails, failure_policy="raise")
    add(bus, "c", seen.append)
    with pytest.raises(ValueError, match="boom"):
        bus.emit(RUN) if emit == "emit" else asyncio.run(bus.emit_async(RUN))
    assert [RUN] == seen


def test_nothing_is_left_after_a_raise():
    """The next emission is a fresh one."""
    bus, seen = HookBus(), []
    add(bus, "bad", fails, failure_policy="raise", filters=wants("run.*"))
    add(bus, "good", seen.append)
    with pytest.raises(ValueError, match="boom"):
        bus.emit(RUN)
    assert [Delivery("p.good", Outcome.DELIVERED)] == bus.emit(LOAD)
    assert [RUN, LOAD] == seen


def test_nothing_is_left_after_an_interrupt():
    """What a handler had emitted before Ctrl-C does not turn up under another event."""
    bus, seen = HookBus(), []

    def stops(event):
        bus.emit(log("left"))
        raise KeyboardInterrupt

    add(bus, "stops", stops, filters=wants("run.*"))
    add(bus, "all", seen.append, filters=wants("telemetry.*", "ingestion.*"))
    with pytest.raises(KeyboardInterrupt):
        bus.emit(RUN)
    bus.emit(LOAD)
    assert [LOAD] == seen


# --- events emitted by handlers


@pytest.mark.parametrize("emit", ["emit", "emit_async"])
def test_nested_events_wait_for_the_current_one(emit):
    """Every hook sees an event before anyone sees what came of it; the inner list is filled then."""
    bus, order, inner = HookBus(), [], []

    def first(event):
        order.append(("first", event.event_type))
        if event is LOAD:
            inner.append(bus.emit(log("one")))
            inner.append(bus.emit(log("two")))
            assert [[], []] == inner

    add(bus, "a", first)
    add(bus, "b", lambda event: order.append(("second", getattr(event, "name", event.event_type))))
    outer = bus.emit(LOAD) if emit == "emit" else asyncio.run(bus.emit_async(LOAD))
    assert [
        ("first", "ingestion.end"),
        ("second", "ingestion.end"),
        ("first", "telemetry.log"),
        ("second", "one"),
        ("first", "telemetry.log"),
        ("second", "two"),
    ] == order
    both = [Delivery("p.a", Outcome.DELIVERED), Delivery("p.b", Outcome.DELIVERED)]
    assert [both, both] == inner
    assert both == outer


@pytest.mark.parametrize("emit", ["emit", "emit_async"])
@pytest.mark.parametrize("handler", ["sync", "async"])
@pytest.mark.parametrize("depth", [1, 3, MAX_DEPTH])
def test_a_loop_ends(emit, handler, depth, caplog):
    """A hook that emits what it wants itself is stopped, with a message that names the event."""
    bus, seen = HookBus(max_depth=depth), []

    def again(event):
        seen.append(event)
        bus.emit(log("again"))

    async def again_async(event):
        seen.append(event)
        await bus.emit_async(log("again"))

    add(bus, "loop", again if handler == "sync" else again_async)
    start = log("start")
    (delivery,) = bus.emit(start) if emit == "emit" else asyncio.run(bus.emit_async(start))
    assert Outcome.DELIVERED is delivery.outcome
    assert depth + 1 == len(seen)
    assert f"'telemetry.log' was emitted {depth + 1} handlers deep" in caplog.text
    assert "EmissionDepthError" in caplog.text


def test_the_depth_error_can_be_raised():
    """With the policy that raises, it reaches whoever emitted first."""
    bus = HookBus()
    add(bus, "loop", lambda event: bus.emit(log("again")), failure_policy="raise")
    with pytest.raises(EmissionDepthError, match="filter it, or raise max_depth"):
        bus.emit(log("start"))


def test_a_nested_raise_reaches_the_outer_emit():
    """A hook on a nested event may abort, too."""
    bus = HookBus()
    add(bus, "emits", lambda event: bus.emit(RUN), filters=wants("ingestion.end"))
    add(bus, "bad", fails, failure_policy="raise", filters=wants("run.*"))
    with pytest.raises(ValueError, match=r"boom on run\.success"):
        bus.emit(LOAD)


def test_another_bus_is_no_nesting():
    """A handler that emits on another bus gets its answer at once."""
    bus, other, answers = HookBus(), HookBus(), []
    add(other, "h", lambda event: None)
    add(bus, "h", lambda event: answers.append(list(other.emit(event))))
    bus.emit(LOAD)
    assert [[Delivery("p.h", Outcome.DELIVERED)]] == answers


def test_threads_do_not_wait_for_one_another():
    """Two threads that emit on one bus are two emissions, not one nested in the other."""
    bus, seen = HookBus(), []
    inside, go_on = threading.Event(), threading.Event()

    def block(event):
        inside.set()
        assert go_on.wait(10)

    add(bus, "block", block, filters=wants("run.*"))
    add(bus, "load", seen.append, filters=wants("ingestion.*"))
    thread = threading.Thread(target=bus.emit, args=(RUN,))
    thread.start()
    assert inside.wait(10)
    assert [Delivery("p.load", Outcome.DELIVERED)] == bus.emit(LOAD)
    go_on.set()
    thread.join(10)
    assert [LOAD] == seen


def test_many_threads():
    """Nothing is lost, and nothing comes twice, when many emit at once and handlers emit too."""
    bus, seen = HookBus(), []
    add(bus, "emits", lambda event: bus.emit(log("nested", event.value)), filters=HookFilter(when=is_outer))
    add(bus, "sees", lambda event: seen.append((event.name, event.value)))

    def work(number):
        for step in range(50):
            bus.emit(log("outer", [number, step]))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    expected = [(name, [n, step]) for name in ("nested", "outer") for n in range(8) for step in range(50)]
    assert expected == sorted(seen)


def is_outer(event):
    return event.name == "outer"


# --- handlers that await


def make_handlers(seen):
    async def coroutine(event):
        await asyncio.sleep(0)
        seen.append("coroutine")

    class Awaits:
        async def handle_event_async(self, event):
            await asyncio.sleep(0)
            seen.append("object that awaits")

    class Plain:
        def handle_event(self, event):
            seen.append("object")

    return [coroutine, Awaits(), Plain(), lambda event: seen.append("function")]


STYLES = ["coroutine", "object that awaits", "object", "function"]


def test_emit_calls_every_style():
    """A script without a loop."""
    bus, seen = HookBus(), []
    for number, handler in enumerate(make_handlers(seen)):
        add(bus, f"h{number}", handler)
    assert [Outcome.DELIVERED] * 4 == [delivery.outcome for delivery in bus.emit(RUN)]
    assert STYLES == seen


def test_emit_calls_every_style_under_a_running_loop():
    """A notebook, or a server: its loop runs already."""
    bus, seen = HookBus(), []
    for number, handler in enumerate(make_handlers(seen)):
        add(bus, f"h{number}", handler)

    async def main():
        return bus.emit(RUN)

    assert [Outcome.DELIVERED] * 4 == [delivery.outcome for delivery in asyncio.run(main())]
    assert STYLES == seen


def test_emit_async_calls_every_style():
    """In the loop that runs, without a thread."""
    bus, seen, threads = HookBus(), [], set()
    for number, handler in enumerate(make_handlers(seen)):
        add(bus, f"h{number}", handler)
    add(bus, "where", lambda event: threads.add(threading.get_ident()))
    assert [Outcome.DELIVERED] * 5 == [delivery.outcome for delivery in asyncio.run(bus.emit_async(RUN))]
    assert STYLES == seen
    assert {threading.get_ident()} == threads


def test_concurrent_tasks_are_emissions_of_their_own():
    """Two requests of one server: each gets its own answer, whoever waits meanwhile."""
    bus = HookBus()

    async def slow(event):
        await asyncio.sleep(0.01 if event.name == "slow" else 0)
        if event.value is None:
            bus.emit(log(event.name, "nested"))

    add(bus, "h", slow)

    async def main():
        return await asyncio.gather(*(bus.emit_async(log(name)) for name in ("slow", "fast", "slow", "fast")))

    assert [[Delivery("p.h", Outcome.DELIVERED)]] * 4 == asyncio.run(main())


def test_a_sync_emit_beside_a_waiting_task():
    """While one task awaits its hooks, another one's `emit` is done at once."""
    bus, seen = HookBus(), []

    async def waits(event):
        await asyncio.sleep(0.05)

    add(bus, "waits", waits, filters=wants("run.*"))
    add(bus, "load", seen.append, filters=wants("ingestion.*"))

    async def main():
        task = asyncio.create_task(bus.emit_async(RUN))
        await asyncio.sleep(0.01)
        deliveries = bus.emit(LOAD)
        assert not task.done()
        await task
        return deliveries

    assert [Delivery("p.load", Outcome.DELIVERED)] == asyncio.run(main())
    assert [LOAD] == seen


def test_nested_emit_from_a_helper_thread():
    """A handler that awaits under a running loop runs in a thread: what it emits there is nested as well."""
    bus, order = HookBus(), []

    async def emits(event):
        order.append("emits")
        bus.emit(log("nested"))
        await asyncio.to_thread(bus.emit, log("nested"))

    add(bus, "a", emits, filters=wants("run.*"))
    add(bus, "b", lambda event: order.append("other"), filters=wants("run.*"))
    add(bus, "c", lambda event: order.append("nested"), filters=wants("telemetry.*"))

    async def main():
        return bus.emit(RUN)

    assert 2 == len(asyncio.run(main()))
    assert ["emits", "other", "nested", "nested"] == order


def test_a_task_that_outlives_its_emission_loses_nothing():
    """A handler starts a task and returns; the task emits when the emission it came from is long over."""
    bus, seen, tasks = HookBus(), [], []

    async def later():
        await asyncio.sleep(0.01)
        return await bus.emit_async(log("late, async")), bus.emit(log("late, sync"))

    async def starts(event):
        tasks.append(asyncio.create_task(later()))

    add(bus, "starts", starts, filters=wants("run.*"))
    add(bus, "sees", lambda event: seen.append(event.name), filters=wants("telemetry.*"))

    async def main():
        await bus.emit_async(RUN)
        return await tasks[0]

    sent = [Delivery("p.sees", Outcome.DELIVERED)]
    assert (sent, sent) == asyncio.run(main())
    assert ["late, async", "late, sync"] == seen


def test_a_thread_that_emits_just_when_the_emission_ends():
    """Between the last look for nested events and the end there is a gap: what falls into it is not lost."""
    bus, seen, threads = HookBus(), [], []
    add(bus, "sees", lambda event: seen.append(event.value), filters=wants("telemetry.*"))

    def emit_some(number):
        for step in range(20):
            bus.emit(log("from a thread", number * 20 + step))

    async def starts(event):
        thread = threading.Thread(target=copy_context().run, args=(emit_some, len(threads)))
        threads.append(thread)
        thread.start()

    add(bus, "starts", starts, filters=wants("run.*"))

    async def main():
        for _ in range(50):
            await bus.emit_async(RUN)

    asyncio.run(main())
    for thread in threads:
        thread.join(30)
    assert list(range(50 * 20)) == sorted(seen)


# --- with an outbox


def test_an_outbox_keeps_queued_hooks_back():
    """They are the relay's; inline ones are called, and what became of them is recorded."""
    outbox, seen = MemoryOutbox(), []
    bus = HookBus(outbox=outbox)
    add(bus, "inline", seen.append, delivery="inline")
    add(bus, "queued", fails)
    assert [Delivery("p.inline", Outcome.DELIVERED), Delivery("p.queued", Outcome.QUEUED)] == bus.emit(RUN)
    assert [RUN] == seen
    assert [("run.success", "p.inline", Outcome.DELIVERED)] == outbox.settled
    assert [(RUN, "p.queued")] == [(event, hook.qualified_name) for event, hook in outbox.queue]


def test_an_event_is_recorded_also_when_nobody_wants_it():
    """Hooks that come later, and whoever looks, find it."""
    outbox = MemoryOutbox()
    assert [] == HookBus(outbox=outbox).emit(RUN)
    assert {RUN.event_id: RUN} == outbox.events


@pytest.mark.parametrize("emit", ["emit", "emit_async", "emit_all"])
def test_seen_twice_delivered_once(emit):
    """The decorator, the step hook and the tail may all see one thing."""
    seen = []
    bus = HookBus(outbox=MemoryOutbox())
    add(bus, "inline", seen.append, delivery="inline")

    def again():
        if emit == "emit":
            return bus.emit(RUN)
        return asyncio.run(bus.emit_async(RUN)) if emit == "emit_async" else bus.emit_all([RUN])[0]

    assert [Delivery("p.inline", Outcome.DELIVERED)] == again()
    assert [Delivery("p.inline", Outcome.DUPLICATE)] == again()
    assert [RUN] == seen


def test_nested_events_are_recorded_too():
    """In their turn, with what became of them."""
    outbox = MemoryOutbox()
    bus = HookBus(outbox=outbox)
    nested = []
    add(bus, "a", lambda event: nested.append(bus.emit(LOAD)), delivery="inline", filters=wants("run.*"))
    add(bus, "b", fails, filters=wants("ingestion.*"))
    bus.emit(RUN)
    assert [[Delivery("p.b", Outcome.QUEUED)]] == nested
    assert [RUN.event_id, LOAD.event_id] == list(outbox.events)


def test_a_store_that_refuses():
    """Its error reaches whoever emitted, nobody was called, and the bus goes on when it is back."""
    outbox, seen = MemoryOutbox(), []
    bus = HookBus(outbox=outbox)
    add(bus, "inline", seen.append, delivery="inline")
    outbox.broken = RuntimeError("disk full")
    with pytest.raises(RuntimeError, match="disk full"):
        bus.emit(RUN)
    assert [] == seen
    outbox.broken = None
    assert [Delivery("p.inline", Outcome.DELIVERED)] == bus.emit(RUN)


@pytest.mark.parametrize("outbox", [None, MemoryOutbox()], ids=["no outbox", "outbox"])
def test_emit_all(outbox, caplog):
    """A batch: all are delivered in order, and what a hook raises is logged; no delivery is left out."""
    bus, seen = HookBus(outbox=outbox), []
    add(bus, "bad", fails, failure_policy="raise", filters=wants("run.*"))
    add(bus, "good", seen.append, delivery="inline")
    with caplog.at_level(logging.ERROR):
        run, load = bus.emit_all([RUN, LOAD])
    assert [("p.bad", Outcome.RAISED), ("p.good", Outcome.DELIVERED)] == [delivery[:2] for delivery in run]
    assert [Delivery("p.good", Outcome.DELIVERED)] == load
    assert [RUN, LOAD] == seen
    assert "raised where nothing can be aborted any more: boom on run.success" in caplog.text


def test_emit_all_is_recorded_together():
    """One transaction for a step's events: all or none."""
    outbox, seen = MemoryOutbox(), []
    bus = HookBus(outbox=outbox)
    add(bus, "inline", seen.append, delivery="inline")
    outbox.broken = RuntimeError("down")
    with pytest.raises(RuntimeError, match="down"):
        bus.emit_all([RUN, LOAD])
    assert ({}, []) == (outbox.events, seen)


def test_emit_all_from_a_handler():
    """It is done at once, and the emission that it came from goes on as before."""
    bus, order = HookBus(), []

    def emits(event):
        order.append("emits")
        bus.emit(log("nested"))
        bus.emit_all([LOAD])

    add(bus, "a", emits, filters=wants("run.*"))
    add(bus, "b", lambda event: order.append(event.event_type))
    bus.emit(RUN)
    assert ["emits", "ingestion.end", "run.success", "telemetry.log"] == order


def test_gate_asks_those_that_may_abort_and_records_nothing():
    """Before a step's work: whoever raises keeps it from starting."""
    outbox, asked, others = MemoryOutbox(), [], []
    bus = HookBus(outbox=outbox)
    add(bus, "guard", asked.append, failure_policy="raise")
    add(bus, "other", others.append, delivery="inline")
    assert ("p.guard",) == bus.gate(RUN)
    assert ([RUN], [], {}, []) == (asked, others, outbox.events, outbox.settled)


def test_gate_raises():
    """The first exception; every guard was asked."""
    bus, asked = HookBus(), []
    add(bus, "a", fails, failure_policy="raise")
    add(bus, "b", asked.append, failure_policy="raise")
    with pytest.raises(ValueError, match="boom"):
        bus.gate(RUN)
    assert [RUN] == asked


def test_who_passed_its_gate_is_not_called_again():
    """The event is recorded later: the guard has had its turn, which is recorded with it."""
    outbox, asked, others = MemoryOutbox(), [], []
    bus = HookBus(outbox=outbox)
    add(bus, "guard", asked.append, failure_policy="raise")
    add(bus, "other", others.append, delivery="inline")
    passed = {passage(RUN, name) for name in bus.gate(RUN)}
    (deliveries,) = bus.emit_all([RUN], passed=passed)
    assert ([RUN], [RUN]) == (asked, others)
    assert [("p.guard", Outcome.DELIVERED), ("p.other", Outcome.DELIVERED)] == [d[:2] for d in deliveries]
    assert {("run.success", "p.guard"), ("run.success", "p.other")} == {row[:2] for row in outbox.settled}


def test_an_outcome_that_changed_is_another_passage():
    """A step that passed its gate as a success and then failed is a failure, which the guard has not seen."""
    bus, asked = HookBus(), []
    add(bus, "guard", asked.append, failure_policy="raise")
    passed = {passage(LOAD, name) for name in bus.gate(LOAD)}
    failed = LOAD.model_copy(update={"status": "failure"})
    bus.emit_all([failed], passed=passed)
    assert [LOAD, failed] == asked


def test_many_hooks_that_do_not_match_cost_nothing():
    """Matching is indexed by event type: a thousand other hooks make `emit` no slower."""

    def seconds(others):
        bus = HookBus()
        add(bus, "h", lambda event: None, filters=wants("run.success"))
        for number in range(others):
            add(bus, f"other_{number}", fails, filters=wants("ingestion.*"))
        bus.emit(RUN)
        return min(_timed(bus) for _ in range(7))

    # Both take about a millisecond; looking at each hook would take a thousand times as long.
    assert seconds(1_000) < 20 * seconds(0)


def _timed(bus):
    start = time.perf_counter()
    for _ in range(1_000):
        bus.emit(RUN)
    return time.perf_counter() - start
