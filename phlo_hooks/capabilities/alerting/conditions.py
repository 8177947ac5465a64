"""Whether a rule asks for an event, and if not, why not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from phlo_hooks.capabilities.alerting.facts import Facts, Recovery, facts_of
from phlo_hooks.capabilities.alerting.rules import Rule
from phlo_hooks.capabilities.alerting.signals import Mood, signals_of
from phlo_hooks.events import SEVERITIES, HookEvent


@dataclass(frozen=True)
class Match:
    """What a rule makes of an event at first sight.

    Args:
        facts: the event as the rule takes it; None when the rule does not ask for it.
        reason: why not.
    """

    facts: Facts | None
    reason: str = ""


class Conditions:
    """The conditions of one rule, with its asset selection looked up.

    Args:
        rule: the rule.
        location: the code location.
        select_assets: gives the keys that a selection stands for.
    """

    def __init__(self, rule: Rule, location: str, select_assets: Callable[[str], frozenset[str]]) -> None:
        self.rule = rule
        self._location = location
        self._assets = None if rule.assets is None else select_assets(rule.assets)
        # As Dagster names the step of a single asset.
        self._steps = frozenset(key.replace("/", "__") for key in self._assets or ())

    def match(self, event: HookEvent, before: float | None = None) -> Match:
        """What the rule makes of an event.

        Args:
            event: any.
            before: the last value of the rule's threshold, for the same asset.
        """
        facts = self._taken(event, before)
        if facts is None:
            carried = ", ".join(signal.name for signal in signals_of(event)) or event.event_type
            return Match(None, f"it listens for {', '.join(self.rule.on)}; this is {carried}")
        reason = next(filter(None, self._refusals(facts)), "")
        return Match(None, reason) if reason else Match(facts)

    def value_of(self, event: HookEvent) -> float | None:
        """The number that the rule's threshold is about, if the event has one."""
        if self.rule.threshold is None:
            return None
        name = self.rule.threshold.name
        for values in (getattr(event, "metrics", None), getattr(event, "metadata", None)):
            value = (values or {}).get(name)
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                return float(value)
        return None

    def recovery(self, event: HookEvent, before: float | None) -> Recovery | None:
        """That the number is within its limit, if the event has one."""
        threshold, value = self.rule.threshold, self.value_of(event)
        if threshold is None or value is None or threshold.broken_by(value, before):
            return None
        subject = f"{threshold.name} of {facts_of(event).subject}"
        return Recovery(subject, ("metric",), event.correlation.partition_key or "", None, event.timestamp)

    def _taken(self, event: HookEvent, before: float | None) -> Facts | None:
        broken = self._broken(event, before)
        if broken is not None:
            return broken
        for signal in signals_of(event):
            if self.rule.listens_for(signal.name):
                return facts_of(event, signal)
        return None

    def _broken(self, event: HookEvent, before: float | None) -> Facts | None:
        """The facts of a number that is beyond its limit; None for any other event."""
        threshold, value = self.rule.threshold, self.value_of(event)
        if threshold is None or value is None or getattr(event, "status", None) != "success":
            return None
        how = threshold.broken_by(value, before)
        if not how:
            return None
        facts = facts_of(event)
        return replace(
            facts,
            signal="metric",
            mood=Mood.PROBLEM.value,
            severity="WARN",
            subject=f"{threshold.name} of {facts.subject}",
            title=f"{threshold.name} of {facts.subject}: {how}",
            description=how,
        )

    def _refusals(self, facts: Facts) -> Iterable[str]:
        rule = self.rule
        if SEVERITIES.index(facts.severity) < SEVERITIES.index(rule.min_severity):
            yield f"its severity is {facts.severity}, the rule wants {rule.min_severity} at least"
        yield _differs("status", rule.status, (facts.status,))
        yield _differs("job", rule.jobs, (facts.job_name,))
        yield _differs("partition", rule.partitions, (facts.partition_key,))
        yield _differs("code location", rule.locations, (self._location,))
        yield _lacks(rule.tags, facts.tags)
        if self._assets is not None and not self._selects(facts):
            yield f"it is about no asset of {rule.assets}"

    def _selects(self, facts: Facts) -> bool:
        """A run counts by its failed steps: it names no assets."""
        assert self._assets is not None  # noqa: S101  # for the type checker; asked before
        return bool(self._assets.intersection(facts.asset_keys) or self._steps.intersection(facts.steps))


def _differs(what: str, patterns: Collection[str] | None, values: Iterable[str | None]) -> str:
    if patterns is None:
        return ""
    have = [value for value in values if value]
    if any(fnmatchcase(value, pattern) for value in have for pattern in patterns):
        return ""
    return f"its {what} is {have[0] if have else 'not known'}, the rule wants {' or '.join(patterns)}"


def _lacks(wanted: Mapping[str, str] | None, tags: Mapping[str, str]) -> str:
    for key, value in (wanted or {}).items():
        if tags.get(key) != value:
            return f"its tag {key} is {tags.get(key, 'not there')}, the rule wants {value}"
    return ""
