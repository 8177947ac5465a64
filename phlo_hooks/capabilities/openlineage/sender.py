"""The handlers: what an event comes to is sent, and noted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from phlo_hooks.capabilities.openlineage.compose import Composer
from phlo_hooks.capabilities.openlineage.ledger import Ledger
from phlo_hooks.capabilities.openlineage.transports import Outlet
from phlo_hooks.events import HookEvent


@dataclass(frozen=True)
class Sender:
    """Sends the OpenLineage events of an event.

    An event that comes once more, after a crash or for a replay, is sent once more, and is the same.

    Args:
        outlet: gives where they go; called for each event, since a variable may be set meanwhile.
    """

    composer: Composer
    ledger: Ledger
    outlet: Callable[[], Outlet]

    def __call__(self, event: HookEvent) -> None:
        """Send all that `event` comes to.

        Raises:
            PermanentError: the backend will never take it.
            RetryLater: it asked to be left alone for a while.
            DeliveryError: anything else; another attempt may work.
        """
        page = self.composer.page(event, self.ledger)
        try:
            for message in self.composer.messages(event, page):
                self.outlet().send(message.event)
                message.note(page)
        finally:
            self.ledger.close(page)
