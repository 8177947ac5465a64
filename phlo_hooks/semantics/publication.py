"""One asset, one partition: whether it was published, and in which version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from phlo_hooks.events import AssetEvent, QualityResultEvent


@dataclass(frozen=True)
class Publication:
    """What the end of an asset's step says.

    Args:
        ok: whether it was published; a failed or skipped step leaves what was there before.
        at: when, in seconds since 1970.
        version: of the data, as Dagster has it.
        schema: a digest of the columns; None where they are not told.
    """

    asset_key: str
    partition_key: str | None
    ok: bool
    at: float
    event_id: str
    version: str | None = None
    schema: str | None = None
    backfill_id: str | None = None

    @staticmethod
    def of(event: AssetEvent) -> Publication:
        """As an event tells it."""
        return Publication(
            event.asset_key or "",
            event.partition_key,
            event.status == "success",
            event.timestamp.timestamp(),
            event.event_id,
            event.data_version,
            _schema(event),
            event.correlation.backfill_id,
        )

    def dump(self) -> dict[str, Any]:
        """As JSON can say it."""
        return asdict(self)


@dataclass(frozen=True)
class Verdict:
    """What a blocking check says."""

    asset_key: str
    partition_key: str | None
    passed: bool
    at: float

    @staticmethod
    def of(event: QualityResultEvent) -> Verdict:
        """As an event tells it. A failure of severity WARN does not block, as in Dagster."""
        passed = bool(event.passed) or event.severity in ("INFO", "WARN")
        crashed = event.event_type == "quality.error"
        return Verdict(
            event.asset_key, event.partition_key, passed and not crashed, event.timestamp.timestamp()
        )

    def about(self, publication: Publication) -> bool:
        """Whether it is about what was published; a check without a partition is about all of them."""
        same = self.asset_key == publication.asset_key
        return same and self.partition_key in (None, publication.partition_key)

    def dump(self) -> dict[str, Any]:
        """As JSON can say it."""
        return asdict(self)


def later(known: Mapping[str, Any] | None, at: float) -> bool:
    """Whether something that was said at this time is not older than what is known."""
    return known is None or at >= known["at"]


def _schema(event: AssetEvent) -> str | None:
    """Of all columns; of a list that was cut nobody knows."""
    if not event.columns or any(path.partition(".")[0] == "columns" for path in event.truncated):
        return None
    columns = sorted((column.name, _spelled(column.type)) for column in event.columns)
    return hashlib.sha256(json.dumps(columns).encode()).hexdigest()[:16]


def _spelled(type_: str | None) -> str | None:
    """Without what is only another way of writing it."""
    return None if type_ is None else "".join(type_.split()).casefold()
