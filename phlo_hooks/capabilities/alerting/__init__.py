"""Alerting: rules that turn events into messages to people."""

from phlo_hooks.capabilities.alerting.channels import (
    AppriseChannel,
    Channel,
    ConsoleChannel,
    EmailChannel,
    HttpChannel,
    PagerDutyChannel,
    SlackChannel,
    TeamsChannel,
)
from phlo_hooks.capabilities.alerting.quiet import QuietHours
from phlo_hooks.capabilities.alerting.resource import AlertingResource
from phlo_hooks.capabilities.alerting.rules import Rule, Threshold

__all__ = [
    "AlertingResource",
    "AppriseChannel",
    "Channel",
    "ConsoleChannel",
    "EmailChannel",
    "HttpChannel",
    "PagerDutyChannel",
    "QuietHours",
    "Rule",
    "SlackChannel",
    "TeamsChannel",
    "Threshold",
]
