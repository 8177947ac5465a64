"""What one run of the relay did, in numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

from phlo_hooks.delivery.records import DeliveryState, Settlement


@dataclass
class RelayReport:
    """What one run of the relay did.

    `errors` has the last one of each hook; `remaining` counts the deliveries that are due and were not made,
    `under_way` those whose call had not returned at the end.
    """

    delivered: int = 0
    retried: int = 0
    dead: int = 0
    suppressed: int = 0
    remaining: int = 0
    under_way: int = 0
    errors: dict[str, str] = field(default_factory=dict)

    def count(self, result: Settlement) -> None:
        """Add one outcome."""
        self.delivered += result.state is DeliveryState.DELIVERED
        self.retried += result.state is DeliveryState.RETRYING
        self.dead += result.state is DeliveryState.DEAD
        self.suppressed += result.state is DeliveryState.SUPPRESSED
