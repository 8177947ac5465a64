"""Events as signed HTTP requests, after Standard Webhooks 1.0.0."""

from __future__ import annotations

from phlo_hooks.capabilities.webhook.fields import WebhookEndpoint
from phlo_hooks.capabilities.webhook.resource import WebhookResource

__all__ = ["WebhookEndpoint", "WebhookResource"]
