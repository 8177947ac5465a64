"""Columns that come, go and change their type: each change once, whatever comes twice or late."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from phlo_hooks.events import Column, SchemaChangeEvent
from phlo_hooks.identity import follow_up_id
from phlo_hooks.limits import bounded
from phlo_hooks.monitors.schema import SchemaMonitor
from phlo_hooks_tests.monitors.cases import ASSET, checked, ended, followed, table

MONITOR = SchemaMonitor()


def names(event: SchemaChangeEvent) -> dict[str, list[str]]:
    """A change in a form that can be read: `name type`, `name before -> after`."""
    columns = lambda found: [f"{column.name} {column.type}" for column in found]  # noqa: E731
    retyped = [f"{each.name} {each.before} -> {each.after}" for each in event.retyped]
    found = {"added": columns(event.added), "removed": columns(event.removed), "retyped": retyped}
    return {kind: values for kind, values in found.items() if values}


CHANGES = [
    pytest.param(["id INT"], ["id INT", "n INT"], {"added": ["n INT"]}, False, id="added"),
    pytest.param(["id INT", "n INT"], ["id INT"], {"removed": ["n INT"]}, True, id="removed"),
    pytest.param(["id INT"], ["id BIGINT"], {"retyped": ["id INT -> BIGINT"]}, True, id="retyped"),
    pytest.param(["a INT"], ["b INT"], {"added": ["b INT"], "removed": ["a INT"]}, True, id="renamed"),
    pytest.param(["a INT"], ["A INT"], {"added": ["A INT"], "removed": ["a INT"]}, True, id="a name's case"),
    pytest.param(
        ["s STRUCT(a INT)"],
        ["s STRUCT(a INT, b INT)"],
        {"retyped": ["s STRUCT(a INT) -> STRUCT(a INT, b INT)"]},
        True,
        id="nested",
    ),
]
SAME = [
    pytest.param(["a INT", "b INT"], ["b INT", "a INT"], id="order"),
    pytest.param(["a int"], ["a INT"], id="a type's case"),
    pytest.param(["a DECIMAL(10,2)"], ["a decimal( 10, 2 )"], id="white space"),
    pytest.param(["a"], ["a INT"], id="a type that was not said"),
    pytest.param(["a INT"], ["a"], id="a type that is not said"),
]


@pytest.mark.parametrize(("before", "after", "expected", "breaking"), CHANGES)
def test_changes(before: list[str], after: list[str], expected: dict[str, Any], breaking: bool) -> None:
    """What was added, removed and retyped; whether that may break who reads."""
    _, (event,) = followed(MONITOR, [table(0, *before), table(1, *after)])
    assert (names(event), event.breaking) == (expected, breaking)


@pytest.mark.parametrize(("before", "after"), SAME)
def test_no_change(before: list[str], after: list[str]) -> None:
    """Another way of writing the same."""
    assert followed(MONITOR, [table(0, *before), table(1, *after)])[1] == []


def test_the_event_says_where_and_why() -> None:
    """It carries what the materialization says of its asset, and names it as the cause."""
    cause = table(1, "id INT", "n INT", partition_key="2026-01", tags={"tier": "1"})
    _, (event,) = followed(MONITOR, [table(0, "id INT"), cause])
    assert event == SchemaChangeEvent(
        event_id=follow_up_id("schema.changed", cause.event_id),
        event_type="schema.changed",
        timestamp=cause.timestamp,
        asset_key=ASSET,
        partition_key="2026-01",
        run_id=cause.run_id,
        tags={"tier": "1"},
        group_name="marts",
        kinds=("dbt",),
        owners=("team:data",),
        correlation=cause.correlation.model_copy(update={"causation_id": cause.event_id}),
        added=(Column(name="n", type="INT"),),
    )


def test_an_added_column_keeps_all_that_is_said_of_it() -> None:
    """Description, nullability and tags."""
    column = {"name": "n", "type": "INT", "description": "rows", "nullable": False, "tags": {"pii": "no"}}
    _, (event,) = followed(MONITOR, [table(0, "id INT"), ended(1, columns=({"name": "id"}, column))])
    assert event.added == (Column(**column),)


def test_an_asset_has_one_schema_whatever_the_partition() -> None:
    """A partition with another column changes it."""
    first, second = table(0, "a INT", partition_key="1"), table(1, "b INT", partition_key="2")
    assert len(followed(MONITOR, [first, second])[1]) == 1


SILENT = [
    pytest.param(ended(1), id="no columns"),
    pytest.param(table(1, "b INT", status="failure"), id="failure"),
    pytest.param(table(1, "b INT", status="skipped"), id="skipped"),
    pytest.param(checked(1), id="check"),
]


@pytest.mark.parametrize("event", SILENT)
def test_what_says_nothing_of_columns_is_not_asked_for(event: Any) -> None:
    """The filter lets it not pass."""
    assert MONITOR.filters.matches(table(0, "a INT"))
    assert not MONITOR.filters.matches(event)


def test_columns_that_did_not_fit_into_the_event_are_not_gone() -> None:
    """An event that was cut says nothing of the schema."""
    columns = [f"column_{number} VARCHAR" for number in range(4_000)]
    cut = bounded(table(1, *columns), limit=100_000)
    assert "columns" in cut.truncated[0]
    known, told = followed(MONITOR, [table(0, *columns), cut])
    assert told == []
    assert len(known.columns) == 4_000


TABLES = st.lists(
    st.dictionaries(st.sampled_from("abc"), st.sampled_from(["INT", "TEXT"]), min_size=1),
    min_size=1,
    max_size=6,
)


@st.composite
def histories(draw: Any) -> tuple[list[Any], list[Any]]:
    """What happened, in order; and what is heard of it: any of it late, again, or both."""
    happened = [
        table(minute, *(f"{name} {kind}" for name, kind in columns.items()))
        for minute, columns in enumerate(draw(TABLES))
    ]
    again = draw(st.lists(st.sampled_from(happened), max_size=6))
    return happened, draw(st.permutations(happened + again))


@given(histories())
def test_any_order_leads_to_the_same(history: tuple[list[Any], list[Any]]) -> None:
    """The columns known in the end are those of the latest materialization, whatever came when."""
    happened, heard = history
    assert followed(MONITOR, heard)[0] == followed(MONITOR, happened)[0]


@given(histories())
def test_what_comes_again_tells_nothing(history: tuple[list[Any], list[Any]]) -> None:
    """Repetitions change neither what is told nor what is known; each change is told once."""
    _, heard = history
    once = list(dict.fromkeys(event.event_id for event in heard))
    by_id = {event.event_id: event for event in heard}
    known, told = followed(MONITOR, heard)
    assert (known, told) == followed(MONITOR, [by_id[event_id] for event_id in once])
    assert len({event.event_id for event in told}) == len(told)
    assert (known, []) == followed(MONITOR, heard, known)


@given(TABLES)
def test_the_changes_add_up(tables: list[dict[str, str]]) -> None:
    """Each told change, applied to the columns before it, gives those after it."""
    columns = dict(tables[0])
    events = [
        table(minute, *(f"{name} {kind}" for name, kind in each.items()))
        for minute, each in enumerate(tables)
    ]
    for change in followed(MONITOR, events)[1]:
        columns = {k: v for k, v in columns.items() if k not in {gone.name for gone in change.removed}}
        columns |= {column.name: column.type for column in change.added}
        columns |= {each.name: each.after for each in change.retyped}
    assert columns == tables[-1]
