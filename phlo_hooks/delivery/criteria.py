"""A selection in SQL."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import Boolean, ColumnElement, literal, literal_column, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from phlo_hooks.delivery.columns import exact
from phlo_hooks.delivery.records import DeliveryState
from phlo_hooks.delivery.schema import hook_deliveries, hook_events
from phlo_hooks.delivery.selection import Selection

_event = hook_events.c
_delivery = hook_deliveries.c

# Written out, not bound: a database takes a partial index only for what it can read in the statement.
IS_DEAD = _delivery.state == literal_column("'dead'")
IS_OPEN = _delivery.next_attempt_at.is_not(None)
IS_SETTLED = _delivery.next_attempt_at.is_(None)

_OPEN_STATES = frozenset({DeliveryState.PENDING, DeliveryState.RETRYING})


class Fits(FunctionElement[bool]):
    """Whether a column fits a pattern of `*` and `?`; upper and lower case differ, on every database."""

    type = Boolean()
    inherit_cache = True
    name = "fits"

    def __init__(self, column: ColumnElement[Any], pattern: str) -> None:
        super().__init__(column, literal(_like(pattern)), literal(pattern.replace("[", "[[]")))


@compiles(Fits)
def _fits(element: Fits, compiler: Any, **kwargs: Any) -> str:
    column, like, _ = (compiler.process(each, **kwargs) for each in _parts(element, skip=2))
    return f"{column} LIKE {like} ESCAPE '!'"


@compiles(Fits, "sqlite")
def _fits_on_sqlite(element: Fits, compiler: Any, **kwargs: Any) -> str:
    """SQLite's LIKE does not tell upper from lower case."""
    column, _, glob = (compiler.process(each, **kwargs) for each in _parts(element, skip=1))
    return f"{column} GLOB {glob}"


def _parts(element: Fits, skip: int) -> list[Any]:
    """The clauses; the one that this database does not use must not become a parameter."""
    parts: list[Any] = list(element.clauses)
    parts[skip] = literal_column("''")
    return parts


def _like(pattern: str) -> str:
    for special in "!%_":
        pattern = pattern.replace(special, f"!{special}")
    return pattern.replace("*", "%").replace("?", "_")


def event_criteria(selection: Selection) -> Iterator[ColumnElement[bool]]:
    """What a selection asks of an event itself."""
    if selection.ids is not None:
        yield _event.event_id.in_([exact(event_id) for event_id in selection.ids])
    if selection.run_id is not None:
        yield _event.run_id == exact(selection.run_id)
    if selection.since is not None:
        yield _event.timestamp >= selection.since
    if selection.until is not None:
        yield _event.timestamp < selection.until
    yield from _named(_event.event_type, selection.event_type)
    yield from _named(_event.asset_key, selection.asset_key)


def delivery_criteria(selection: Selection) -> Iterator[ColumnElement[bool]]:
    """What a selection asks of a delivery."""
    yield from _named(_delivery.hook, selection.hook)
    if selection.scope is not None:
        yield _delivery.scope == selection.scope
    if selection.states is not None:
        yield from _in_states(frozenset(selection.states))


def events_selected(selection: Selection) -> Iterator[ColumnElement[bool]]:
    """All that a selection asks of an event, its deliveries included."""
    yield from event_criteria(selection)
    asked = list(delivery_criteria(selection))
    if asked:
        yield select(_delivery.id).where(_delivery.event_row == _event.id, *asked).exists()


def deliveries_selected(selection: Selection) -> Iterator[ColumnElement[bool]]:
    """All that a selection asks of a delivery, its event included."""
    yield from delivery_criteria(selection)
    yield from event_criteria(selection)


def deliveries_alone(selection: Selection) -> Iterator[ColumnElement[bool]]:
    """As `deliveries_selected`, without a join: PostgreSQL would sort it all for each page."""
    yield from delivery_criteria(selection)
    asked = list(event_criteria(selection))
    if asked:
        yield select(_event.id).where(_event.id == _delivery.event_row, *asked).exists()


def _named(column: ColumnElement[Any], name: str | None) -> Iterator[ColumnElement[bool]]:
    if name is not None:
        yield Fits(column, name) if set(name) & set("*?") else column == name


def _in_states(states: Collection[DeliveryState]) -> Iterator[ColumnElement[bool]]:
    if states == {DeliveryState.DEAD}:
        yield IS_DEAD
        return
    if states and _OPEN_STATES.issuperset(states):
        yield IS_OPEN
    yield _delivery.state.in_([state.value for state in states])
