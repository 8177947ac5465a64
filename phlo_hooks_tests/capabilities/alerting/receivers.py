"""Slack, Teams, PagerDuty and a mail server on loopback, as strict as the real ones.

They keep to what their documentation says, and to what they were seen to do; see the channels for sources. What
they take stands in `messages`, `cards`, `alerts` and `mails`.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from contextlib import ExitStack
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from jsonschema import Draft202012Validator

from phlo_hooks.testing import Fault, FaultServer, Received

TOKEN = "xoxb-1234567890-canary-token"
WEBHOOK_PATH = "/services/T00000000/B00000000/canarywebhookpath0001"
ROUTING_KEY = "canary0routing0key0123456789abcd"
TEAMS_PATH = "/workflows/canary0workflow0123456789/triggers/manual/paths/invoke?sig=canary-signature-77"


class Refused(Exception):
    """A request that breaks a rule: what the receiver says."""


class HttpReceiver:
    """An HTTP service; `server` is what misbehaves on request."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.server = FaultServer(tls=tls, judge=self.judge)

    def __enter__(self):
        self.server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.close()

    def judge(self, request: Received) -> Fault:
        raise NotImplementedError


def shape(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    """An object with these fields and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def const(value: Any) -> dict[str, Any]:
    return {"const": value}


def text_of(limit: int) -> dict[str, Any]:
    # Python's regular expressions: nothing below a space but tab and line feed.
    return {
        "type": "string",
        "minLength": 1,
        "maxLength": limit,
        "pattern": r"\A[^\x00-\x08\x0b-\x1f\x7f]*\Z",
    }


# --- Slack


def _slack_text(kind: str, limit: int) -> dict[str, Any]:
    option = "verbatim" if kind == "mrkdwn" else "emoji"
    return shape({"type": const(kind), "text": text_of(limit), option: {"type": "boolean"}}, "type", "text")


_BLOCK = {
    "header": shape({"type": const("header"), "text": _slack_text("plain_text", 150)}, "type", "text"),
    "section": {
        **shape(
            {
                "type": const("section"),
                "text": _slack_text("mrkdwn", 3000),
                "fields": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 10,
                    "items": _slack_text("mrkdwn", 2000),
                },
            },
            "type",
        ),
        "anyOf": [{"required": ["text"]}, {"required": ["fields"]}],
    },
    "context": shape(
        {
            "type": const("context"),
            "elements": {
                "type": "array",
                "minItems": 1,
                "maxItems": 10,
                "items": _slack_text("mrkdwn", 3000),
            },
        },
        "type",
        "elements",
    ),
    "divider": shape({"type": const("divider")}, "type"),
}
_BLOCKS = Draft202012Validator(
    {"type": "array", "minItems": 1, "maxItems": 50, "items": {"oneOf": list(_BLOCK.values())}}
)
_COMMON = {"text", "blocks", "unfurl_links", "unfurl_media", "mrkdwn"}
_API = _COMMON | {"channel", "thread_ts", "reply_broadcast"}
# What a browser would be led to, and nothing else between angle brackets.
_SLACK_LINK = re.compile(r"<https?://[^<>|\s]+\|[^<>|\n]+>")
_ENTITY = re.compile(r"&(?!amp;|lt;|gt;)")


class Slack(HttpReceiver):
    """hooks.slack.com and slack.com/api in one; `messages` has what was posted, with `channel` and `ts`."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self.messages: list[dict[str, Any]] = []
        self.channels = {"#data-alerts", "#on-call", "C0123456789"}
        self.refuses_blocks = False
        self.errors: list[str] = []

    @property
    def webhook_url(self) -> str:
        return f"{self.server.url}{WEBHOOK_PATH}"

    @property
    def api_url(self) -> str:
        return f"{self.server.url}/api"

    def judge(self, request: Received) -> Fault:
        is_api = request.path.startswith("/api/")
        try:
            ts = self._take(request, is_api=is_api)
        except Refused as exc:
            code = str(exc)
            self.errors.append(code)
            if is_api:
                return Fault.answer(200, json.dumps({"ok": False, "error": code}))
            statuses = {"no_service": 404, "channel_is_archived": 410}
            return Fault.answer(statuses.get(code, 400), code)
        if not is_api:
            return Fault.accept(200, b"ok")
        return Fault.accept(200, json.dumps({"ok": True, "channel": "C0123456789", "ts": ts}).encode())

    def _take(self, request: Received, *, is_api: bool) -> str:
        if not request.headers["content-type"].startswith("application/json"):
            raise Refused("invalid_payload")
        payload = json.loads(request.body)
        if is_api:
            self._check_call(request, payload)
        elif request.path != WEBHOOK_PATH:
            raise Refused("no_service")
        self._check_content(payload, _API if is_api else _COMMON)
        ts = f"{1_700_000_000 + len(self.messages)}.000100"
        self.messages.append({**payload, "ts": ts})
        return ts

    def _check_call(self, request: Received, payload: dict[str, Any]) -> None:
        if request.path != "/api/chat.postMessage":
            raise Refused("unknown_method")
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            raise Refused("invalid_auth")
        if payload.get("channel") not in self.channels:
            raise Refused("channel_not_found")
        if "thread_ts" in payload and payload["thread_ts"] not in {m["ts"] for m in self.messages}:
            raise Refused("thread_not_found")

    def _check_content(self, payload: dict[str, Any], allowed: set[str]) -> None:
        if set(payload) - allowed:
            raise Refused("invalid_arguments")
        text, blocks = payload.get("text", ""), payload.get("blocks")
        if not (text or blocks):
            raise Refused("no_text")
        if len(text) > 40_000:
            raise Refused("msg_too_long")
        if has_markup(text) or "\0" in text:
            raise Refused("invalid_payload")
        if blocks is not None:
            self._check_blocks(blocks)

    def _check_blocks(self, blocks: Any) -> None:
        if self.refuses_blocks or not _BLOCKS.is_valid(blocks):
            raise Refused("invalid_blocks")
        if any(has_markup(text) for text in texts(blocks)):
            raise Refused("invalid_blocks")
        if len(json.dumps(blocks)) > 13_200:
            raise Refused("msg_blocks_too_long")


def has_markup(text: str) -> bool:
    """Whether there is anything that Slack would not show as it is, besides our own links."""
    rest = _SLACK_LINK.sub("", text)
    return "<" in rest or ">" in rest or bool(_ENTITY.search(text))


def texts(value: Any) -> list[str]:
    """Every `text` in a structure, in order."""
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    if not isinstance(value, dict):
        return []
    own = [value["text"]] if isinstance(value.get("text"), str) else []
    return own + [text for item in value.values() for text in texts(item)]


# --- Teams

_SIZES = {"enum": ["small", "default", "medium", "large", "extraLarge"]}
_COLOURS = {"enum": ["default", "dark", "light", "accent", "good", "warning", "attention"]}
_RUN = shape(
    {
        "type": const("TextRun"),
        "text": text_of(28_000),
        "weight": {"enum": ["lighter", "default", "bolder"]},
        "size": _SIZES,
        "color": _COLOURS,
        "fontType": {"enum": ["default", "monospace"]},
        "isSubtle": {"type": "boolean"},
    },
    "type",
    "text",
)
_RICH = shape(
    {"type": const("RichTextBlock"), "inlines": {"type": "array", "minItems": 1, "items": _RUN}},
    "type",
    "inlines",
)
_PLAIN = shape(
    {"type": const("TextBlock"), "text": text_of(28_000), "wrap": {"type": "boolean"}}, "type", "text"
)
_ACTION = shape(
    {
        "type": const("Action.OpenUrl"),
        "title": text_of(1000),
        "url": {"type": "string", "pattern": r"\Ahttps?://\S+\Z"},
    },
    "type",
    "title",
    "url",
)
_ACTIONS = {"type": "array", "minItems": 1, "maxItems": 6, "items": _ACTION}
_ACTION_SET = shape({"type": const("ActionSet"), "actions": _ACTIONS}, "type", "actions")
_CARD = shape(
    {
        "$schema": const("http://adaptivecards.io/schemas/adaptive-card.json"),
        "type": const("AdaptiveCard"),
        "version": {"enum": ["1.0", "1.2", "1.4", "1.5"]},
        "fallbackText": text_of(28_000),
        "msteams": shape({"width": const("Full")}),
        "body": {"type": "array", "minItems": 1, "items": {"oneOf": [_RICH, _PLAIN, _ACTION_SET]}},
        "actions": _ACTIONS,
    },
    "type",
    "version",
    "body",
)
_ENVELOPE = Draft202012Validator(
    shape(
        {
            "type": const("message"),
            "attachments": {
                "type": "array",
                "minItems": 1,
                "maxItems": 1,
                "items": shape(
                    {
                        "contentType": const("application/vnd.microsoft.card.adaptive"),
                        "contentUrl": const(None),
                        "content": _CARD,
                    },
                    "contentType",
                    "content",
                ),
            },
        },
        "type",
        "attachments",
    )
)


class Teams(HttpReceiver):
    """A workflow's trigger, or with `connector` an incoming webhook; `cards` has what was posted."""

    def __init__(self, tls: ssl.SSLContext | None = None, *, connector: bool = False) -> None:
        super().__init__(tls)
        self.cards: list[dict[str, Any]] = []
        self.connector = connector
        self.refuses_rich_text = False

    @property
    def url(self) -> str:
        return f"{self.server.url}{TEAMS_PATH}"

    def judge(self, request: Received) -> Fault:
        if request.path != TEAMS_PATH:
            return Fault.answer(404, "WorkflowNotFound")
        if len(request.body) > 28 * 1024:
            if self.connector:
                said = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 413"
                return Fault.answer(200, said)
            return Fault.answer(413)
        body = json.loads(request.body)
        wrong = next(_ENVELOPE.iter_errors(body), None)
        if wrong or (self.refuses_rich_text and b"RichTextBlock" in request.body):
            return Fault.answer(
                400, f"Bad payload received by generic incoming webhook: {wrong and wrong.message}"
            )
        self.cards.append(body["attachments"][0]["content"])
        return Fault.accept(200, b"1") if self.connector else Fault.accept(202)


def card_text(card: dict[str, Any]) -> str:
    """What a reader sees of a card."""
    return "\n".join(texts(card["body"]))


def card_buttons(card: dict[str, Any]) -> list[dict[str, Any]]:
    """What a reader can press, in the body of a card and below it."""
    return [button for holder in (*card["body"], card) for button in holder.get("actions", [])]


# --- PagerDuty

_EVENT = Draft202012Validator(
    {
        **shape(
            {
                "routing_key": {"type": "string", "minLength": 32, "maxLength": 32},
                "event_action": {"enum": ["trigger", "acknowledge", "resolve"]},
                "dedup_key": text_of(255),
                "client": {"type": "string"},
                "client_url": {"type": "string"},
                "links": {
                    "type": "array",
                    "items": shape(
                        {
                            "href": {"type": "string", "pattern": r"\Ahttps?://\S+\Z"},
                            "text": {"type": "string"},
                        },
                        "href",
                    ),
                },
                "payload": shape(
                    {
                        "summary": text_of(1024),
                        "timestamp": {
                            "type": "string",
                            "pattern": r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d\Z",
                        },
                        "severity": {"enum": ["critical", "error", "warning", "info"]},
                        "source": text_of(1024),
                        "component": {"type": "string"},
                        "group": {"type": "string"},
                        "class": {"type": "string"},
                        "custom_details": {"type": "object"},
                    },
                    "summary",
                    "severity",
                    "source",
                ),
            },
            "routing_key",
            "event_action",
        ),
        "if": {"properties": {"event_action": const("trigger")}},
        "then": {"required": ["payload"]},
        "else": {"required": ["dedup_key"]},
    }
)


class PagerDuty(HttpReceiver):
    """The Events API; `alerts` has the state of each by its key, `events` all that was accepted."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self.events: list[dict[str, Any]] = []
        self.alerts: dict[str, str] = {}

    @property
    def url(self) -> str:
        return f"{self.server.url}/v2/enqueue"

    def judge(self, request: Received) -> Fault:
        if request.path != "/v2/enqueue":
            return Fault.answer(404)
        if len(request.body) > 512 * 1024:
            return Fault.answer(413, "Payload Too Large")
        event = json.loads(request.body)
        wrong = [f"{'.'.join(map(str, each.path))}: {each.message}" for each in _EVENT.iter_errors(event)]
        if wrong:
            said = {"status": "invalid event", "message": "Event object is invalid", "errors": wrong}
            return Fault.answer(400, json.dumps(said))
        self.events.append(event)
        self.alerts[event["dedup_key"]] = {"trigger": "open", "resolve": "resolved"}[event["event_action"]]
        said = {"status": "success", "message": "Event processed", "dedup_key": event["dedup_key"]}
        return Fault.accept(202, json.dumps(said).encode())


# --- Mail

USERNAME, PASSWORD = "alerts", "canary-smtp-password"


class Mail:
    """A server for outgoing mail, with STARTTLS or TLS, a login, and recipients that it refuses.

    Args:
        tls: for `security` starttls or ssl.
        security: starttls, ssl or plain.
        refused: addresses, and what the server says to them, such as "550 no such user".
        on_data: what it says to a mail, if not that it has it.
        pause: seconds that it takes for each recipient.
        hangs_up: instead of a farewell.
    """

    def __init__(
        self,
        tls: ssl.SSLContext | None = None,
        *,
        security: str = "plain",
        login: bool = False,
        refused: dict[str, str] | None = None,
        on_data: str = "250 OK",
        pause: float = 0.0,
        hangs_up: bool = False,
    ) -> None:
        self.mails: list[EmailMessage] = []
        self.envelopes: list[tuple[str, list[str]]] = []
        self.refused = refused or {}
        self.on_data = on_data
        self.pause = pause
        self.hangs_up = hangs_up
        options: dict[str, Any] = {"hostname": "127.0.0.1", "port": 0}
        if security == "starttls":
            options |= {"tls_context": tls, "require_starttls": True}
        elif security == "ssl":
            options |= {"ssl_context": tls}
        self.login = login
        if login:
            # It does not count TLS from the start as TLS, and would offer no login; see handle_RCPT.
            options |= {"authenticator": self._authenticate, "auth_require_tls": security == "starttls"}
        self._controller = _AnyPort(self, **options)

    @property
    def port(self) -> int:
        return self._controller.port

    def __enter__(self):
        self._stack = ExitStack()
        self._controller.start()
        self._stack.callback(self._controller.stop)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:  # noqa: N802
        await asyncio.sleep(self.pause)
        if self.login and not session.authenticated:
            return "530 5.7.0 Authentication required"
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802
        if self.on_data.startswith("2"):
            found = message_from_bytes(envelope.original_content, policy=SMTP_POLICY)
            self.mails.append(found)
            self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        return self.on_data

    async def handle_QUIT(self, server, session, envelope) -> str:  # noqa: N802
        if self.hangs_up:
            server.transport.abort()
        return "221 Bye"

    def _authenticate(self, server, session, envelope, mechanism, data) -> AuthResult:
        given = isinstance(data, LoginPassword) and (data.login, data.password)
        return AuthResult(success=given == (USERNAME.encode(), PASSWORD.encode()), handled=False)


class _AnyPort(Controller):
    """Says which port it got."""

    def _trigger_server(self) -> None:
        # Python asks the system for any port; the controller would try to reach port 0.
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()
