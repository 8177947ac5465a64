"""SlackChannel: messages in Block Kit, by an incoming webhook or as an app."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import Field

from phlo_hooks.capabilities.alerting.channels.http import WebChannel, check_address, redactor_of
from phlo_hooks.capabilities.alerting.channels.secrets import check_one, given, known
from phlo_hooks.capabilities.alerting.channels.slack_answers import Reply, problem, reply_of
from phlo_hooks.capabilities.alerting.channels.slack_blocks import blocks, fallback, notification
from phlo_hooks.capabilities.alerting.message import Kind, Message
from phlo_hooks.errors import ConfigurationError, DeliveryError
from phlo_hooks.redaction import Redactor

# Names have up to 80 letters of any script; IDs begin with what they are: a channel, a group, a person.
_CHANNEL = re.compile(r"#[^\s#@<>&|]{1,80}|[CDGUW][A-Z0-9]{7,}")

Payload = dict[str, Any]


class SlackChannel(WebChannel):
    """Sends to a Slack channel: with `webhook_url` to the one that the webhook is for, with `token` to any.

    With a token, the messages of an incident form a thread, and the one that it is over is also shown in the
    channel. The app needs the scope `chat:write`, and an invitation to each channel. What Slack refuses as
    blocks it gets as text, in the same call.
    """

    takes_target: ClassVar[str | None] = "a channel, such as #data-alerts or C0123456789; needs a token"

    name: str = Field(default="slack", description="What rules call it.")
    webhook_url: str | None = Field(
        default=None, repr=False, description="https://hooks.slack.com/services/…; a secret."
    )
    webhook_url_env: str | None = Field(default=None, description="An environment variable with it.")
    token: str | None = Field(default=None, repr=False, description="xoxb-…, of an app with chat:write.")
    token_env: str | None = Field(default=None, description="An environment variable with it.")
    channel: str | None = Field(
        default=None, description="Where messages go without a target, with a token: #name, or an ID."
    )
    broadcast_resolved: bool = Field(
        default=True, description="Show in the channel, besides the thread, that an incident is over."
    )
    api_url: str = Field(default="https://slack.com/api", description="For Slack's GovSlack, and for tests.")

    def check_target(self, target: str) -> None:
        """Refuse what is no channel, or cannot be chosen.

        Raises:
            ConfigurationError: as it says.
        """
        if not given(self.token, self.token_env):
            raise ConfigurationError(
                f"alert channel {self.name!r}: a webhook posts to its own channel alone: for the target "
                f"{target!r}, use a token, or a second SlackChannel"
            )
        try:
            _check_channel(target)
        except ConfigurationError as exc:
            raise ConfigurationError(f"alert channel {self.name!r}: {exc}") from None

    def send(self, message: Message, *, target: str | None = None, thread: str | None = None) -> str | None:
        """Send a message; as text, if Slack refuses its blocks.

        Returns:
            The `ts` of the first message of its thread, with a token.

        Raises:
            PermanentError: Slack refuses it as text, too.
            RetryLater: Slack's limit of rate.
            DeliveryError: another attempt may work; the message says what to mend.
        """
        way = self._way(target)
        payload = {"text": notification(message), "blocks": blocks(message), **way.fields}
        payload |= self._threading(message, thread) if way.is_app else {}
        reply = way.post(payload)
        if reply.is_about_thread:
            payload = _without(payload, "thread_ts", "reply_broadcast")
            thread, reply = None, way.post(payload)
        if reply.error and reply.is_about_content:
            payload = _without(payload, "blocks") | {"text": fallback(message), "mrkdwn": False}
            reply = way.post(payload)
        if reply.error:
            raise problem(reply, way.who, way.redactor.text)
        return (thread or reply.ts) if way.is_app else None

    def _threading(self, message: Message, thread: str | None) -> Payload:
        if thread is None:
            return {}
        over = message.kind is Kind.RESOLVED and self.broadcast_resolved
        return {"thread_ts": thread, "reply_broadcast": True} if over else {"thread_ts": thread}

    def _way(self, target: str | None) -> _Way:
        ends = time.monotonic() + self.timeout
        quiet = {"unfurl_links": False, "unfurl_media": False}
        if not given(self.token, self.token_env):
            url = self._read_url("webhook_url", self.webhook_url, self.webhook_url_env)
            return _Way(self, url, quiet, {}, redactor_of(url), ends)
        token = self._read("token", self.token, self.token_env)
        url = f"{self._read_url('api_url', self.api_url).rstrip('/')}/chat.postMessage"
        headers = {"authorization": f"Bearer {token}"}
        channel = target or self._read("channel", self.channel)
        if not channel:
            raise DeliveryError(f"alert channel {self.name!r}: it has no channel, and no target was named")
        return _Way(self, url, {"channel": channel, **quiet}, headers, redactor_of(url, [token]), ends)

    def _check_fields(self) -> None:
        check_address("webhook_url", self.webhook_url, self.webhook_url_env)
        check_one("token", self.token, self.token_env)
        check_address("api_url", self.api_url, None)
        has_url = given(self.webhook_url, self.webhook_url_env)
        has_token = given(self.token, self.token_env)
        if has_url == has_token:
            raise ConfigurationError(
                "use one of webhook_url=EnvVar(…), webhook_url_env='…', token=EnvVar(…) or token_env='…'"
            )
        if has_url and self.channel is not None:
            raise ConfigurationError("channel needs a token: a webhook posts to its own channel alone")
        if known(self.channel) is not None:
            _check_channel(str(self.channel))


def _check_channel(channel: str) -> None:
    if not _CHANNEL.fullmatch(channel):
        raise ConfigurationError(
            f"{channel!r} is no Slack channel: use '#name', or an ID such as C0123456789"
        )


def _without(payload: Payload, *names: str) -> Payload:
    return {name: value for name, value in payload.items() if name not in names}


@dataclass(frozen=True)
class _Way:
    """How messages get to Slack in one call: where to, as whom, and until when."""

    channel: SlackChannel
    url: str = field(repr=False)
    fields: Payload
    headers: dict[str, str] = field(repr=False)
    redactor: Redactor
    ends: float

    @property
    def is_app(self) -> bool:
        return bool(self.headers)

    @property
    def who(self) -> str:
        return self.channel.who(self.url)

    def post(self, payload: Payload) -> Reply:
        body = json.dumps(payload, ensure_ascii=False).encode()
        answer = self.channel.post(self.url, body, self.redactor, self.headers, ends=self.ends)
        return reply_of(answer, self.who, is_app=self.is_app)
