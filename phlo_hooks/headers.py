"""Headers that a user adds to signed requests."""

from __future__ import annotations

import re

from phlo_hooks.errors import ConfigurationError

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
_OURS = frozenset({"content-length", "content-type", "host", "transfer-encoding", "connection"})


def check_header(name: str, value: str | None) -> None:
    """Refuse what is no header, or one that is ours to set; the message does not show the value.

    Raises:
        ConfigurationError: what is wrong.
    """
    if not _TOKEN.fullmatch(name):
        raise ConfigurationError(f"header {name!r} is not a name: use letters, digits and '-'")
    if name.lower() in _OURS or name.lower().startswith("webhook-"):
        raise ConfigurationError(f"header {name!r} is set by the webhook itself: leave it out")
    if value is not None and (not _VALUE.fullmatch(value) or value != value.strip()):
        raise ConfigurationError(
            f"header {name!r} has a line break, a non-ASCII character, or space around its value"
        )
