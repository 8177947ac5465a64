"""HookBus: matches an event to the hooks that want it, and has them called."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Container, Iterable, Sequence
from contextvars import ContextVar
from typing import NamedTuple, Protocol

from phlo_hooks.dispatch import Delivery, Outcome, delivered, dispatch, dispatch_async
from phlo_hooks.errors import DuplicateHookError, EmissionDepthError
from phlo_hooks.events import HookEvent, HookStatusEvent
from phlo_hooks.filters import Predicate
from phlo_hooks.registration import (
    FailurePolicy,
    HookProvider,
    HookRegistration,
    RegisteredHook,
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

    def accept(
        self, batch: Sequence[tuple[HookEvent, Sequence[RegisteredHook]]]
    ) -> Sequence[Accepted]:
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
    """The emission that is under way in this context, and those that its handlers asked for."""

    __slots__ = ("bus", "depth", "waiting")

    def __init__(self, bus: HookBus) -> None:
        self.bus = bus
        self.depth = 0
        self.waiting: deque[_Emission] | None = None


_running: ContextVar[_Running | None] = ContextVar("phlo_hooks_running", default=None)


class _Plan(NamedTuple):
    """The hooks that want one event type, and what each asks of the event; no tests where none asks."""

    hooks: tuple[RegisteredHook, ...]
    tests: tuple[Predicate | None, ...] | None


class HookBus:
    """Dispatches events to registered hooks.

    Args:
        outbox: records events and takes over queued hooks; without one, every hook is called at once.
        max_depth: how many generations of events that handlers emit are dispatched.
    """

    def __init__(self, *, outbox: Outbox | None = None, max_depth: int = MAX_DEPTH) -> None:
        self._outbox = outbox
        self._max_depth = max_depth
        self._hooks: dict[str, RegisteredHook] = {}
        self._plans: dict[str, _Plan] = {}

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
        plan = self._plans.get(event.event_type)
        if plan is None:
            plan = self._plan(event.event_type)
        if not plan.hooks and self._outbox is None:
            return []
        running = _running.get()
        if running is not None and running.bus is self:
            return self._defer(event, running)
        return self._dispatch(event, self._accept(event, plan))

    def emit_all(
        self, events: Sequence[HookEvent], *, passed: Container[Passage] = ()
    ) -> list[Sequence[Delivery]]:
        """As `emit` for each of `events`, recorded together; what a hook raises is logged, not raised.

        Args:
            events: in the order in which they happened.
            passed: for which events and hooks `gate` has called the hook already; see `passage`.
        """
        if self._outbox is None:
            return [self._dispatch_logged(event, Accepted(self.match(event), []), passed) for event in events]
        accepted = self._outbox.accept([(event, self.match(event)) for event in events])
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
        for _, _, error in dispatch(event, hooks):
            if error is not None:
                raise error
        return tuple(hook.qualified_name for hook in hooks)

    async def emit_async(self, event: HookEvent) -> Sequence[Delivery]:
        """As `emit`, awaiting the handlers that are coroutines."""
        running = _running.get()
        if running is not None and running.bus is self:
            return self._defer(event, running)
        running = _Running(self)
        token = _running.set(running)
        raised: list[Exception] = []
        first = _Emission(event, 0, [])
        waiting = running.waiting = deque((first,))
        try:
            while waiting:
                emission = waiting.popleft()
                running.depth = emission.depth
                call, others = self._accept(emission.event, self._plan(emission.event.event_type))
                done = await dispatch_async(emission.event, call)
                raised += self._settle(emission.event, done)
                emission.deliveries.extend((*done, *others))
        finally:
            _running.reset(token)
        if raised:
            raise raised[0]
        return first.deliveries

    def _defer(self, event: HookEvent, running: _Running) -> list[Delivery]:
        depth = running.depth + 1
        if depth > self._max_depth:
            raise EmissionDepthError(
                f"{event.event_type!r} was emitted {depth} handlers deep: a hook's handler emits an event "
                "that leads back to it; filter it, or raise max_depth"
            )
        emission = _Emission(event, depth, [])
        if running.waiting is None:
            running.waiting = deque()
        running.waiting.append(emission)
        return emission.deliveries

    def _drain(self, running: _Running, waiting: deque[_Emission]) -> list[Exception]:
        raised: list[Exception] = []
        while waiting:
            emission = waiting.popleft()
            running.depth = emission.depth
            call, others = self._accept(emission.event, self._plan(emission.event.event_type))
            done = dispatch(emission.event, call)
            raised += self._settle(emission.event, done)
            emission.deliveries.extend((*done, *others))
        return raised

    def _accept(self, event: HookEvent, plan: _Plan) -> Accepted:
        hooks = plan.hooks if plan.tests is None else self.match(event)
        if self._outbox is None:
            return Accepted(hooks, [])
        return self._outbox.accept([(event, hooks)])[0]

    def _dispatch(self, event: HookEvent, accepted: Accepted) -> list[Delivery]:
        running = _Running(self)
        token = _running.set(running)
        try:
            deliveries = dispatch(event, accepted.call)
            raised = self._settle(event, deliveries)
            if running.waiting:
                raised += self._drain(running, running.waiting)
        finally:
            _running.reset(token)
        if raised:
            raise raised[0]
        return deliveries + accepted.others if accepted.others else deliveries

    def _dispatch_logged(
        self, event: HookEvent, accepted: Accepted, passed: Container[Passage]
    ) -> list[Delivery]:
        names = [hook.qualified_name for hook in accepted.call]
        asked = [name for name in names if passage(event, name) in passed]
        done = [delivered(name) for name in asked]
        if done:
            self._settle(event, done)
        rest = [hook for hook in accepted.call if hook.qualified_name not in asked]
        try:
            return done + self._dispatch(event, Accepted(rest, accepted.others))
        except Exception:
            logger.exception("a hook on %s raised where nothing can be aborted any more", event.event_type)
            return done + accepted.others

    def _settle(self, event: HookEvent, done: list[Delivery]) -> list[Exception]:
        if self._outbox is not None and done:
            self._outbox.settle(event, done)
        failures = [delivery for delivery in done if delivery[2] is not None]
        return _report(event, failures) if failures else []

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


def _report(event: HookEvent, failures: Iterable[Delivery]) -> list[Exception]:
    raised = []
    for hook, outcome, error in failures:
        if outcome is Outcome.FAILED:
            logger.error("hook %s failed on %s: %s", hook, event.event_type, error, exc_info=error)
        if outcome is Outcome.RAISED and error is not None:
            raised.append(error)
    return raised


def _name_of(provider: object) -> str:
    """A provider's own name; else its class's, so that a nameless one still has an order and a row."""
    name = getattr(getattr(provider, "metadata", None), "name", None)
    return name if isinstance(name, str) and name else type(provider).__name__
