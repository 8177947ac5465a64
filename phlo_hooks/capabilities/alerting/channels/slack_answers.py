"""What Slack's answers mean, of its two ways: incoming webhooks, and chat.postMessage.

Sources: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors,
https://docs.slack.dev/reference/methods/chat.postMessage#errors,
https://docs.slack.dev/apis/web-api/rate-limits
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from phlo_hooks.answers import PAUSE, Answer, seconds_to_wait
from phlo_hooks.capabilities.alerting.channels.http import refusal
from phlo_hooks.errors import DeliveryError, PermanentError, RetryLater

# About the message, not about us: it is sent again as text.
_CONTENT = frozenset(
    {
        "invalid_arguments",
        "invalid_attachments",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_payload",
        "markdown_text_conflict",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
    }
)
# About the thread: the first message of the incident may have been deleted since.
_THREAD = frozenset(
    {
        "cannot_reply_to_message",
        "invalid_thread_ts",
        "message_not_found",
        "restricted_action_thread_locked",
        "thread_not_found",
    }
)
_BUSY = frozenset({"message_limit_exceeded", "rate_limited", "ratelimited"})
_TOKEN = "set a token that is valid"  # noqa: S105  # advice
_ADVICE = {
    "account_inactive": _TOKEN,
    "channel_is_archived": "unarchive the channel, or name another",
    "channel_not_found": "check its name, or its ID; to a private channel the app must be invited",
    "invalid_auth": _TOKEN,
    "is_archived": "unarchive the channel, or name another",
    "missing_scope": "give the app the scope chat:write, and install it again",
    "no_service": "the webhook was deleted: make a new one",
    "not_authed": _TOKEN,
    "not_in_channel": "invite the app to the channel: /invite",
    "token_expired": _TOKEN,
    "token_revoked": _TOKEN,
}


@dataclass(frozen=True)
class Reply:
    """What Slack said: an error's code, or none, and where the message is now."""

    answer: Answer
    error: str | None = None
    ts: str | None = None

    @property
    def is_about_content(self) -> bool:
        """Whether the same message may be taken in another form."""
        return self.error in _CONTENT or self.answer.status == HTTPStatus.BAD_REQUEST

    @property
    def is_about_thread(self) -> bool:
        """Whether the same message may be taken outside its thread."""
        return self.error in _THREAD


def reply_of(answer: Answer, who: str, *, is_app: bool) -> Reply:
    """What is in an answer.

    Args:
        answer: to a webhook a word, to an app JSON.
        who: names the channel.
        is_app: whether chat.postMessage was called.

    Raises:
        DeliveryError: it is a success, but not from Slack.
    """
    said = answer.text.strip()
    if not answer.accepted:
        return Reply(answer, _code(said) or f"status {answer.status}")
    if not is_app and said in ("", "ok"):
        return Reply(answer)
    found = _object(said)
    if found.get("ok") is True:
        return Reply(answer, ts=found.get("ts"))
    if not found.get("error"):
        raise DeliveryError(f"{who} answered {answer.status}, but not as Slack does: is it the right URL?")
    return Reply(answer, str(found["error"]))


def _code(said: str) -> str:
    """The word that an error is; a page of somebody else has none."""
    code = str(_object(said).get("error") or said)
    return code if code.replace("_", "").isalnum() else ""


def _object(said: str) -> dict[str, Any]:
    try:
        found = json.loads(said)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def problem(reply: Reply, who: str, redact: Callable[[str], str]) -> DeliveryError:
    """The error that a reply is, in whichever way it came.

    A limit of rate is a `RetryLater`. What an operator can mend is tried again, and so is what is unknown. A
    message that is refused as text, too, is not.
    """
    error, answer = reply.error or "", reply.answer
    advice = f" ({_ADVICE[error]})" if error in _ADVICE else ""
    text = f"{who}: Slack says {redact(error)}{advice}"
    if error in _BUSY:
        wait = seconds_to_wait(answer.retry_after)
        return RetryLater(text, after=PAUSE if wait is None else wait, pause=True)
    if advice or answer.accepted:
        return PermanentError(text) if error in _CONTENT else DeliveryError(text)
    return refusal(answer, who, redact)
