"""AppriseChannel: whatever Apprise can send to.

Source: https://github.com/caronc/apprise/wiki
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pydantic import Field

from phlo_hooks.capabilities.alerting.channels.channel import Channel
from phlo_hooks.capabilities.alerting.channels.cutting import one_line
from phlo_hooks.capabilities.alerting.channels.looks import headline
from phlo_hooks.capabilities.alerting.channels.secrets import check_one, known, read
from phlo_hooks.capabilities.alerting.channels.text import plain_text
from phlo_hooks.capabilities.alerting.message import Kind, Message
from phlo_hooks.errors import ConfigurationError, DeliveryError, MissingExtraError

if TYPE_CHECKING:
    import apprise

_LOG = logging.getLogger(__name__)
# Some services name limits of megabytes.
_LIMIT = 30_000
_MENTION = re.compile(r"@(?=everyone|here|channel|all\b)", re.IGNORECASE)
_TYPES = {"CRITICAL": "failure", "ERROR": "failure", "WARN": "warning", "INFO": "info"}


class AppriseChannel(Channel):
    """Sends by Apprise, to each of some hundred services.

    Apprise says only whether a service took a message: what it did not take is tried again, for whatever
    reason. Where several URLs are given and some of them took it, it is sent, and the others are logged: to
    try them again would tell the same people twice. Give each URL a channel of its own to have it retried.

    Raises:
        MissingExtraError: `pip install 'phlo-hooks[apprise]'`.
    """

    name: str = Field(default="apprise", description="What rules call it.")
    urls: list[str] = Field(
        default=[], repr=False, description="Apprise URLs, such as ntfys://topic; secrets, so EnvVars."
    )
    urls_env: str | None = Field(
        default=None, description="An environment variable with URLs, with spaces between them."
    )

    def check(self) -> None:
        """Refuse what cannot work.

        Raises:
            ConfigurationError: there is no URL, or one that Apprise does not know; it is not shown.
            MissingExtraError: Apprise is missing.
        """
        if find_spec("apprise") is None:
            raise MissingExtraError("apprise", "apprise")
        try:
            self._check_fields()
        except ConfigurationError as exc:
            raise ConfigurationError(f"alert channel {self.name!r}: {exc}") from None

    def send(self, message: Message, *, target: str | None = None, thread: str | None = None) -> None:
        """Send a message to all URLs.

        Raises:
            DeliveryError: none of them took it.
        """
        try:
            services = [_service(url) for url in self._read_urls()]
        except ConfigurationError as exc:
            raise DeliveryError(f"alert channel {self.name!r}: {exc}") from None
        failed = [_name(service) for service in services if not _notify(service, message)]
        if len(failed) == len(services):
            raise DeliveryError(f"{self.name}: not taken by {', '.join(failed)}; Apprise does not say why")
        if failed:
            _LOG.warning(
                "alert channel %r: message %s was not taken by %s",
                self.name,
                message.message_id,
                ", ".join(failed),
            )

    def _check_fields(self) -> None:
        for url in self.urls:
            check_one("urls", url, None)
            if known(url) is not None:
                _service(url)
        if not (self.urls or self.urls_env):
            raise ConfigurationError("there are no URLs: use urls=[EnvVar(…)], or urls_env='…'")

    def _read_urls(self) -> Iterator[str]:
        for url in self.urls:
            yield read("urls", url)
        if self.urls_env:
            yield from read("urls", None, self.urls_env).split()


def _service(url: str) -> apprise.NotifyBase:
    try:
        import apprise
    except ImportError:
        raise MissingExtraError("apprise", "apprise") from None
    service = apprise.Apprise.instantiate(url)
    if service is None:
        # The scheme alone: the rest is secrets.
        scheme = url.partition("://")[0] if "://" in url else ""
        raise ConfigurationError(f"Apprise cannot use one of the URLs, with the scheme {scheme!r}")
    return service


def _notify(service: Any, message: Message) -> bool:
    kind = "success" if message.kind is Kind.RESOLVED else _TYPES.get(message.severity, "info")
    title = _calm(one_line(headline(message), service.title_maxlen or 1))
    limit = min(service.body_maxlen, _LIMIT)
    # Where a service has no titles, the first line is one.
    body = plain_text(message, limit, with_title=not service.title_maxlen, written=_calm)
    return bool(
        service.notify(
            body=body, title=title if service.title_maxlen else None, notify_type=kind, body_format="text"
        )
    )


def _calm(text: str) -> str:
    """`text` that calls nobody: Discord and others wake a whole room for a word in an error."""
    return _MENTION.sub("@\u200b", text)


def _name(service: Any) -> str:
    return str(service.service_name or type(service).__name__)
