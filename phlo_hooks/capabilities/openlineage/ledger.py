"""What is remembered from one event to the next: which runs have begun and ended, and where datasets are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from phlo_hooks.errors import StoreError
from phlo_hooks.state import StateChange, StateEntry, StateStore

# A run that takes longer has its start told twice.
_RUNS_KEPT = timedelta(days=7)
_TRIES = 8


@dataclass(frozen=True)
class Place:
    """Where a dataset was when it was last written, and from what it was computed.

    Args:
        upstream: keys of assets; those that only a column lineage names, too.
    """

    table_name: str | None = None
    uri: str | None = None
    storage_kind: str | None = None
    upstream: tuple[str, ...] = ()


@dataclass(frozen=True)
class Told:
    """What was sent of a run: the `event_id`s that its start and its end came from."""

    start: str | None = None
    end: str | None = None


@dataclass
class Page:
    """What one event needs of the memory, and what is to be remembered of it.

    Args:
        known: as it was read.
        news: what has changed, by key.
    """

    known: Mapping[str, StateEntry]
    news: dict[str, Any] = field(default_factory=dict)

    def told(self, run_id: str) -> Told:
        """What was sent of a run."""
        return Told(**(self._value(_run(run_id)) or {}))

    def tell(self, run_id: str, told: Told) -> None:
        """Something of a run was sent."""
        self._keep(_run(run_id), asdict(told))

    def place(self, key: str) -> Place:
        """Where an asset's dataset was."""
        found = self._value(_dataset(key)) or {}
        return Place(**{**found, "upstream": tuple(found.get("upstream", ()))})

    def put(self, key: str, place: Place) -> None:
        """An asset's dataset is there now."""
        self._keep(_dataset(key), {**asdict(place), "upstream": list(place.upstream)})

    def run_tags(self, run_id: str | None) -> dict[str, str] | None:
        """The tags of a Dagster run, as far as names are made of them; None where nobody said."""
        return self._value(_tags(run_id)) if run_id else None

    def tag_run(self, run_id: str, tags: Mapping[str, str]) -> None:
        """A Dagster run has these."""
        self._keep(_tags(run_id), dict(tags))

    def _value(self, key: str) -> Any:
        entry = self.known.get(key)
        return self.news.get(key, entry.value if entry else None)

    def _keep(self, key: str, value: Any) -> None:
        if value != self._value(key):
            self.news[key] = value


class Ledger:
    """The memory of an OpenLineageResource.

    Args:
        state: keeps it.
        clock: the time, aware.
    """

    def __init__(self, state: StateStore, clock: Callable[[], datetime]) -> None:
        self._state, self._clock = state, clock

    def open(self, *, run_id: str | None, dagster_run: str | None, assets: Iterable[str]) -> Page:
        """What is known of a run, the Dagster run that it is part of, and some assets."""
        keys = [_dataset(key) for key in assets]
        keys += [_run(run_id)] if run_id else []
        keys += [_tags(dagster_run)] if dagster_run else []
        return Page(self._state.get_many(keys))

    def close(self, page: Page) -> None:
        """Remember what is new.

        Raises:
            StoreError: the store is down, or others write the same without end.
        """
        known = page.known
        for _ in range(_TRIES):
            if not page.news or self._state.commit([self._change(page, known, key) for key in page.news]):
                return
            # Another relay told of the same dataset: whoever comes last is right.
            known = self._state.get_many(page.news)
        raise StoreError(f"{next(iter(page.news))!r} is written all the time; it is tried again")

    def _change(self, page: Page, known: Mapping[str, StateEntry], key: str) -> StateChange:
        version = known[key].version if key in known else 0
        until = None if key.startswith(_DATASET) else self._clock() + _RUNS_KEPT
        return StateChange(key, page.news[key], version, until)


_DATASET = "dataset/"
# Of the 512 characters that a key of the store may have; the rest is for what stands before.
_LONGEST = 400


def kept_key(asset_key: str) -> str:
    """An asset's key as part of a key of the store; a long one by what it hashes to."""
    return asset_key if len(asset_key) <= _LONGEST else sha256(asset_key.encode()).hexdigest()


def _dataset(key: str) -> str:
    return _DATASET + kept_key(key)


def _run(run_id: str) -> str:
    return f"run/{run_id}"


def _tags(run_id: str) -> str:
    return f"tags/{run_id}"
