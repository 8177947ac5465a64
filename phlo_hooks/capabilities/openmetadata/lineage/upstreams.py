"""Which tables a table was computed from: through assets that are no tables, as far as anybody says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from phlo_hooks.assets import AssetInfo
from phlo_hooks.capabilities.openmetadata.mapping import MappedAsset
from phlo_hooks.capabilities.openmetadata.setup import Setup
from phlo_hooks.event_parts import ColumnEdge

# (upstream column, column)
Pairs = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Said:
    """What events say of where an asset comes from, besides the definitions.

    Args:
        upstream: keys of assets.
        columns: of its last materialization that said any.
        sql: whether they tell the statement that computes it.
    """

    upstream: tuple[str, ...] = ()
    columns: tuple[ColumnEdge, ...] = ()
    sql: bool = False


@dataclass(frozen=True)
class Source:
    """An asset with a table that another one was computed from.

    Args:
        columns: of both, by name; none where nobody says.
    """

    asset_key: str
    fqn: str
    columns: Pairs = frozenset()


@dataclass(frozen=True)
class Sources:
    """All that an asset was computed from.

    Args:
        found: those that have a table.
        unresolved: those of which nobody can say whether they have one.
    """

    found: tuple[Source, ...] = ()
    unresolved: tuple[MappedAsset, ...] = ()


class Upstreams:
    """Finds them.

    Args:
        setup: has the definitions and the mapping.
        said: what events say of an asset.
    """

    def __init__(self, setup: Setup, said: Callable[[str], Said]) -> None:
        self._setup, self._said = setup, said

    def of(self, key: str) -> Sources:
        """What an asset was computed from; of one that is ignored, what that was computed from."""
        own = self._setup.mapped(key).fqn
        found: dict[str, Source] = {}
        unresolved: dict[str, MappedAsset] = {}
        for mapped, columns in self._reached(key).items():
            if mapped.fqn is None:
                unresolved[mapped.asset_key] = mapped
            elif mapped.fqn != own:
                before = found[mapped.fqn].columns if mapped.fqn in found else frozenset()
                found[mapped.fqn] = Source(mapped.asset_key, mapped.fqn, before | columns)
        return Sources(tuple(found.values()), tuple(unresolved.values()))

    def _reached(self, key: str) -> dict[MappedAsset, Pairs]:
        """The assets behind those that are ignored, and the columns of each that get to `key`.

        An asset is looked at once more only for columns that are new: of the ways through a graph there may
        be more than anybody can go.
        """
        found: dict[MappedAsset, Pairs] = {}
        through: dict[str, Pairs] = {}
        rest = list(self._above(key))
        for upstream, pairs in rest:
            if upstream == key:
                continue
            mapped = self._setup.mapped(upstream)
            if mapped.status != "ignored":
                found[mapped] = found.get(mapped, frozenset()) | pairs
            elif upstream not in through or not pairs <= through[upstream]:
                through[upstream] = through.get(upstream, frozenset()) | pairs
                rest += [(further, _joined(above, pairs)) for further, above in self._above(upstream)]
        return found

    def _above(self, key: str) -> Iterator[tuple[str, Pairs]]:
        columns = self._columns(key)
        for upstream in self._upstream(key, columns):
            yield upstream, _pairs(columns, upstream)

    def _upstream(self, key: str, columns: Iterable[ColumnEdge]) -> Iterable[str]:
        told = (edge.upstream_asset for edge in columns)
        return dict.fromkeys((*self._info(key).upstream, *self._said(key).upstream, *told))

    def _columns(self, key: str) -> tuple[ColumnEdge, ...]:
        """A materialization knows better than the definitions."""
        return self._said(key).columns or self._info(key).column_lineage

    def _info(self, key: str) -> AssetInfo:
        return self._setup.assets.asset(key) or AssetInfo(key)


def _pairs(columns: Iterable[ColumnEdge], upstream: str) -> Pairs:
    return frozenset(
        (edge.upstream_column, edge.column) for edge in columns if edge.upstream_asset == upstream
    )


def _joined(above: Pairs, below: Pairs) -> Pairs:
    """From the first to the last of three tables, where the one between has the column."""
    return frozenset((first, last) for first, middle in above for other, last in below if middle == other)
