"""Where messages go: one file for each channel, each with its own rendering."""

from __future__ import annotations

from phlo_hooks.capabilities.alerting.channels.apprise import AppriseChannel
from phlo_hooks.capabilities.alerting.channels.channel import Channel
from phlo_hooks.capabilities.alerting.channels.console import ConsoleChannel
from phlo_hooks.capabilities.alerting.channels.email import EmailChannel
from phlo_hooks.capabilities.alerting.channels.pagerduty import PagerDutyChannel
from phlo_hooks.capabilities.alerting.channels.slack import SlackChannel
from phlo_hooks.capabilities.alerting.channels.teams import TeamsChannel
from phlo_hooks.capabilities.alerting.channels.webhook import HttpChannel

__all__ = [
    "AppriseChannel",
    "Channel",
    "ConsoleChannel",
    "EmailChannel",
    "HttpChannel",
    "PagerDutyChannel",
    "SlackChannel",
    "TeamsChannel",
]
