"""The parts of what is told to OpenMetadata, each brought up to date, and what came of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from phlo_hooks.capabilities.openmetadata.client import Change
from phlo_hooks.capabilities.openmetadata.lineage.writer import LineageWriter
from phlo_hooks.capabilities.openmetadata.pipelines.writer import PipelineWriter
from phlo_hooks.capabilities.openmetadata.quality.writer import QualityWriter
from phlo_hooks.capabilities.openmetadata.resource import (
    LINEAGE,
    PIPELINES,
    QUALITY,
    TABLES,
    OpenMetadataResource,
    Writer,
)
from phlo_hooks.capabilities.openmetadata.rounds import RefusedError
from phlo_hooks.capabilities.openmetadata.setup import Setup
from phlo_hooks.capabilities.openmetadata.tables.writer import TableWriter
from phlo_hooks.cli.output import events_of
from phlo_hooks.errors import ConfigurationError, DeliveryError, RetryLater

# In this order: an edge and a test case need their tables, an edge the pipeline that it names.
_WRITERS: dict[str, Callable[[Setup], Writer]] = {
    TABLES: TableWriter,
    PIPELINES: PipelineWriter,
    LINEAGE: LineageWriter,
    QUALITY: partial(QualityWriter, patient=False),
}
PARTS = tuple(_WRITERS)
# A rate limit is mostly one by the minute; whoever asks for more is better asked another time.
_TRIES, _LONGEST_PAUSE = 5, 60.0
_FOR_ASSET = re.compile(r"for asset (\S.*)$")


@dataclass(frozen=True)
class Outcome:
    """What came of a part.

    Args:
        part: its name.
        changes: the writes, made or (in a dry run) to be made.
        unchanged: how many assets were looked at, and needed no write; None of what is about no asset.
        events: how many events were looked at; None where it was the definitions.
        problems: why something could not be written.
    """

    part: str
    changes: tuple[Change, ...] = ()
    unchanged: int | None = None
    events: int | None = None
    problems: tuple[str, ...] = ()

    def said(self, *, dry: bool) -> str:
        """In words."""
        looked = "" if self.events is None else f" of {events_of(self.events)}"
        return f"{self.part}{looked}: {', '.join(self._words(dry=dry))}"

    def document(self, *, dry: bool) -> dict[str, Any]:
        """As JSON."""
        shown = [{"method": each.method, "path": each.path, "about": each.about} for each in self.changes]
        return {
            "part": self.part,
            "dry_run": dry,
            **self._counts(dry=dry),
            "unchanged": self.unchanged,
            "events": self.events,
            **({"changes": shown} if dry else {}),
            "problems": list(self.problems),
        }

    def _words(self, *, dry: bool) -> Iterator[str]:
        verb = "would be " if dry else ""
        told = [f"{number} {verb}{done}" for done, number in self._counts(dry=dry).items() if number]
        yield from told or ["nothing to write"]
        if self.unchanged is not None:
            yield f"{self.unchanged} unchanged"
        if self.problems:
            yield f"{len(self.problems)} not written"

    def _counts(self, *, dry: bool) -> dict[str, int]:
        if dry:
            return {"written": len(self.changes)}
        created = sum(each.created for each in self.changes)
        return {"created": created, "updated": len(self.changes) - created}


class Parts:
    """The writers of a resource.

    Args:
        resource: whose.
        setup: where to write.
        only: the names of those that are wanted; all that the resource has on, else.

    Raises:
        ConfigurationError: none of them is on.
    """

    def __init__(self, resource: OpenMetadataResource, setup: Setup, only: Sequence[str] = ()) -> None:
        wanted = [name for name in PARTS if name in (only or PARTS)]
        on = [name for name in wanted if getattr(resource, name, True)]
        if not on:
            raise ConfigurationError(f"{' and '.join(wanted)} is off: set {wanted[0]}=True on the resource")
        self._setup = setup
        self._writers = {name: _WRITERS[name](setup) for name in on}
        self._seen: set[tuple[str, str, str]] = set()

    def __iter__(self) -> Iterator[str]:
        return iter(self._writers)

    def sync(self, name: str) -> Outcome:
        """Bring a part up to date with the definitions."""
        assets = self._setup.assets
        mapped = [key for key in assets.keys() if self._setup.mapped(key).fqn is not None]  # noqa: SIM118  # no mapping
        problems = list(_problems(self._writers[name].sync))
        changes = self._changes()
        touched = {found[1] for each in changes if (found := _FOR_ASSET.search(each.about))}
        unchanged = None if name == PIPELINES else len([key for key in mapped if key not in touched])
        return Outcome(name, changes, unchanged, problems=tuple(problems))

    def tell(self, name: str, deliveries: Iterable[Callable[[Writer], object]]) -> Outcome:
        """Hand events to a part, one after the other.

        Args:
            name: of the part.
            deliveries: each hands one event to a writer.
        """
        writer, problems, number = self._writers[name], dict[str, None](), 0
        for number, deliver in enumerate(deliveries, 1):  # noqa: B007  # how many there were
            problems |= dict.fromkeys(_problems(lambda deliver=deliver: deliver(writer)))  # type: ignore[misc]
        return Outcome(name, self._changes(), events=number, problems=tuple(problems))

    def _changes(self) -> tuple[Change, ...]:
        """Those since the last time; of a dry run, in which nothing comes to be there, each only once."""
        client = self._setup.client
        made = tuple(client.changes)
        client.changes.clear()
        return tuple(each for each in made if self._is_new(each)) if client.dry else made

    def _is_new(self, change: Change) -> bool:
        key = (change.method, change.path, repr(change.body))
        is_new = key not in self._seen
        self._seen.add(key)
        return is_new


def _problems(work: Callable[[], object]) -> Iterator[str]:
    """Why it could not be done, if it could not; what is no problem of one asset ends the part."""
    try:
        _patiently(work)
    except RefusedError as exc:
        yield from exc.refused
    except (DeliveryError, ConfigurationError) as exc:
        yield str(exc)


def _patiently(work: Callable[[], object]) -> None:
    """Do it again after the pause that a server asks for, or when a relay was faster; nothing twice."""
    for _ in range(_TRIES):
        try:
            work()
            return
        except RetryLater as exc:
            if exc.after > _LONGEST_PAUSE:
                raise
            time.sleep(exc.after)
    work()
