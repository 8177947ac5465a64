"""Events as JSON Lines."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

import dagster as dg
from pydantic import Field

from phlo_hooks.events import HookEvent
from phlo_hooks.filters import HookFilter
from phlo_hooks.registration import HookRegistration


class FileResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Appends each event to a file as one CloudEvent (CloudEvents 1.0, JSON event format) a line.

    A line is written with a single append, so several processes may write to one file on a local disk. A line
    may come twice, always with the same `id`.
    """

    path: str = Field(description="The file; its folder is made when it is not there.")
    event_types: list[str] = Field(
        default=["*"], description="Event types or patterns, such as ingestion.*; all by default."
    )

    def get_hooks(self) -> Iterable[HookRegistration]:
        """One hook, `append`."""
        yield HookRegistration("append", self._append, filters=HookFilter(event_types=set(self.event_types)))

    def _append(self, event: HookEvent) -> None:
        path = Path(self.path).expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps(event.to_cloudevent(), ensure_ascii=False, separators=(",", ":")) + "\n"
        append(path, line.encode())


def append(path: Path, data: bytes) -> None:
    """Append in one write, so that lines of several processes do not mix.

    Raises:
        OSError: the file cannot be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        written = os.write(descriptor, data)
        if written != len(data):
            # A torn line would spoil the file for every reader; the delivery is tried again as a whole.
            os.write(descriptor, b"\n")
            raise OSError(f"{path}: only {written} of {len(data)} bytes were written; is the disk full?")
    finally:
        os.close(descriptor)
