"""A rule's own words: Jinja2, in a sandbox, tried on every kind of event when it is loaded."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime, timezone
from functools import cache
from typing import TYPE_CHECKING, Any

from phlo_hooks.capabilities.alerting.facts import Facts
from phlo_hooks.capabilities.alerting.incident import Incident
from phlo_hooks.capabilities.alerting.message import Message
from phlo_hooks.capabilities.alerting.signals import SIGNALS
from phlo_hooks.errors import ConfigurationError

if TYPE_CHECKING:
    from jinja2 import Template

    from phlo_hooks.capabilities.alerting.rules import Rule

# What a template writes is a part of a message, not a report.
_MAX_LENGTH = 20_000
_EPOCH = datetime(2026, 1, 1, tzinfo=timezone.utc)


def render(rule: Rule, message: Message, facts: Facts, incident: Incident) -> Message:
    """The message with the text that the rule's template gives; its own, should that fail after all."""
    words = words_of(facts, incident.count, incident.first)
    try:
        text = _template(rule.template or "").render(**words, message=asdict(message))
    except Exception as exc:  # a message arrives, whatever its template does
        text = f"{message.text}\n(The template of rule {rule.name!r} failed: {exc})"
    return replace(message, text=text[:_MAX_LENGTH])


def words_of(facts: Facts, count: int, first: datetime) -> dict[str, Any]:
    """What a template can name: the fields of `Facts`, `count` and `since`."""
    return {**asdict(facts), "error_line": facts.first_line, "count": count, "since": first}


def check(text: str, who: str) -> None:
    """Refuse a template that fails on some kind of event.

    Raises:
        ConfigurationError: what fails, on which signal.
    """
    try:
        template = _template(text)
    except Exception as exc:
        raise ConfigurationError(f"{who}: template: {exc}; see Jinja2's docs") from None
    for facts in _samples():
        try:
            template.render(**words_of(facts, 1, _EPOCH), message=_sample_message(facts))
        except Exception as exc:
            known = ", ".join(sorted(words_of(facts, 1, _EPOCH)))
            raise ConfigurationError(
                f"{who}: template fails on {facts.signal}: {exc}; there are: {known}"
            ) from None


@cache
def _template(text: str) -> Template:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # Channels escape, each in its own way; a misspelt name is an error, not a gap.
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    return environment.from_string(text)


@cache
def _samples() -> tuple[Facts, ...]:
    """For each signal what is always there; all else may be missing."""
    return tuple(
        Facts(
            event_id="sample",
            event_type=signal.event_types[0],
            signal=signal.name,
            mood=signal.mood.value,
            severity=signal.severity,
            subject="asset sample",
            title=f"Asset sample {signal.verb}",
            timestamp=_EPOCH.isoformat(),
        )
        for signal in SIGNALS
    )


def _sample_message(facts: Facts) -> dict[str, Any]:
    from phlo_hooks.capabilities.alerting.message import Kind

    return asdict(Message("sample", Kind.FIRING, facts.severity, facts.title, "", "sample", "sample", _EPOCH))
