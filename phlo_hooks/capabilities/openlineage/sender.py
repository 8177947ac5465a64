"""The handlers: what an event comes to is sent, and noted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from phlo_hooks.capabilities.openlineage.compose import Composer, Message
from phlo_hooks.capabilities.openlineage.ledger import Ledger, Page
from phlo_hooks.capabilities.openlineage.transports import Outlet
from phlo_hooks.errors import PermanentError
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
            for message in self._composed(event, page):
                self.outlet().send(message.event)
                message.note(page)
        finally:
            self.ledger.close(page)

    def _composed(self, event: HookEvent, page: Page) -> Iterator[Message]:
        """The messages. What cannot be said now never can, and would hold up the rest of its run."""
        try:
            yield from self.composer.messages(event, page)
        except Exception as exc:
            raise PermanentError(f"no OpenLineage can be made of {event.event_type}: {exc!r}") from exc
