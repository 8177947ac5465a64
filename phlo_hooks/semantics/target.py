"""What a semantic layer is at: idle, waiting for more to come, or refreshing. There is one of each layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from phlo_hooks.envelope import HookCorrelation
from phlo_hooks.events import SemanticEvent
from phlo_hooks.identity import derive_event_id
from phlo_hooks.semantics import places
from phlo_hooks.semantics.bundle import Bundle, together
from phlo_hooks.semantics.sheet import Sheet

# A step that did not come for so long is among the dead letters, or was discarded.
_LOST_AFTER = timedelta(days=4)
# A backfill that does not end may have been lost with its daemon.
_BACKFILL_HELD = timedelta(days=1)


@dataclass(frozen=True)
class Layer:
    """Whose target it is.

    Args:
        name: key of the resource.
        location: the code location.
    """

    name: str
    location: str

    def event(self, event_type: str, number: int, now: datetime, **fields: Any) -> SemanticEvent:
        """An event of the layer, under an id that is the same whoever makes it."""
        where = HookCorrelation()
        event_id = derive_event_id(event_type, where, self.location, self.name, str(number))
        return SemanticEvent(
            event_id=event_id,
            event_type=event_type,
            timestamp=now,
            layer=self.name,
            location=self.location,
            number=number,
            **fields,
        )


@dataclass
class Running:
    """A refresh that is under way.

    Args:
        started_at: in seconds since 1970.
        begun: whether the layer was asked.
        jobs: as the layer told them.
    """

    bundle: Bundle
    started_at: float
    begun: bool = False
    jobs: Any = None


@dataclass
class Target:
    """The whole of it, as it is kept.

    Args:
        number: counts the steps; that of the one that is to come next.
        step_at: when it is due, in seconds since 1970.
        ready: what the next refresh is about.
        waiting: what waits for the end of a backfill: since when, and what, by the backfill's id.
        failures: refreshes that failed, in a row.
    """

    number: int = 0
    phase: Literal["idle", "waiting", "running"] = "idle"
    step_at: float = 0.0
    ready: Bundle = field(default_factory=Bundle)
    waiting: dict[str, tuple[float, Bundle]] = field(default_factory=dict)
    running: Running | None = None
    failures: int = 0

    def add(self, bundle: Bundle, sheet: Sheet) -> None:
        """Something was published; what has waited too long for its backfill comes along."""
        limit = (sheet.now - _BACKFILL_HELD).timestamp()
        for backfill_id in [key for key, (since, _) in self.waiting.items() if since < limit]:
            bundle += self.released(backfill_id)
        self.ready += bundle

    def hold(self, backfill_id: str, bundle: Bundle, sheet: Sheet) -> None:
        """Something was published by a backfill that is under way."""
        since, before = self.waiting.get(backfill_id, (sheet.now.timestamp(), Bundle()))
        self.waiting[backfill_id] = (since, before + bundle)

    def released(self, backfill_id: str) -> Bundle:
        """What has waited for a backfill, which waits no more."""
        return self.waiting.pop(backfill_id, (0.0, Bundle()))[1]

    def held(self) -> Bundle:
        """All that waits for a backfill."""
        return together(bundle for _, bundle in self.waiting.values())

    def is_lost(self, now: datetime) -> bool:
        """Whether the next step will never come."""
        return self.step_at < (now - _LOST_AFTER).timestamp()

    def step(self, phase: Literal["waiting", "running"], layer: Layer, sheet: Sheet, after: float) -> None:
        """Have the next step come, seconds from now."""
        due = sheet.now + timedelta(seconds=after)
        self.number, self.phase, self.step_at = self.number + 1, phase, due.timestamp()
        sheet.tell(layer.event("semantic.due", self.number, sheet.now, due=due))

    def keep(self, sheet: Sheet) -> None:
        """Keep it."""
        sheet.put(places.TARGET, self._dump())

    def _dump(self) -> dict[str, Any]:
        running = self.running
        return {
            "number": self.number,
            "phase": self.phase,
            "step_at": self.step_at,
            "ready": self.ready.dump(),
            "waiting": {key: [since, each.dump()] for key, (since, each) in self.waiting.items()},
            "running": running
            and {
                "bundle": running.bundle.dump(),
                "started_at": running.started_at,
                "begun": running.begun,
                "jobs": running.jobs,
            },
            "failures": self.failures,
        }

    @staticmethod
    def read(sheet: Sheet) -> Target:
        """As it is kept; idle where nothing is."""
        return Target.load(sheet.get(places.TARGET))

    @staticmethod
    def load(value: Mapping[str, Any] | None) -> Target:
        """From what was kept."""
        if value is None:
            return Target()
        waiting = {key: (since, Bundle.load(each)) for key, (since, each) in value["waiting"].items()}
        running = value["running"]
        return Target(
            value["number"],
            value["phase"],
            value["step_at"],
            Bundle.load(value["ready"]),
            waiting,
            running and Running(**{**running, "bundle": Bundle.load(running["bundle"])}),
            value["failures"],
        )
