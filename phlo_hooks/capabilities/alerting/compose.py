"""What a message says of an incident."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from phlo_hooks.capabilities.alerting.descriptions import outcome
from phlo_hooks.capabilities.alerting.facts import Facts
from phlo_hooks.capabilities.alerting.incident import Cause, Incident, Told
from phlo_hooks.capabilities.alerting.message import Fact, Kind, Link, Message, Part
from phlo_hooks.capabilities.alerting.rules import Rule
from phlo_hooks.capabilities.alerting.templates import render
from phlo_hooks.durations import in_words

# As many as people read; the rest is counted.
MAX_PARTS = 20
MAX_PLACES = 10

_ADVICE = {
    "run.failure": "Open the run, mend the cause, then re-execute it from failure.",
    "run.canceled": "If nobody meant it, launch the run again.",
    "run.long_running": "Look at what the run is waiting for; terminate it if it hangs.",
    "run.stuck": "Check the run queue's limits, the daemon and the run launcher.",
    "asset.failure": "Open the run, mend the cause, then materialize the asset again.",
    "asset.skipped": "Mend what is upstream, then materialize the asset again.",
    "check.failed": "Look at the rows that failed before anybody uses the asset.",
    "check.error": "The check itself is broken: look at its error.",
    "freshness.warned": "See whether the asset is about to be materialized.",
    "freshness.failed": "Find out why the asset was not materialized in time.",
    "tick.failure": "Open its tick: until it evaluates again it launches nothing.",
    "backfill.failure": "Open the backfill, and re-execute the partitions that failed.",
    "asset.warning": "Look at what it says of the asset's checks and freshness.",
    "asset.degraded": "Open the asset, and mend what it says.",
    "drift.detected": "See whether the data has changed, or what loads it.",
    "profiling.failed": "Open the run: the table itself may be fine.",
    "backfill.canceled": "If nobody meant it, launch the backfill again.",
    "daemon.unhealthy": "Restart dagster-daemon: schedules, sensors and the run queue depend on it.",
    "hook.disabled": "Mend the receiver, then: phlo-hooks hooks enable HOOK.",
    "hook.disabled open": "Mend the receiver: the hook is tried again by itself, and its events wait.",
    "hook.dead_letter": "Mend the cause, then: phlo-hooks dead-letters list, and retry.",
    "semantic.refresh_failed": "Mend the cause, then: phlo-hooks semantic refresh. The last good is kept.",
    "schema.removed": "Check who uses the columns that are gone.",
    "schema.retyped": "Check who depends on the old type.",
}
_LABELS = {
    "from_state": "Before",
    "to_state": "Now",
    "baseline": "Baseline",
    "current": "Current",
    "consecutive_failures": "Failures in a row",
    "failures": "Failures in a row",
    "last_heartbeat": "Last heartbeat",
    "attempts": "Attempts",
    "about_event_id": "Event",
    "value": "Value",
}


class Composer:
    """Writes the messages of one rule.

    Args:
        rule: whose.
        webserver_url: of the Dagster UI, without which there are no links.
        message_id: of the notice.
        now: the time, aware.
        location: the code location, for links to its schedules and sensors.
    """

    def __init__(
        self, rule: Rule, webserver_url: str | None, message_id: str, now: datetime, location: str = ""
    ) -> None:
        self._rule, self._id, self._now, self._location = rule, message_id, now, location
        self._base = (webserver_url or "").rstrip("/")
        self._zone = ZoneInfo(rule.timezone)

    def message(self, incident: Incident, told: Told, kind: Kind) -> Message:
        """What one recipient is to be told now.

        Args:
            incident: as it stands.
            told: what the recipient knows of it.
            kind: why it is told.
        """
        facts, untold = incident.latest, untold_of(incident, told)
        severity = "INFO" if kind is Kind.RESOLVED else self._rule.severity or incident.severity
        message = Message(
            message_id=self._id,
            kind=kind,
            severity=severity,
            title=self._title(incident, kind, untold),
            text=self._text(incident, facts, kind),
            rule=incident.rule,
            incident_id=incident.id,
            timestamp=incident.resolved_at or incident.last,
            facts=tuple(self._facts(incident, facts, kind)),
            error="" if kind is Kind.RESOLVED else facts.whole_error,
            stack="" if kind is Kind.RESOLVED else facts.stack,
            parts=self._parts(incident, told),
            more_parts=max(0, len(incident.causes) - MAX_PARTS) + incident.more_causes,
            suppressed=max(0, sum(untold.values()) - 1),
            advice="" if kind is Kind.RESOLVED else self._rule.advice or _advice(facts),
            links=tuple(self._links(facts)),
        )
        return render(self._rule, message, facts, incident) if self._rule.template else message

    def _title(self, incident: Incident, kind: Kind, untold: dict[str, int]) -> str:
        facts, count = incident.latest, sum(untold.values())
        if kind is Kind.DIGEST:
            return f"Digest of {self._rule.name}: {_several(count, 'event')}"
        wrong = [cause for cause in incident.causes.values() if not cause.ok]
        many = len(incident.causes) > 1 and self._rule.group_by != "subject"
        what = f"{len(wrong) or len(incident.causes)} problems in {incident.key}" if many else facts.title
        if kind is Kind.RESOLVED:
            return (
                f"Resolved: {_several(len(incident.causes), 'problem')} in {incident.key}"
                if many
                else (f"Resolved: {facts.title}")
            )
        if kind is Kind.FLAPPING:
            return f"{what}, and recovers, and fails again"
        if kind is Kind.REMINDER:
            return f"{what} {_several(count, 'more time')}" if count else f"Still: {what}"
        return f"Escalated: {what}" if kind is Kind.ESCALATION else what

    def _text(self, incident: Incident, facts: Facts, kind: Kind) -> str:
        said = [facts.description] if facts.description else []
        if kind is Kind.RESOLVED:
            ended = incident.resolved_at or self._now
            often = "once" if incident.count == 1 else _several(incident.count, "time")
            lasted = in_words((ended - incident.first).total_seconds())
            began, over = self._time(incident.first), self._time(ended)
            said = [f"It began at {began}, happened {often}, and was over at {over}, after {lasted}."]
            if any(cause.more_places for cause in incident.causes.values()):
                said.append("Whether all of its partitions are is not known: they are too many.")
            if incident.more_causes:
                said.append(f"Whether {_several(incident.more_causes, 'event')} more are over is not known.")
        if kind is Kind.FLAPPING:
            said.append(
                f"It changed {len(incident.changes)} times within {self._rule.flap_within}. "
                "You hear of it again when it has come to rest."
            )
        if incident.also and kind is not Kind.RESOLVED:
            said.append(f"Because of it: {'; '.join(incident.also)}.")
        if incident.ended and incident.ended.get("event_id") != facts.event_id:
            said.append(_roll_up(Facts.read(incident.ended)))
        return " ".join(filter(None, said))

    def _facts(self, incident: Incident, facts: Facts, kind: Kind) -> Iterator[Fact]:
        places = sorted({place for cause in incident.causes.values() for place in cause.places if place})
        values = {
            "Asset": facts.asset_key or _listed(facts.asset_keys),
            "Check": facts.check_name,
            "Partition": _listed(places) or facts.partition_key,
            "Job": None if (facts.job_name or "").startswith("__") else facts.job_name,
            "Step": _step(facts) or _listed(facts.steps),
            "Group": facts.group,
            "Owner": ", ".join(facts.owners),
            "Run": facts.run_id,
            "Backfill": facts.backfill_id,
            "Launched by": facts.launched_by,
            "Attempt": str(facts.attempt) if facts.attempt and facts.attempt > 1 else None,
            "Duration": in_words(facts.duration) if facts.duration else None,
            "Since" if facts.is_problem else "At": self._time(incident.first),
            "Count": str(incident.count) if incident.count > 1 else None,
        }
        yield from (Fact(label, value) for label, value in values.items() if value)
        # Partitions are counted in the text; what was measured when it was wrong is over.
        if kind is not Kind.RESOLVED and not facts.event_type.startswith("backfill."):
            for name, value in facts.details.items():
                yield Fact(_LABELS.get(name, name), self._value(name, value))

    def _value(self, name: str, value: Any) -> str:
        if name == "last_heartbeat":
            # Or somebody's metadata of that name, which may be anything.
            with suppress(TypeError, ValueError):
                return self._time(datetime.fromisoformat(value))
        return f"{value:g}" if isinstance(value, float) else str(value)

    def _parts(self, incident: Incident, told: Told) -> tuple[Part, ...]:
        """What it is about, the newest first, where that is more than one thing."""
        if len(incident.causes) < 2:  # noqa: PLR2004  # one is told by the message itself
            return ()
        newest = sorted(incident.causes.items(), key=lambda item: item[1].last, reverse=True)
        return tuple(_part(cause) for _, cause in newest[:MAX_PARTS])

    def _links(self, facts: Facts) -> Iterator[Link]:
        if not self._base:
            return
        if facts.run_id:
            yield Link("Run", f"{self._base}/runs/{quote(facts.run_id)}")
        if facts.backfill_id:
            yield Link("Backfill", f"{self._base}/runs/b/{quote(facts.backfill_id)}")
        if facts.asset_key:
            asset = f"{self._base}/assets/{quote(facts.asset_key)}"
            partition = (
                f"?view=partitions&partition={quote(facts.partition_key, safe='')}"
                if facts.partition_key
                else ""
            )
            yield Link("Asset", asset + partition)
            if facts.check_name:
                check = quote(facts.check_name, safe="")
                yield Link("Check", f"{asset}?view=checks&checkDetail={check}")
        if facts.signal.startswith("tick."):
            kind, _, name = facts.subject.partition(" ")
            path = f"locations/{quote(self._location, safe='')}/{kind}s/{quote(name, safe='')}"
            yield Link(kind.capitalize(), f"{self._base}/{path if self._location else 'automation'}")
        if facts.signal.startswith("daemon."):
            yield Link("Daemons", f"{self._base}/deployment/daemons")

    def _time(self, moment: datetime) -> str:
        return f"{moment.astimezone(self._zone):%Y-%m-%d %H:%M:%S %Z}"


def untold_of(incident: Incident, told: Told) -> dict[str, int]:
    """How often each cause happened since the recipient was told last; only those that did."""
    counts = {name: count - told.counts.get(name, 0) for name, count in incident.counts.items()}
    return {name: count for name, count in counts.items() if count > 0}


def _part(cause: Cause) -> Part:
    facts = cause.about
    places = [place for place in cause.places if place]
    where = f" ({_listed(places)})" if places else ""
    return Part(facts.title + where, cause.count, facts.first_line or facts.description, cause.ok)


def _advice(facts: Facts) -> str:
    """What to do next; a hook's circuit that is open closes by itself, one that is disabled does not."""
    found = _ADVICE.get(f"{facts.signal} {facts.status}") or _ADVICE.get(facts.signal, "")
    return found.replace("HOOK", facts.hook or "")


def _step(facts: Facts) -> str | None:
    """Its name, unless it is only the asset's, or the check's, written otherwise."""
    asset = (facts.asset_key or "").replace("/", "__")
    return None if facts.step_key in (asset, f"{asset}_{facts.check_name}") else facts.step_key


def _roll_up(facts: Facts) -> str:
    """How a run or a backfill ended."""
    counts = {name: value for name, value in facts.details.items() if isinstance(value, int)}
    told = outcome(counts) if facts.event_type == "backfill.end" else ""
    return f"{facts.title}: {told}." if told else f"{facts.title}."


def _listed(names: Any) -> str:
    names = list(names)
    more = f" and {len(names) - MAX_PLACES} more" if len(names) > MAX_PLACES else ""
    return ", ".join(names[:MAX_PLACES]) + more


def _several(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
