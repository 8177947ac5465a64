"""What is remembered from one event to the next: which runs have begun and ended, and where datasets are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from phlo_hooks.errors import StoreError
from phlo_hooks.state import Host, StateChange, StateEntry, StateStore

# A run that takes longer has its start told twice.
_RUNS_KEPT = timedelta(days=7)
_TRIES = 8


@dataclass(frozen=True)
class Whereabouts:
    """Where a dataset was when it was last written, and from what it was computed.

    Args:
        upstream: keys of assets; those that only a column lineage names, too.
        stated: metadata that says how it is called.
        location: the code location that has written it.
        namespace, name: what it was called there.
    """

    table_name: str | None = None
    uri: str | None = None
    storage_kind: str | None = None
    upstream: tuple[str, ...] = ()
    stated: Mapping[str, str] = field(default_factory=dict)
    location: str | None = None
    namespace: str | None = None
    name: str | None = None

    def called_as(self, other: Whereabouts) -> Whereabouts:
        """With the name that another one has."""
        return replace(self, location=other.location, namespace=other.namespace, name=other.name)


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

    def place(self, key: str) -> Whereabouts:
        """Where an asset's dataset was."""
        found = self._value(_dataset(key)) or {}
        return Whereabouts(**{**found, "upstream": tuple(found.get("upstream", ()))})

    def was_written(self, key: str) -> bool:
        """Whether an asset was ever materialized, as far as anybody here knows."""
        return self._value(_dataset(key)) is not None

    def put(self, key: str, place: Whereabouts) -> None:
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
        shared: keeps where datasets are, for the code locations that read them, too; by default `state`.
    """

    def __init__(
        self, state: StateStore, clock: Callable[[], datetime], shared: StateStore | None = None
    ) -> None:
        self._state, self._clock = state, clock
        self._shared = shared or state

    @classmethod
    def of(cls, host: Host) -> Ledger:
        """That of the place where the resource runs."""
        return cls(host.state, host.clock, host.shared)

    def open(
        self,
        *,
        run_id: str | None,
        dagster_run: str | None,
        assets: Iterable[str],
        computed: str | None = None,
    ) -> Page:
        """What is known of a run, the Dagster run that it is part of, and some assets.

        Args:
            computed: one of them; what it was computed from the last time is looked up, too.
        """
        runs = [*([_run(run_id)] if run_id else []), *([_tags(dagster_run)] if dagster_run else [])]
        places = self._shared.get_many([_dataset(key) for key in assets])
        page = Page({**self._state.get_many(runs), **places})
        before = page.place(computed).upstream if computed else ()
        further = [key for each in before if (key := _dataset(each)) not in places]
        return Page({**page.known, **self._shared.get_many(further)}) if further else page

    def close(self, page: Page) -> None:
        """Remember what is new.

        Raises:
            StoreError: the store is down, or others write the same without end.
        """
        places = {key: value for key, value in page.news.items() if key.startswith(_DATASET)}
        self._commit(self._shared, page.known, places)
        runs = {key: value for key, value in page.news.items() if key not in places}
        self._commit(self._state, page.known, runs, self._clock() + _RUNS_KEPT)

    def _commit(
        self,
        state: StateStore,
        known: Mapping[str, StateEntry],
        news: Mapping[str, Any],
        until: datetime | None = None,
    ) -> None:
        for _ in range(_TRIES):
            if not news or state.commit([_change(known, *item, until) for item in news.items()]):
                return
            # Another relay told of the same dataset: whoever comes last is right.
            known = state.get_many(news)
        raise StoreError(f"{next(iter(news))!r} is written all the time; it is tried again")


def _change(known: Mapping[str, StateEntry], key: str, value: Any, until: datetime | None) -> StateChange:
    return StateChange(key, value, known[key].version if key in known else 0, until)


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
