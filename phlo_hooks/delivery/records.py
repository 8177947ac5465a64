"""What goes into the store and what comes out of it, as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, NamedTuple

from phlo_hooks.delivery.schema import NAME_LENGTH
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.events import HookEvent
from phlo_hooks.retry import seconds

# An aware datetime, or seconds since 1970.
Instant = datetime | float


class DeliveryState(str, Enum):
    """Where a delivery stands. PENDING and RETRYING are open; the others are settled."""

    PENDING = "pending"
    RETRYING = "retrying"
    DELIVERED = "delivered"
    DEAD = "dead"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True)
class Target:
    """A hook that an event is to reach.

    Args:
        hook: `plugin.hook_name`.
        scope: the code location that has the hook; only its relays take the delivery.
        lease_owner: who is about to call the hook itself, right after recording.
        lease_until: when that one is taken for dead, and any relay may call the hook.
        lane: deliveries of one hook and lane keep their order.
        due: not to be delivered before.

    Raises:
        ConfigurationError: a name is too long for the tables, or the lease is half stated.
    """

    hook: str
    scope: str = ""
    lease_owner: str | None = None
    lease_until: Instant | None = None
    lane: str | None = None
    due: datetime | None = None

    def __post_init__(self) -> None:
        for field in ("hook", "scope", "lease_owner"):
            _check_length(field, getattr(self, field) or "")
        if (self.lease_owner is None) != (self.lease_until is None):
            raise ConfigurationError(f"target {self.hook!r}: a lease needs both lease_owner and lease_until")


class Entry(NamedTuple):
    """An event and the hooks it is to reach."""

    event: HookEvent
    targets: Sequence[Target] = ()


class StateWrite(NamedTuple):
    """A value to keep in the same transaction, such as the cursor that the events were read up to."""

    namespace: str
    key: str
    value: Any
    expires_at: Instant | None = None


class Told(NamedTuple):
    """An event of the bus's own, and state, to be recorded together with what it tells of."""

    entry: Entry
    state: Sequence[StateWrite] = ()


class DeliveryKey(NamedTuple):
    """A delivery, named by what it is instead of by its row."""

    event_id: str
    hook: str
    scope: str = ""


Delivery = int | DeliveryKey


class Settlement(NamedTuple):
    """What became of a delivery that was leased, by its row or by its key.

    Made by one of the class methods; `state` None leaves the state as it was. `errors` replaces those of the
    attempts so far; `told` is recorded if, and only if, the settlement takes effect.
    """

    delivery: Delivery
    state: DeliveryState | None
    error: str | None = None
    after: float | None = None
    counted: bool = True
    errors: str | None = None
    told: Told | None = None

    @classmethod
    def delivered(cls, delivery: Delivery) -> Settlement:
        """The hook took it. Counts also when the lease has ended, unless it is settled already."""
        return cls(delivery, DeliveryState.DELIVERED)

    @classmethod
    def retrying(
        cls, delivery: Delivery, error: str, *, after: float | timedelta, counted: bool = True
    ) -> Settlement:
        """It failed, and is due again after a while; uncounted, when the receiver merely said "later"."""
        return cls(delivery, DeliveryState.RETRYING, error, seconds(after), counted)

    @classmethod
    def dead(cls, delivery: Delivery, error: str) -> Settlement:
        """It failed for good."""
        return cls(delivery, DeliveryState.DEAD, error)

    @classmethod
    def suppressed(cls, delivery: Delivery, reason: str) -> Settlement:
        """It is not to be delivered, for a reason."""
        return cls(delivery, DeliveryState.SUPPRESSED, reason)

    @classmethod
    def released(cls, delivery: Delivery) -> Settlement:
        """The hook was not called after all: due again at once, and no attempt was made."""
        return cls(delivery, None, None, 0.0, counted=False)


class Want(NamedTuple):
    """What a relay asks the store for.

    Args:
        hook: `plugin.hook_name`.
        limit: at most so many deliveries.
        lease: seconds until someone else may take them.
        ordered: whether a delivery waits for the earlier ones of its lane.
        laneless: whether, if so, those that have no lane are wanted, too; they are looked for among all
            that is due.
        fill: with fewer than this, the oldest must have waited for `wait` seconds.
        wait: see there.
    """

    hook: str
    limit: int
    lease: float
    ordered: bool = False
    fill: int = 1
    wait: float = 0.0
    laneless: bool = True


@dataclass(frozen=True)
class Claim:
    """A delivery that this process may call the hook for, until `lease_until`."""

    delivery_id: int
    event: HookEvent
    hook: str
    scope: str
    attempts: int
    owner: str
    lease_until: datetime
    created_at: datetime
    lane: str | None = None
    replays: int = 0
    errors: str | None = None


@dataclass(frozen=True)
class EventRecord:
    """A recorded event; `body` is its JSON, which `event` reads."""

    id: int
    event_id: str
    event_type: str
    timestamp: datetime
    recorded_at: datetime
    run_id: str | None
    body: str

    @property
    def event(self) -> HookEvent:
        """The event.

        Raises:
            EventError: this release cannot read it.
        """
        return HookEvent.from_json(self.body)


@dataclass(frozen=True)
class DeliveryRecord:
    """A delivery as it stands. `lease_owner` with a `next_attempt_at` to come: it is being called."""

    delivery_id: int
    event_id: str
    event_type: str
    hook: str
    scope: str
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime | None
    lease_owner: str | None
    last_error: str | None
    lane: str | None
    replays: int
    errors: str | None
    created_at: datetime
    settled_at: datetime | None


def _check_length(field: str, value: str) -> None:
    if len(value) > NAME_LENGTH:
        raise ConfigurationError(
            f"{field} {value[:40]!r}… has {len(value)} characters, the store keeps {NAME_LENGTH}: shorten it"
        )
