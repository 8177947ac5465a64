"""What the tests of the webhook share: secrets, and hooks as a bus has them."""

from __future__ import annotations

import base64
from typing import Any

from phlo_hooks.capabilities import WebhookResource
from phlo_hooks.registration import RegisteredHook


def secret_of(letter: str, size: int = 32) -> str:
    """A webhook secret that is easily told from another."""
    return "whsec_" + base64.b64encode(letter.encode() * size).decode()


SECRET = secret_of("k")
NEW_SECRET = secret_of("n")
HOOK = "webhook.post"


def hook_of(**fields: Any) -> RegisteredHook:
    """The hook of a webhook with one endpoint."""
    if not {"secret_env", "unsigned", "secrets"} & set(fields):
        fields = {"secret": SECRET, **fields}
    (registration,) = WebhookResource(**fields).get_hooks()
    return RegisteredHook("webhook", registration)
