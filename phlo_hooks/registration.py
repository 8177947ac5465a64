"""What a hook is: a handler with a name, a priority, a filter, a failure policy and a delivery mode.

Names and defaults are those of Phlo's ADR 0033; `delivery` and the wider filters are ours, all optional.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Protocol, TypeVar, cast, runtime_checkable

from phlo_hooks.asyncbridge import run_coroutine
from phlo_hooks.circuit import CircuitBreaker
from phlo_hooks.errors import RegistrationError
from phlo_hooks.events import HookEvent
from phlo_hooks.filters import HookFilter
from phlo_hooks.outcome import Delivery, Outcome
from phlo_hooks.retry import RetryPolicy, seconds

_NAME = re.compile(r"[\w\-/:]+")


class FailurePolicy(str, Enum):
    """What a handler's exception means.

    IGNORE: nothing; it is recorded and not tried again. LOG: it is logged, and tried again where there
    is a store. RAISE: it is raised to whoever emitted the event, after every other hook had its turn.
    """

    IGNORE = "ignore"
    LOG = "log"
    RAISE = "raise"


class DeliveryMode(str, Enum):
    """INLINE: called in the process that emits. QUEUED: called by a relay, where there is a store."""

    INLINE = "inline"
    QUEUED = "queued"


class Ordering(str, Enum):
    """Which events of a hook keep their order: those of one ASSET, or those of one RUN."""

    ASSET = "asset"
    RUN = "run"


@runtime_checkable
class HookHandler(Protocol):
    """An object that handles events."""

    def handle_event(self, event: HookEvent) -> None:
        """Handle `event`; an exception means that it was not handled."""


@runtime_checkable
class AsyncHookHandler(Protocol):
    """An object that handles events and awaits while it does."""

    async def handle_event_async(self, event: HookEvent) -> None:
        """Handle `event`; an exception means that it was not handled."""


Handler = Callable[[Any], object] | HookHandler | AsyncHookHandler  # Any: a handler may want one class
_E = TypeVar("_E", bound=Enum)


@dataclass(frozen=True)
class HookRegistration:
    """A hook as its author declares it.

    Args:
        hook_name: unique within its plugin; letters, digits, `_ - / :`.
        handler: a function of one event, or an object with `handle_event` or `handle_event_async`.
        priority: hooks of one event are called from the lowest to the highest.
        filters: which events it wants; all of them without.
        failure_policy: what an exception means.
        delivery: where it is called. Left out: inline for a policy of RAISE, which can only abort what is
            still running, else queued, so that a slow receiver never holds up a run.
        retry: when a failed delivery is tried again.
        circuit: when a hook that keeps failing is left alone; None for never.
        timeout: seconds (or `timedelta`) that one call may take; after that it is a failure, and any relay
            may call the hook again.
        batch_size: the handler takes a list of at most so many events; left out, it takes one event. What
            failed in a batch is tried again alone, so that one bad event spoils no others.
        batch_wait: seconds (or `timedelta`) for which fewer events wait for the batch to fill.
        ordering: `asset` or `run`: of those with the same asset key or run, none is delivered before
            an earlier one is delivered or dead.
        not_before: gives the aware time before which an event is not to be delivered; None for at once.

    Raises:
        RegistrationError: a value that cannot work, named with what to do about it.
    """

    hook_name: str
    handler: Handler
    priority: int = 100
    filters: HookFilter | None = None
    failure_policy: FailurePolicy = FailurePolicy.LOG
    delivery: DeliveryMode | None = field(default=None, kw_only=True)
    retry: RetryPolicy = field(default=RetryPolicy(), kw_only=True)
    circuit: CircuitBreaker | None = field(default=CircuitBreaker(), kw_only=True)
    timeout: float | timedelta = field(default=60.0, kw_only=True)
    batch_size: int | None = field(default=None, kw_only=True)
    batch_wait: float | timedelta = field(default=0.0, kw_only=True)
    ordering: Ordering | None = field(default=None, kw_only=True)
    not_before: Callable[[Any], datetime | None] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        self._check_name()
        self._check_handler()
        if not isinstance(self.priority, int):
            raise RegistrationError(
                f"hook {self.hook_name!r}: priority {self.priority!r} is not a whole number"
            )
        policy = self._as(FailurePolicy, "failure_policy", self.failure_policy)
        object.__setattr__(self, "failure_policy", policy)
        if self.filters is not None and not isinstance(self.filters, HookFilter):
            raise RegistrationError(
                f"hook {self.hook_name!r}: filters is a {type(self.filters).__name__}, not a HookFilter"
            )
        object.__setattr__(self, "delivery", self._delivery())
        self._check_queue()

    def _check_queue(self) -> None:
        """What only a relay can do, and the numbers it does it with."""
        for name, kind in (("retry", RetryPolicy), ("circuit", CircuitBreaker)):
            value = getattr(self, name)
            if not isinstance(value, kind) and not (name == "circuit" and value is None):
                raise RegistrationError(f"hook {self.hook_name!r}: {name} {value!r} is not a {kind.__name__}")
        if self.ordering is not None:
            object.__setattr__(self, "ordering", self._as(Ordering, "ordering", self.ordering))
        self._check_number("timeout", self.timeout, lowest=0.001)
        self._check_number("batch_wait", self.batch_wait)
        if self.batch_size is not None and not (isinstance(self.batch_size, int) and self.batch_size >= 1):
            raise RegistrationError(
                f"hook {self.hook_name!r}: batch_size {self.batch_size!r} is not a whole number from 1 up"
            )
        if seconds(self.batch_wait) and self.batch_size is None:
            raise RegistrationError(f"hook {self.hook_name!r}: batch_wait needs a batch_size")
        wants_queue = (self.batch_size, self.ordering, self.not_before) != (None, None, None)
        if self.delivery is DeliveryMode.INLINE and wants_queue:
            raise RegistrationError(
                f"hook {self.hook_name!r}: an inline hook is called with each event as it happens; "
                "batch_size, ordering and not_before need delivery='queued'"
            )

    def _check_number(self, name: str, value: Any, lowest: float = 0.0) -> None:
        number = seconds(value) if isinstance(value, (int, float, timedelta)) else math.nan
        if not lowest <= number < math.inf:
            raise RegistrationError(f"hook {self.hook_name!r}: {name} {value!r}: use seconds, above 0")

    def _check_name(self) -> None:
        if not isinstance(self.hook_name, str) or not _NAME.fullmatch(self.hook_name):
            raise RegistrationError(
                f"hook_name {self.hook_name!r} is not a name: use letters, digits, '_', '-', '/' or ':'"
            )

    def _check_handler(self) -> None:
        if isinstance(self.handler, type):
            raise RegistrationError(
                f"hook {self.hook_name!r}: handler is the class {self.handler.__name__}; "
                "have you forgotten the `()`?"
            )
        if not (callable(self.handler) or isinstance(self.handler, (HookHandler, AsyncHookHandler))):
            raise RegistrationError(
                f"hook {self.hook_name!r}: handler {self.handler!r} is not callable and has neither "
                "`handle_event` nor `handle_event_async`"
            )

    def _delivery(self) -> DeliveryMode:
        raises = self.failure_policy is FailurePolicy.RAISE
        if self.delivery is None:
            return DeliveryMode.INLINE if raises else DeliveryMode.QUEUED
        mode = self._as(DeliveryMode, "delivery", self.delivery)
        if raises and mode is DeliveryMode.QUEUED:
            raise RegistrationError(
                f"hook {self.hook_name!r}: a queued hook is called after the step and cannot abort it; "
                "use delivery='inline' or failure_policy='log'"
            )
        return mode

    def _as(self, enum: type[_E], name: str, value: Any) -> _E:
        try:
            return enum(value)
        except ValueError:
            known = ", ".join(repr(member.value) for member in enum)
            raise RegistrationError(
                f"hook {self.hook_name!r}: {name} {value!r} is unknown; use one of {known}"
            ) from None


@runtime_checkable
class HookProvider(Protocol):
    """Anything that provides hooks: a plugin, a Dagster resource, a plain object."""

    def get_hooks(self) -> Iterable[HookRegistration]:
        """The hooks, each with a name of its own. Called when definitions load: no I/O here."""


@dataclass(frozen=True, eq=False)
class RegisteredHook:
    """A registration that belongs to a plugin and is on a bus."""

    plugin_name: str
    registration: HookRegistration
    # Read for every event, so worked out once; success carries no detail, so one record serves for all.
    qualified_name: str = field(init=False)
    call: Callable[[HookEvent], object] = field(init=False, repr=False)
    delivered: Delivery = field(init=False, repr=False)
    _handle: Callable[[Any], object] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        qualified_name = f"{self.plugin_name}.{self.registration.hook_name}"
        object.__setattr__(self, "qualified_name", qualified_name)
        handle = _call_of(self.registration.handler)
        one = self.registration.batch_size is None
        object.__setattr__(self, "_handle", handle)
        object.__setattr__(self, "call", handle if one else lambda event: handle([event]))
        object.__setattr__(self, "delivered", Delivery(qualified_name, Outcome.DELIVERED))

    @property
    def sort_key(self) -> tuple[int, str, str]:
        """Hooks of one event are called in this order."""
        return (self.registration.priority, self.plugin_name, self.registration.hook_name)

    @property
    def filters(self) -> HookFilter | None:
        """Which events it wants; None for all."""
        return self.registration.filters

    @property
    def failure_policy(self) -> FailurePolicy:
        """What an exception of its handler means."""
        return self.registration.failure_policy

    @property
    def queued(self) -> bool:
        """Whether a relay calls it, where there is a store."""
        return self.registration.delivery is DeliveryMode.QUEUED

    def deliver(self, *events: HookEvent) -> None:
        """Call the handler, whatever its style, and wait for it; several events, if it takes a list."""
        one = self.registration.batch_size is None
        result = self._handle(events[0] if one else list(events))
        if result is not None:
            wait_for(result)

    def lane(self, event: HookEvent) -> str | None:
        """What an event keeps its order with; None where the hook asks for none."""
        ordering = self.registration.ordering
        if ordering is None:
            return None
        where = event.correlation
        key = where.asset_key if ordering is Ordering.ASSET else where.run_id
        # One that belongs to no asset, or run, is alone in its lane.
        return key or event.event_id

    def due(self, event: HookEvent) -> datetime | None:
        """The time before which it is not to be delivered; None for at once."""
        not_before = self.registration.not_before
        return not_before(event) if not_before else None


def wait_for(result: object) -> None:
    """Run to its end what a handler that awaits has returned; any other result means nothing."""
    if inspect.iscoroutine(result):
        run_coroutine(result)


def _call_of(handler: Any) -> Callable[[Any], object]:
    """The handler as a function; what it returns may be a coroutine, which no signature tells for sure."""
    for method in ("handle_event_async", "handle_event"):
        if hasattr(handler, method):
            return cast(Callable[[Any], object], getattr(handler, method))
    return cast(Callable[[Any], object], handler)
