"""What an event says in a sentence, besides its title and its error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from phlo_hooks.durations import in_words
from phlo_hooks.events import HookEvent


def description_of(event: HookEvent) -> str:
    """Its own description, or what follows from its fields; empty if there is nothing more to say."""
    own = getattr(event, "description", None)
    written = _BY_TYPE.get(event.event_type)
    return own or (written(event) if written else "") or ""


def outcome(partitions: Mapping[str, int]) -> str:
    """What became of the partitions of a backfill."""
    told = ", ".join(f"{count:,} {_WORDS.get(name, name)}" for name, count in partitions.items())
    return f"of {sum(partitions.values()):,} partitions {told}" if told else ""


_WORDS = {"success": "succeeded", "failure": "failed", "missing": "did not begin"}


def _requested(event: Any) -> str:
    return f"It is about {event.partitions.get('requested', 0):,} partitions."


def _ended(event: Any) -> str:
    return _sentence(outcome(event.partitions))


def _waits(event: Any) -> str:
    where = "in the queue" if event.phase == "queued" else "for its process to begin"
    return f"It has been waiting {where} for {in_words(event.duration or 0)}."


def _executes(event: Any) -> str:
    return f"It has been executing for {in_words(event.duration or 0)}."


def _columns(event: Any) -> str:
    changes = {
        "Gone": (_column(each.name, each.type) for each in event.removed),
        "Of another type": (
            f"{each.name} from {each.before or 'none'} to {each.after or 'none'}" for each in event.retyped
        ),
        "New": (_column(each.name, each.type) for each in event.added),
    }
    return " ".join(_listed(changes))


def _listed(changes: Mapping[str, Iterable[str]]) -> Iterator[str]:
    for what, each in changes.items():
        names = ", ".join(each)
        if names:
            yield f"{what}: {names}."


def _column(name: str, kind: str | None) -> str:
    return f"{name} {kind}" if kind else name


def _reasons(event: Any) -> str:
    return _sentence("; ".join(event.reasons))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _drifts(event: Any) -> str:
    if event.current is None or event.baseline is None:
        return ""
    change = "" if event.change is None else f" ({100 * event.change:+.0f} %)"
    return f"It is {event.current:g}, where {event.baseline:g} is usual{change}."


def _models(event: Any) -> str:
    return f"Models: {', '.join(event.model_names)}." if event.model_names else ""


_BY_TYPE: Mapping[str, Callable[[Any], str]] = {
    "run.stuck": _waits,
    "run.long_running": _executes,
    "asset.health_changed": _reasons,
    "schema.changed": _columns,
    "drift.detected": _drifts,
    "backfill.start": _requested,
    "backfill.end": _ended,
    "semantic.refreshed": _models,
    "semantic.refresh_failed": _models,
    "hook.enabled": lambda event: _sentence(event.reason or ""),
}
