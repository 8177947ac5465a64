"""PagerDutyChannel: alerts that wake people, by the Events API v2."""

from __future__ import annotations

import re
from typing import ClassVar

from pydantic import Field

from phlo_hooks.capabilities.alerting.channels.http import WebChannel, check_address, redactor_of, refusal
from phlo_hooks.capabilities.alerting.channels.pagerduty_event import dedup_key, event
from phlo_hooks.capabilities.alerting.channels.secrets import check_one, given, known
from phlo_hooks.capabilities.alerting.message import Kind, Message
from phlo_hooks.errors import ConfigurationError, DeliveryError

_ROUTING_KEY = re.compile(r"[0-9A-Za-z]{32}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BAD_KEY = "is not a routing key: use the 32 characters of an Events API v2 integration"
# Nobody is to be woken by them.
_QUIET = frozenset({Kind.DIGEST, Kind.NOTICE})


class PagerDutyChannel(WebChannel):
    """Opens and resolves PagerDuty alerts, one for each incident.

    FIRING, REMINDER, ESCALATION, FLAPPING and TEST trigger, with the incident's id as `dedup_key`, so that a
    second message adds to the alert that is open; RESOLVED resolves it. NOTICE and DIGEST are not sent:
    nobody is to be woken by them.
    """

    takes_target: ClassVar[str | None] = "an environment variable with the routing key of another service"

    name: str = Field(default="pagerduty", description="What rules call it.")
    routing_key: str | None = Field(
        default=None, repr=False, description="32 characters, of an Events API v2 integration; a secret."
    )
    routing_key_env: str | None = Field(default=None, description="An environment variable with it.")
    source: str = Field(default="dagster", description="What PagerDuty shows as the source.")
    url: str = Field(
        default="https://events.pagerduty.com/v2/enqueue",
        description="In the EU region: https://events.eu.pagerduty.com/v2/enqueue",
    )

    def check_target(self, target: str) -> None:
        """Refuse what cannot be the name of an environment variable, such as a key itself.

        Raises:
            ConfigurationError: without the target, which may be a key.
        """
        if not _VARIABLE.fullmatch(target) or _ROUTING_KEY.fullmatch(target):
            raise ConfigurationError(
                f"alert channel {self.name!r}: a target is the name of an environment variable that has a "
                "routing key, not the key"
            )

    def send(self, message: Message, *, target: str | None = None, thread: str | None = None) -> str | None:
        """Trigger or resolve.

        Returns:
            The `dedup_key`; None if there is nothing to page.

        Raises:
            PermanentError: PagerDuty refuses it; with what it finds wrong.
            RetryLater: too many at a time.
            DeliveryError: another attempt may work.
        """
        if message.kind in _QUIET:
            return None
        key = self._key(target)
        url = self._read_url("url", self.url)
        redactor = redactor_of(url, [key])
        answer = self.post(url, event(message, key, self._read("source", self.source)), redactor)
        if not answer.accepted:
            raise refusal(answer, self.who(url), redactor.text)
        return dedup_key(message.incident_id)

    def _key(self, target: str | None) -> str:
        fields = (None, target) if target else (self.routing_key, self.routing_key_env)
        key = self._read("routing_key", *fields)
        if not _ROUTING_KEY.fullmatch(key):
            raise DeliveryError(f"alert channel {self.name!r}: routing_key {_BAD_KEY}")
        return key

    def _check_fields(self) -> None:
        check_one("routing_key", self.routing_key, self.routing_key_env)
        check_address("url", self.url, None)
        if not given(self.routing_key, self.routing_key_env):
            raise ConfigurationError(
                "there is no routing key: use routing_key=EnvVar(…), or routing_key_env='…'"
            )
        key = known(self.routing_key)
        if key is not None and not _ROUTING_KEY.fullmatch(key):
            raise ConfigurationError(f"routing_key {_BAD_KEY}")
