"""Whom the demo tells of what: rules, and the terminal in place of a chat."""

from __future__ import annotations

from phlo_hooks.capabilities.alerting import AlertingResource, ConsoleChannel, Rule

RULES = (
    Rule(name="failures", on=["asset.failure", "run.failure"]),
    # Two checks truly fail on this data, as warnings: nobody is to be woken by those.
    Rule(name="bad data", on=["check.failed", "check.error"], min_severity="ERROR"),
    Rule(name="late", on=["freshness.failed", "run.long_running", "run.stuck"]),
    Rule(name="operations", on=["tick.failure", "daemon.unhealthy", "hook.disabled", "hook.dead_letter"]),
    Rule(name="metrics", on=["semantic.refresh_failed"]),
)


def build_alerting() -> AlertingResource:
    """Says on the terminal what somebody has to look at, and when it is right again."""
    return AlertingResource(rules=list(RULES), default_to=["console"], console=[ConsoleChannel()])
