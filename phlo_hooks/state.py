"""What a capability may ask of the place where it runs: memory that lasts, and a way to tell.

Memory and telling are one transaction: what a capability remembers of an event, and the events that follow
from it, are both there or neither is. So an event that is delivered twice can be recognised, and counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol, runtime_checkable

from phlo_hooks.assets import AssetGraph, NoAssets
from phlo_hooks.events import HookEvent
from phlo_hooks.registration import HookRegistration


@dataclass(frozen=True)
class StateEntry:
    """A kept value; `version` grows with each write and is what a `StateChange` compares."""

    namespace: str
    key: str
    value: Any
    version: int
    updated_at: datetime
    expires_at: datetime | None


class StateChange(NamedTuple):
    """A value to keep, if nobody wrote meanwhile.

    Args:
        key: at most 512 characters.
        value: anything that JSON can say.
        version: of the entry that was read; 0 when there was none.
        expires_at: from when on it counts as absent; an instant that has passed deletes.
    """

    key: str
    value: Any
    version: int = 0
    expires_at: datetime | None = None


class StateStore(Protocol):
    """Small values by key, in a namespace of its own for each plugin and code location."""

    def get(self, key: str) -> StateEntry | None:
        """What is kept there; None for nothing."""

    def get_many(self, keys: Iterable[str]) -> Mapping[str, StateEntry]:
        """What is kept under these keys, in one look; those without anything are left out."""

    def list(self, prefix: str = "") -> Sequence[StateEntry]:
        """All that is kept under keys that begin with `prefix`, by key."""

    def commit(self, changes: Sequence[StateChange], events: Iterable[HookEvent] = ()) -> bool:
        """Keep all changes and emit `events` to the hooks that want them; all of it, or nothing.

        Returns:
            False when somebody has written one of the keys since it was read: nothing was kept or emitted.

        Raises:
            StoreError: a key is too long, a value is not JSON, or the store is down.
        """


@dataclass(frozen=True)
class Host:
    """Where a capability runs.

    Args:
        state: its memory.
        location: the code location; empty where there is none.
        select_assets: the keys that a Dagster asset selection stands for, such as `group:"marts"`.
        clock: the time, aware.
        plugin: the name that the capability has there; two may be alike in all else.
        assets: what the definitions say of the assets.
        shared: a memory that it has in common with itself in all code locations.
    """

    state: StateStore
    location: str
    select_assets: Callable[[str], frozenset[str]]
    clock: Callable[[], datetime]
    plugin: str = ""
    assets: AssetGraph = field(default_factory=NoAssets)
    shared: StateStore | None = None


@runtime_checkable
class HostedHookProvider(Protocol):
    """A provider whose hooks remember, or tell: it gets to know where it runs before they are called.

    A resource of this kind is not set up by Dagster: it looks up an `EnvVar` itself, when it needs the value.
    """

    def get_hooks(self) -> Iterable[HookRegistration]:
        """As of `HookProvider`: their names, filters and policies, without a place to run."""

    def hooks_on(self, host: Host) -> Iterable[HookRegistration]:
        """The same hooks, ready to be called."""

    def check(self, select_assets: Callable[[str], frozenset[str]]) -> None:
        """Refuse, when definitions load, what can never work with these assets.

        Args:
            select_assets: as of `Host`.

        Raises:
            ConfigurationError: the message names what it is about, and the next step.
        """


@runtime_checkable
class AssetAnnotator(Protocol):
    """A provider that has something to say of assets, for people who look at them in Dagster's UI."""

    def annotations(self, assets: AssetGraph) -> Mapping[str, str]:
        """Markdown by asset key; without asking anybody over a network. Called when definitions load."""
