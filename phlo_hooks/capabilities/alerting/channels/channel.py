"""What all channels have in common."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from phlo_hooks.capabilities.alerting.message import Message
from phlo_hooks.capabilities.alerting.strict import StrictConfig
from phlo_hooks.errors import ConfigurationError


class Channel(StrictConfig):
    """A way to reach people. Built when definitions load, so without I/O; secrets are read when it sends.

    A subclass says in `takes_target` what may stand behind the colon of a rule's `to`, as in
    `slack:#data-alerts`; None where nothing may.
    """

    takes_target: ClassVar[str | None] = None
    # Whether a target may be the address of an owner.
    takes_address: ClassVar[bool] = False

    name: str = Field(default="", description="What rules call it; the channel's type by default.")

    def check(self) -> None:
        """Refuse what cannot work.

        Raises:
            ConfigurationError: the message names the channel, the field and the next step.
            MissingExtraError: a library is missing.
        """

    def check_target(self, target: str) -> None:
        """Refuse a target that cannot work.

        Raises:
            ConfigurationError: as above; any, where none may stand.
        """
        if self.takes_target is None:
            raise ConfigurationError(
                f"alert channel {self.name!r} takes no target: for {target!r}, use a channel of its own"
            )

    def send(self, message: Message, *, target: str | None = None, thread: str | None = None) -> str | None:
        """Send a message, and return once the receiver has it.

        Args:
            message: what to tell.
            target: whom or where, when not the channel's own default.
            thread: what the first message of the same incident returned, to the same target.

        Returns:
            What later messages of the incident can be attached to, where the channel has such a thing.

        Raises:
            PermanentError: it will never be taken.
            RetryLater: the receiver asked to be left alone for a while.
            DeliveryError: another attempt may work.
        """
        raise NotImplementedError
