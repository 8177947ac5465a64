"""TeamsChannel: Adaptive Cards to a Microsoft Teams channel or chat."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from http import HTTPStatus

from pydantic import Field

from phlo_hooks.answers import Answer
from phlo_hooks.capabilities.alerting.channels.http import (
    WebChannel,
    check_address,
    redactor_of,
    refusal,
)
from phlo_hooks.capabilities.alerting.channels.secrets import given
from phlo_hooks.capabilities.alerting.channels.teams_card import card, text_card
from phlo_hooks.capabilities.alerting.message import Message
from phlo_hooks.errors import ConfigurationError

_CONTENT = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})
# A connector says 200, and in the text what Teams said to it.
_INNER_STATUS = re.compile(r"HTTP error (\d{3})")


class TeamsChannel(WebChannel):
    """Sends to the Teams channel or chat that a webhook is for.

    The webhook is that of a workflow, "Send webhook alerts to a channel", or an incoming webhook of a
    connector. A workflow answers before it posts: what goes wrong after that stands in its own run history.
    What is refused as a card is sent as a card of plain text, in the same call.
    """

    name: str = Field(default="teams", description="What rules call it.")
    webhook_url: str | None = Field(default=None, repr=False, description="Of the workflow; a secret.")
    webhook_url_env: str | None = Field(default=None, description="An environment variable with it.")

    def send(self, message: Message, *, target: str | None = None, thread: str | None = None) -> None:
        """Send a message; as plain text, if its card is refused. Teams' webhooks know no threads.

        Raises:
            PermanentError: it is refused as plain text, too.
            RetryLater: Teams asked to be left alone for a while.
            DeliveryError: another attempt may work.
        """
        url = self._read_url("webhook_url", self.webhook_url, self.webhook_url_env)
        redactor = redactor_of(url)
        ends = time.monotonic() + self.timeout
        answer = _meant(self.post(url, card(message), redactor, ends=ends))
        if answer.status in _CONTENT:
            answer = _meant(self.post(url, text_card(message), redactor, ends=ends))
        if not answer.accepted:
            raise refusal(answer, self.who(url), redactor.text)

    def _check_fields(self) -> None:
        check_address("webhook_url", self.webhook_url, self.webhook_url_env)
        if not given(self.webhook_url, self.webhook_url_env):
            raise ConfigurationError("there is no URL: use webhook_url=EnvVar(…), or webhook_url_env='…'")


def _meant(answer: Answer) -> Answer:
    inner = _INNER_STATUS.search(answer.text) if answer.accepted else None
    return replace(answer, status=int(inner[1])) if inner else answer
