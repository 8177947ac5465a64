"""What a monitor is: a pure function from what is known of an asset, and an event, to what is known then."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from phlo_hooks.events import HookEvent
from phlo_hooks.filters import HookFilter
from phlo_hooks.identity import follow_up_id

S = TypeVar("S")


class Monitor(Protocol[S]):
    """Follows each asset by itself, and knows nothing of where its knowledge is kept.

    Attributes:
        name: of its hook, and of its part of the memory.
        emits: the type of the events that it derives.
        filters: what it has to hear of, and nothing else.
    """

    @property
    def name(self) -> str: ...  # noqa: D102  # an attribute
    @property
    def emits(self) -> str: ...  # noqa: D102  # an attribute
    @property
    def filters(self) -> HookFilter: ...  # noqa: D102  # an attribute

    def follow(self, known: S | None, event: HookEvent) -> tuple[S | None, HookEvent | None]:
        """What is known of the asset once `event` is, and what follows from that.

        Events may come twice, and late: one that was followed before changes nothing, and is followed by
        nothing.
        """

    def dump(self, known: S) -> Any:
        """As JSON can say it."""

    def load(self, value: Any) -> S:
        """From what `dump` gave."""


def envelope(event_type: str, cause: HookEvent) -> dict[str, Any]:
    """The fields of what follows from `cause`, under an id that is the same however often it is derived."""
    return {
        "event_id": follow_up_id(event_type, cause.event_id),
        "timestamp": cause.timestamp,
        "tags": cause.tags,
        "correlation": cause.correlation.model_copy(update={"causation_id": cause.event_id}),
        **{name: getattr(cause, name) for name in ("group_name", "kinds", "owners")},
    }
