"""Signatures as Standard Webhooks 1.0.0 has them: who sent this, and has anybody changed it?

Source of the rules: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hmac
import time
from collections.abc import Iterable, Mapping

from phlo_hooks.errors import ConfigurationError

ID_HEADER = "webhook-id"
TIMESTAMP_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"
PREFIX = "whsec_"
# The specification's bounds: below, a key can be guessed; above, SHA-256 gains nothing.
MIN_KEY_BYTES, MAX_KEY_BYTES = 24, 64
# What the specification's own libraries allow clocks to differ, in seconds.
TOLERANCE = 300.0


def signing_key(secret: str) -> bytes:
    """The key in a secret: `whsec_` and the base64 of 24 to 64 bytes.

    Raises:
        ConfigurationError: it is none; the message says what is wrong without showing it.
    """
    if not secret.startswith(PREFIX):
        raise ConfigurationError(f"a webhook secret begins with {PREFIX!r}; {_HOW}")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        # Not `from`: the cause's text is of no help, and its frames hold the secret.
        raise ConfigurationError(f"a webhook secret is base64 after {PREFIX!r}; {_HOW}") from None
    if not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
        raise ConfigurationError(
            f"a webhook secret has {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes, this one has {len(key)}; {_HOW}"
        )
    return key


_HOW = (
    "make one: python -c \"import base64, os; print('whsec_' + base64.b64encode(os.urandom(32)).decode())\""
)


def signing_keys(text: str) -> list[bytes]:
    """The keys of one secret, or of several with spaces between them.

    Raises:
        ConfigurationError: one of them is none.
    """
    return [signing_key(secret) for secret in text.split()]


def sign(message_id: str, timestamp: int, body: bytes, keys: Iterable[bytes]) -> str:
    """The `webhook-signature` of a message: one signature for each key, so that keys can be rotated.

    Args:
        message_id: the `webhook-id`.
        timestamp: the `webhook-timestamp`, seconds since 1970.
        body: the very bytes that are sent.
        keys: one; while a key is being replaced, the new and the old one.
    """
    content = b"%b.%d.%b" % (message_id.encode(), timestamp, body)
    return " ".join(f"v1,{_signature(key, content)}" for key in keys)


def _signature(key: bytes, content: bytes) -> str:
    return base64.b64encode(hmac.digest(key, content, "sha256")).decode()


def verify(
    headers: Mapping[str, str],
    body: bytes,
    secret: str,
    *,
    now: float | None = None,
    tolerance: float = TOLERANCE,
) -> bool:
    """Whether a message is signed with `secret` and was signed just now.

    Args:
        headers: of the request, with names in small letters.
        body: the very bytes that came.
        secret: `whsec_…`; several with spaces between them, any of which will do.
        now: seconds since 1970; the clock's time by default.
        tolerance: seconds that the timestamp may be off, in either direction.

    Raises:
        ConfigurationError: `secret` is none.
    """
    stamp = headers.get(TIMESTAMP_HEADER, "")
    # More digits than a clock will have for millennia are an attempt at something.
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 16):  # noqa: PLR2004
        return False
    if abs((time.time() if now is None else now) - int(stamp)) > tolerance:
        return False
    expected = sign(headers.get(ID_HEADER, ""), int(stamp), body, signing_keys(secret)).split()
    given = headers.get(SIGNATURE_HEADER, "").split()
    return any(hmac.compare_digest(a.encode(), b.encode()) for a in given for b in expected)
