"""The token that Cube asks for: a JSON Web Token (RFC 7519), signed with HMAC SHA-256."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

# Longer than any request may take by default, shorter than it takes to misuse one that was seen.
LIVES = 300


def signed(claims: Mapping[str, Any], secret: str, now: float) -> str:
    """A token that is good for five minutes.

    Args:
        claims: the security context of whoever asks.
        secret: `CUBEJS_API_SECRET`.
        now: seconds since 1970.
    """
    payload = {**claims, "iat": int(now), "exp": int(now) + LIVES}
    content = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(payload)}"
    return f"{content}.{_text(hmac.digest(secret.encode(), content.encode(), 'sha256'))}"


def _part(value: Mapping[str, Any]) -> str:
    return _text(json.dumps(value, separators=(",", ":")).encode())


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
