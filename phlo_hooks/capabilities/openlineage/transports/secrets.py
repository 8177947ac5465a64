"""The secrets in a transport's configuration, and the logs that would show them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from phlo_hooks.redaction import Redactor, looks_secret
from phlo_hooks.urls import secret_pieces

# At DEBUG the client logs the configuration of a transport: headers, and passwords of Kafka, too.
_LOGGERS = ("openlineage.client", "urllib3.connectionpool")
# All else under `auth:` is one: a token provider of the user's own may name its keys as it likes.
_OPEN_IN_AUTH = frozenset(
    {"type", "tokenendpoint", "tokenfields", "expiresinfield", "granttype", "responsetype", "scope"}
    | {"clientid", "clientauthmethod", "tokenrefreshbuffer"}
)


def secrets_in(value: Any, key: str = "") -> Iterator[str]:
    """Every text in a configuration that nobody may see.

    Args:
        value: the configuration, or a part of it.
        key: that it stands under.
    """
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from secrets_in(item, f"auth.{name}" if key == "auth" else str(name))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from secrets_in(item, key)
    elif isinstance(value, str):
        yield from _in_text(value, key)


def _in_text(text: str, key: str) -> Iterator[str]:
    if _hides(key):
        # `Bearer abc`: the backend may repeat the second word alone. The first is none.
        yield from (text, *text.split()[1:])
    elif "://" in text or key == "endpoint":
        yield from _in_url(text)


def _hides(key: str) -> bool:
    if key.startswith("auth."):
        return key.removeprefix("auth.").replace("_", "").lower() not in _OPEN_IN_AUTH
    return looks_secret(key) or "pem" in key.split(".") or "jaas" in key.split(".")


def _in_url(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    yield from secret_pieces(url)
    yield from (value for _, value in parse_qsl(parts.query))
    if parts.password:
        yield from (parts.password, unquote(parts.password))


_FORMATTER = logging.Formatter()


class LogRedaction(logging.Filter):
    """Takes the secrets of one outlet out of what the client logs."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record; keep it."""
        record.msg, record.args = self._redactor.text(record.getMessage()), ()
        if record.exc_info:
            # The exception of a request quotes its url, and that of a response what was in it.
            record.exc_text = self._redactor.text(_FORMATTER.formatException(record.exc_info))
            record.exc_info = None
        return True

    def install(self) -> None:
        """Begin, for every logger of the client that there is by now."""
        for logger in _loggers():
            logger.addFilter(self)

    def remove(self) -> None:
        """End."""
        for logger in _loggers():
            logger.removeFilter(self)


def _loggers() -> Iterator[logging.Logger]:
    # A filter holds for its own logger alone, and not for those beneath it.
    for name in list(logging.root.manager.loggerDict):
        if name.startswith(_LOGGERS):
            yield logging.getLogger(name)
