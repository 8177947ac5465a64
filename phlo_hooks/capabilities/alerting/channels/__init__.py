"""Where messages go: one file for each channel, each with its own rendering."""

from __future__ import annotations

# The fields of `AlertingResource` that hold channels: a channel without a name is called so.
CHANNEL_TYPES = ("console", "slack", "teams", "email", "pagerduty", "webhook", "apprise")
