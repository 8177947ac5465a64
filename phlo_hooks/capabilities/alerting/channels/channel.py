"""What all channels have in common."""

from __future__ import annotations

import os
from typing import Any, ClassVar

import dagster as dg
from pydantic import Field
from typing_extensions import Self

from phlo_hooks.capabilities.alerting.message import Message
from phlo_hooks.capabilities.alerting.strict import StrictConfig
from phlo_hooks.errors import ConfigurationError, DeliveryError


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

    def ready(self) -> Self:
        """This channel, with what its environment variables hold at this moment.

        Raises:
            DeliveryError: one is not set: somebody can set it, and until then the message waits.
        """
        try:
            fields = {name: _looked_up(getattr(self, name)) for name in type(self).model_fields}
        except KeyError as exc:
            name = exc.args[0]
            text = f"channel {self.name!r}: the environment variable {name} is not set where alerts are sent"
            raise DeliveryError(text) from None
        return self.model_copy(update=fields)

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


def _looked_up(value: Any) -> Any:
    if isinstance(value, dg.EnvVar):
        return os.environ[value.env_var_name]
    if isinstance(value, list):
        return [_looked_up(each) for each in value]
    if isinstance(value, dict):
        return {key: _looked_up(each) for key, each in value.items()}
    return value
