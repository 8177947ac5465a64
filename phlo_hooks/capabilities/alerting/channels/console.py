"""ConsoleChannel: messages as text, to see what would be sent."""

from __future__ import annotations

import sys

from pydantic import Field

from phlo_hooks.capabilities.alerting.channels.channel import Channel
from phlo_hooks.capabilities.alerting.channels.room import Room
from phlo_hooks.capabilities.alerting.channels.text import plain_text
from phlo_hooks.capabilities.alerting.message import Message
from phlo_hooks.errors import ConfigurationError, DeliveryError

_LIMIT = 100_000
_ROOM = Room(title=1000, text=10_000, error=20_000, stack=50_000, facts=50, fact=1000, parts=100)
_RULE = "-" * 72


class ConsoleChannel(Channel):
    """Prints messages where alerts are sent: with `dagster dev`, in your terminal. Needs no library."""

    name: str = Field(default="console", description="What rules call it.")
    stream: str = Field(default="stderr", description="stderr or stdout.")

    def check(self) -> None:
        """Refuse an unknown stream.

        Raises:
            ConfigurationError: the two there are.
        """
        if self.stream not in ("stderr", "stdout"):
            raise ConfigurationError(
                f"alert channel {self.name!r}: stream {self.stream!r} is unknown; use 'stderr' or 'stdout'"
            )

    def send(self, message: Message, *, target: str | None = None, thread: str | None = None) -> None:
        """Print a message between two lines.

        Raises:
            DeliveryError: the stream is closed.
        """
        text = f"{_RULE}\n{plain_text(message, _LIMIT, room=_ROOM)}\n{_RULE}\n"
        # Looked up each time: whoever captures output replaces the stream.
        stream = getattr(sys, self.stream)
        encoding = getattr(stream, "encoding", None) or "utf-8"
        try:
            stream.write(text.encode(encoding, errors="replace").decode(encoding))
            stream.flush()
        except (OSError, ValueError) as exc:
            raise DeliveryError(f"{self.name}: {self.stream} cannot be written to: {exc}") from exc
