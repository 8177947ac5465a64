"""HookBus: matches an event to the hooks that want it, and has them called."""

from __future__ import annotations

import logging
import threading
import traceback
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import suppress
from contextvars import ContextVar, Token
from typing import NamedTuple, Protocol

from phlo_hooks.dispatch import Delivery, Outcome, dispatch, dispatch_async, failed
from phlo_hooks.errors import DuplicateHookError, EmissionDepthError
from phlo_hooks.events import HookEvent, HookStatusEvent
from phlo_hooks.filters import Predicate
from phlo_hooks.redaction import redact_text
from phlo_hooks.registration import (
    FailurePolicy,
    HookProvider,
    HookRegistration,
    RegisteredHook,
    wait_for,
)

logger = logging.getLogger("phlo_hooks.bus")

# Deep enough for ingestion -> lineage -> catalogue -> telemetry chains, shallow enough to end a loop at once.
MAX_DEPTH = 8


class Accepted(NamedTuple):
    """What an outbox leaves to do for one event, once it is recorded."""

    call: Sequence[RegisteredHook]
    others: list[Delivery]


class Outbox(Protocol):
    """Where a bus with a store leaves its events; `phlo_hooks.delivery.recorder` has the one there is."""

    def accept(self, batch: Sequence[tuple[HookEvent, Sequence[RegisteredHook]]]) -> Sequence[Accepted]:
        """Record events, all or none; say which hooks are to be called here and now."""

    def settle(self, event: HookEvent, deliveries: Sequence[Delivery]) -> None:
        """Record what became of the hooks that were called here."""


Passage = tuple[str, "str | None", str]


def passage(event: HookEvent, hook: str) -> Passage:
    """What tells that `hook` saw `event` at its gate: a step that fails later ends under the same id."""
    return (event.event_id, getattr(event, "status", None), hook)


class _Emission(NamedTuple):
    """What a nested `emit` leaves for the outer one to do."""

    event: HookEvent
    depth: int
    deliveries: list[Delivery]


class _Running:
    """One emission at a time, and those that its handlers asked for while it is busy."""

    __slots__ = ("busy", "depth", "fail", "log", "raised", "wait", "waiting")

    def __init__(self, bus: HookBus, *, busy: bool = False) -> None:
        self.busy = busy
        self.depth = 0
        # Bound here, once, and not for every event.
        self.fail = self._fail
        self.wait = bus._wait  # noqa: SLF001  # a part of the bus
        self.log = bus._log  # noqa: SLF001  # as above
        self.raised: list[Exception] = []
        self.waiting: deque[_Emission] = deque()

    def take(self) -> Iterator[_Emission]:
        """Each waiting emission, those that are added meanwhile too, with `depth` as it says."""
        # Not `while waiting: popleft()`: another thread may have taken the last one in between.
        with suppress(IndexError):
            while True:
                emission = self.waiting.popleft()
                self.depth = emission.depth
                yield emission
        self.depth = 0

    def _fail(self, event: HookEvent, hook: RegisteredHook, error: Exception) -> Delivery:
        delivery = failed(event, hook, error)
        if delivery.outcome is Outcome.RAISED:
            self.raised.append(error)
        if delivery.outcome is Outcome.FAILED:
            self.log(f"hook {delivery.hook} failed on {event.event_type}", error)
        return delivery

    def forget(self) -> list[Exception]:
        """What hooks raised, and nothing is left for the next emission."""
        self.waiting.clear()
        raised, self.raised = self.raised, []
        return raised


class _Thread(threading.local):
    """What `emit` does in each thread: it blocks it, so whatever is emitted there meanwhile is nested."""

    def __init__(self, bus: HookBus) -> None:
        self.running = _Running(bus)


# Handlers that await share their thread with other tasks, and may emit from a thread of their own.
_awaited: ContextVar[_Running | None] = ContextVar("phlo_hooks_awaited", default=None)


class _Plan(NamedTuple):
    """The hooks that want one event type, and what each asks of the event; no tests where none asks."""

    hooks: tuple[RegisteredHook, ...]
    tests: tuple[Predicate | None, ...] | None


class HookBus:
    """Dispatches events to registered hooks.

    Args:
        outbox: records events and takes over queued hooks; without one, every hook is called at once.
        redact: removes secrets from what is logged of a handler's exception; passwords in URLs by default.
        max_depth: how many generations of events that handlers emit are dispatched.
    """

    def __init__(
        self,
        *,
        outbox: Outbox | None = None,
        max_depth: int = MAX_DEPTH,
        redact: Callable[[str], str] = redact_text,
    ) -> None:
        self._outbox = outbox
        self._redact = redact
        self._max_depth = max_depth
        self._hooks: dict[str, RegisteredHook] = {}
        self._plans: dict[str, _Plan] = {}
        self._thread = _Thread(self)
        self._awaiting: list[_Running] = []

    @property
    def hooks(self) -> tuple[RegisteredHook, ...]:
        """Every registered hook, in calling order."""
        return tuple(sorted(self._hooks.values(), key=lambda hook: hook.sort_key))

    def register(self, registration: HookRegistration, *, plugin_name: str) -> RegisteredHook:
        """Register one hook.

        Raises:
            DuplicateHookError: the plugin has a hook of this name already.
        """
        hook = RegisteredHook(plugin_name, registration)
        if hook.qualified_name in self._hooks:
            raise DuplicateHookError(
                f"plugin {plugin_name!r} already has a hook {registration.hook_name!r}: "
                "give one of them another hook_name"
            )
        self._hooks[hook.qualified_name] = hook
        self._plans = {}
        return hook

    def register_provider(self, provider: HookProvider, *, plugin_name: str | None = None) -> None:
        """Register every hook of `provider`, under `plugin_name` or the name in its metadata."""
        name = plugin_name or _name_of(provider)
        for registration in provider.get_hooks():
            self.register(registration, plugin_name=name)

    def clear(self) -> None:
        """Forget all hooks."""
        self._hooks = {}
        self._plans = {}

    def match(self, event: HookEvent) -> list[RegisteredHook]:
        """The hooks that want `event`, in calling order."""
        hooks, tests = self._plan(event.event_type)
        if tests is None:
            return list(hooks)
        return [hook for hook, test in zip(hooks, tests, strict=True) if _passes(test, event, hook)]

    def emit(self, event: HookEvent) -> Sequence[Delivery]:
        """Deliver `event` to every hook that wants it.

        Hooks are called by `(priority, plugin_name, hook_name)`. An exception of one never keeps the
        event from the next; what it means is the hook's `failure_policy`: it is ignored, logged (and
        tried again where there is a store), or raised from here once every hook had its turn.

        An event emitted from within a handler waits until the current one is through; the list that
        the inner call returned is filled then.

        Returns:
            One `Delivery` for each matching hook.

        Raises:
            Exception: what the first hook with `failure_policy="raise"` raised.
            EmissionDepthError: handlers emit in a circle.
        """
        # This is the hot path: an event nobody wants must cost next to nothing.
        hooks, tests = self._plans.get(event.event_type) or self._plan(event.event_type)
        outbox = self._outbox
        if not hooks and outbox is None:
            return []
        running = self._running() if self._awaiting else self._thread.running
        if running.busy:
            return self._defer(event, running)
        call: Sequence[RegisteredHook] = hooks if tests is None else self.match(event)
        others: Sequence[Delivery] = ()
        if outbox is not None:
            call, others = outbox.accept([(event, call)])[0]
        running.busy = True
        try:
            deliveries = dispatch(event, call, running.wait, running.fail)
            if outbox is not None:
                self._settle(event, deliveries)
            if running.waiting:
                self._drain(running)
        except BaseException:
            # An interrupt, or a store that refuses: the next emission in this thread must not go on with it.
            running.forget()
            raise
        finally:
            running.busy = False
        if running.raised:
            raise running.forget()[0]
        return [*deliveries, *others] if others else deliveries

    def emit_all(
        self, events: Sequence[HookEvent], *, passed: Container[Passage] = ()
    ) -> list[Sequence[Delivery]]:
        """As `emit` for each of `events`, recorded together; what a hook raises is logged, not raised.

        Args:
            events: in the order in which they happened.
            passed: for which events and hooks `gate` has called the hook already; see `passage`.
        """
        batch = [(event, self.match(event)) for event in events]
        if self._outbox is None:
            accepted: Sequence[Accepted] = [Accepted(hooks, []) for _, hooks in batch]
        else:
            accepted = self._outbox.accept(batch)
        pairs = zip(events, accepted, strict=True)
        return [self._dispatch_logged(event, each, passed) for event, each in pairs]

    def gate(self, event: HookEvent) -> tuple[str, ...]:
        """Ask the hooks that may abort what is about to be recorded; record nothing yet.

        Returns:
            The names of the hooks that were asked.

        Raises:
            Exception: what the first of them raised.
        """
        hooks = [hook for hook in self.match(event) if hook.failure_policy is FailurePolicy.RAISE]
        for _, _, error in dispatch(event, hooks, self._wait):
            if error is not None:
                raise error
        return tuple(hook.qualified_name for hook in hooks)

    async def emit_async(self, event: HookEvent) -> Sequence[Delivery]:
        """As `emit`, awaiting the handlers that are coroutines."""
        outer = self._running()
        if outer.busy:
            return self._defer(event, outer)
        running = _Running(self, busy=True)
        token = self._enter(running)
        first = _Emission(event, 0, [])
        running.waiting.append(first)
        try:
            for emission in running.take():
                call, others = self._accept(emission.event)
                done = await dispatch_async(emission.event, call, running.fail)
                self._settle(emission.event, done)
                emission.deliveries.extend((*done, *others))
        finally:
            running.busy = False
            self._leave(running, token)
        # A thread may have asked for one more between the last look and the end.
        self._drain(running)
        if running.raised:
            raise running.raised[0]
        return first.deliveries

    def _running(self) -> _Running:
        """What is, or could be, under way where this is called."""
        running = _awaited.get()
        return running if running in self._awaiting else self._thread.running

    def _enter(self, running: _Running) -> Token[_Running | None]:
        self._awaiting.append(running)
        return _awaited.set(running)

    def _leave(self, running: _Running, token: Token[_Running | None]) -> None:
        _awaited.reset(token)
        self._awaiting.remove(running)

    def _defer(self, event: HookEvent, running: _Running) -> list[Delivery]:
        depth = running.depth + 1
        if depth > self._max_depth:
            raise EmissionDepthError(
                f"{event.event_type!r} was emitted {depth} handlers deep: a hook's handler emits an event "
                "that leads back to it; filter it, or raise max_depth"
            )
        emission = _Emission(event, depth, [])
        running.waiting.append(emission)
        if not running.busy:
            # It has ended meanwhile, in another thread, and may not look again.
            self._drain(running)
        return emission.deliveries

    def _drain(self, running: _Running) -> None:
        for emission in running.take():
            call, others = self._accept(emission.event)
            done = dispatch(emission.event, call, running.wait, running.fail)
            self._settle(emission.event, done)
            emission.deliveries.extend((*done, *others))

    def _accept(self, event: HookEvent) -> Accepted:
        hooks = self.match(event)
        return self._outbox.accept([(event, hooks)])[0] if self._outbox is not None else Accepted(hooks, [])

    def _dispatch_logged(
        self, event: HookEvent, accepted: Accepted, passed: Container[Passage]
    ) -> list[Delivery]:
        asked = [hook for hook in accepted.call if passage(event, hook.qualified_name) in passed]
        done = [hook.delivered for hook in asked]
        self._settle(event, done)
        rest = [hook for hook in accepted.call if hook not in asked]
        # At once, even when it is a handler that asks.
        outer, running = self._thread.running, _Running(self, busy=True)
        self._thread.running = running
        try:
            deliveries = dispatch(event, rest, running.wait, running.fail)
            self._settle(event, deliveries)
            self._drain(running)
        finally:
            self._thread.running = outer
        for error in running.raised:
            self._log(f"a hook on {event.event_type} raised where nothing can be aborted any more", error)
        return [*done, *deliveries, *accepted.others]

    def _log(self, what: str, error: Exception) -> None:
        # As text, not as exc_info: a traceback repeats the message, with whatever the handler put into it.
        stack = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        logger.error("%s: %s\n%s", what, self._redact(str(error)), self._redact(stack))

    def _wait(self, result: object) -> None:
        """Wait for a handler that awaits; what it emits, in whichever thread, belongs to this emission."""
        running = self._running()
        token = self._enter(running)
        try:
            wait_for(result)
        finally:
            self._leave(running, token)

    def _settle(self, event: HookEvent, done: Sequence[Delivery]) -> None:
        if self._outbox is not None and done:
            self._outbox.settle(event, done)

    def _plan(self, event_type: str) -> _Plan:
        plan = self._plans.get(event_type)
        if plan is None:
            plan = self._plans[event_type] = _make_plan(event_type, self.hooks)
        return plan


def _make_plan(event_type: str, hooks: Iterable[RegisteredHook]) -> _Plan:
    wanted = [hook for hook in hooks if not hook.filters or hook.filters.wants_type(event_type)]
    tests = [hook.filters.predicate() if hook.filters else None for hook in wanted]
    # A hook must not hear of its own health, which only the event itself can tell.
    bare = all(test is None for test in tests) and not event_type.startswith("hook.")
    return _Plan(tuple(wanted), None if bare else tuple(tests))


def _passes(test: Predicate | None, event: HookEvent, hook: RegisteredHook) -> bool:
    if isinstance(event, HookStatusEvent) and event.hook == hook.qualified_name:
        return False
    try:
        return test is None or bool(test(event))
    except Exception:
        logger.exception("hook %s: its filter raised on %s", hook.qualified_name, event.event_type)
        return False


def _name_of(provider: object) -> str:
    """A provider's own name; else its class's, so that a nameless one still has an order and a row."""
    name = getattr(getattr(provider, "metadata", None), "name", None)
    return name if isinstance(name, str) and name else type(provider).__name__
