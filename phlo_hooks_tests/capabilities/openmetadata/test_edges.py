"""What an edge says: ours put to what others wrote, and taken out again."""

from typing import Any

import pytest

from phlo_hooks.capabilities.openmetadata.kept import digest
from phlo_hooks.capabilities.openmetadata.lineage.edges import (
    Edge,
    Pairs,
    Wrote,
    after_writing,
    merged,
    pairs_of,
    without,
)
from phlo_hooks.capabilities.openmetadata.pipelines.run_ledger import TaskRun

OURS = {"id": "p1", "type": "pipeline"}
THEIRS = {"id": "p2", "type": "pipeline", "fullyQualifiedName": "airflow.etl"}
OLDER = {"id": "p3", "type": "pipeline", "fullyQualifiedName": "dagster.old"}
AB: Pairs = frozenset({("up.a", "t.b")})
NONE: Pairs = frozenset()


def entry(column: str, *sources: str, **more: Any) -> dict[str, Any]:
    """One entry of the column lineage."""
    return {"fromColumns": list(sources), "toColumn": column, **more}


def test_a_new_edge() -> None:
    """It says what is known, and no more."""
    assert merged(None, Edge(), NONE, Wrote(), "dagster") == {
        "source": "PipelineLineage",
        "columnsLineage": [],
    }
    assert merged(None, Edge(AB, OURS, "select 1"), NONE, Wrote(), "dagster") == {
        "source": "PipelineLineage",
        "columnsLineage": [entry("t.b", "up.a")],
        "pipeline": OURS,
        "sqlQuery": "select 1",
    }


def test_what_is_not_ours_is_repeated() -> None:
    """Also what nobody here knows; but not what the server stamps, nor what is empty."""
    there = {
        "columnsLineage": [entry("t.b", "up.x", function="sum"), entry("t.c", "up.c")],
        "pipeline": THEIRS,
        "sqlQuery": "select 0",
        "description": "by hand",
        "source": "Manual",
        "assetEdges": 2,
        "tempLineageTables": [{"fromEntity": "x"}],
        "createdAt": 1,
        "createdBy": "ana",
        "updatedAt": 2,
        "updatedBy": "bot",
        "unsaid": None,
    }
    assert merged(there, Edge(AB, OURS, "select 1"), NONE, Wrote(), "dagster") == {
        "columnsLineage": [entry("t.b", "up.x", "up.a", function="sum"), entry("t.c", "up.c")],
        "pipeline": {"id": "p2", "type": "pipeline"},
        "sqlQuery": "select 0",
        "description": "by hand",
        "source": "Manual",
        "assetEdges": 2,
        "tempLineageTables": [{"fromEntity": "x"}],
    }
    assert there["columnsLineage"][0]["fromColumns"] == ["up.x"]


@pytest.mark.parametrize(
    ("there", "edge", "gone", "wrote"),
    [
        pytest.param({}, Edge(), NONE, Wrote(), id="nothing"),
        pytest.param(
            {"columnsLineage": [entry("t.b", "up.z", "up.a")]}, Edge(AB), NONE, Wrote(), id="columns"
        ),
        pytest.param({"pipeline": THEIRS}, Edge(pipeline=OURS), NONE, Wrote(), id="pipeline of others"),
        pytest.param({"pipeline": {**OLDER, **OURS}}, Edge(pipeline=OURS), NONE, Wrote(), id="same pipeline"),
        pytest.param({"sqlQuery": "select 0"}, Edge(sql="select 1"), NONE, Wrote(), id="SQL of others"),
        pytest.param(
            {"columnsLineage": [entry("t.b", "up.a")]}, Edge(AB), AB, Wrote(AB), id="both said and gone"
        ),
    ],
)
def test_nothing_to_write(there: dict[str, Any], edge: Edge, gone: Pairs, wrote: Wrote) -> None:
    """It says all of it already."""
    assert merged(there, edge, gone, wrote, "dagster") is None


def test_what_is_ours_is_brought_up_to_date() -> None:
    """An older pipeline below our service, a statement that we wrote, columns that are gone."""
    there = {
        "columnsLineage": [entry("t.b", "up.a", "up.x"), entry("t.c", "up.c")],
        "pipeline": OLDER,
        "sqlQuery": "select 1",
    }
    gone: Pairs = frozenset({("up.a", "t.b"), ("up.c", "t.c")})
    wrote = Wrote(gone, digest("select 1"), True)
    edge = Edge(frozenset({("up.d", "t.d")}), OURS, "select 2")
    told = merged(there, edge, gone, wrote, "dagster")
    assert told == {
        "columnsLineage": [entry("t.b", "up.x"), entry("t.d", "up.d")],
        "pipeline": OURS,
        "sqlQuery": "select 2",
    }
    assert after_writing(there, told, edge, gone, wrote) == Wrote(edge.columns, digest("select 2"), True)


def test_what_was_there_before_does_not_become_ours() -> None:
    """Only what was added, and only an edge that was not there was created."""
    there = {"columnsLineage": [entry("t.b", "up.a")], "sqlQuery": "select 1"}
    edge = Edge(AB | {("up.c", "t.c")}, None, "select 1")
    told = merged(there, edge, NONE, Wrote(), "dagster")
    assert after_writing(there, told, edge, NONE, Wrote()) == Wrote(frozenset({("up.c", "t.c")}), None, False)


@pytest.mark.parametrize(
    ("more", "wrote", "left"),
    [
        pytest.param({}, Wrote(AB, digest("select 1"), True), None, id="all of it is ours"),
        pytest.param({}, Wrote(AB, digest("select 1"), False), {"columnsLineage": []}, id="was there before"),
        pytest.param(
            {"description": "x"},
            Wrote(AB, digest("select 1"), True),
            {"columnsLineage": [], "description": "x"},
            id="described by hand",
        ),
        pytest.param(
            {}, Wrote(AB, None, True), {"columnsLineage": [], "sqlQuery": "select 1"}, id="SQL of others"
        ),
        pytest.param(
            {},
            Wrote(NONE, digest("select 1"), True),
            {"columnsLineage": [entry("t.b", "up.a")]},
            id="columns of others",
        ),
        pytest.param(
            {"pipeline": THEIRS},
            Wrote(AB, digest("select 1"), True),
            {"columnsLineage": [], "pipeline": {"id": "p2", "type": "pipeline"}},
            id="pipeline of others",
        ),
    ],
)
def test_without_ours(more: dict[str, Any], wrote: Wrote, left: dict[str, Any] | None) -> None:
    """The edge goes with it, where it was made here and says nothing else."""
    there = {"columnsLineage": [entry("t.b", "up.a")], "pipeline": OLDER, "sqlQuery": "select 1", **more}
    source = {"source": "PipelineLineage"}
    assert without({**there, **source}, wrote, "dagster") == (None if left is None else {**left, **source})


def test_an_edge_that_became_somebody_elses() -> None:
    """Its source says so."""
    assert without({"source": "Manual"}, Wrote(created=True), "dagster") == {
        "source": "Manual",
        "columnsLineage": [],
    }


def test_columns() -> None:
    """An entry without a column of the table names none."""
    said = {"columnsLineage": [entry("t.b", "up.a", "up.c"), {"fromColumns": ["up.d"]}, {"toColumn": "t.x"}]}
    assert pairs_of(said) == {("up.a", "t.b"), ("up.c", "t.b")}
    assert pairs_of({}) == pairs_of({"columnsLineage": None}) == frozenset()


@pytest.mark.parametrize(
    ("before", "now", "both"),
    [
        pytest.param(("started", 1, 5, None), ("success", 1, 5, 9), ("success", 1, 5, 9), id="ends"),
        pytest.param(("success", 1, 5, 9), ("started", 1, 5, None), ("success", 1, 5, 9), id="late start"),
        pytest.param(
            ("success", 1, 5, 7), ("failure", 1, 5, 9), ("failure", 1, 5, 9), id="one of two failed"
        ),
        pytest.param(("failure", 1, 5, 7), ("success", 1, 6, 9), ("failure", 1, 5, 9), id="or the other"),
        pytest.param(("failure", 1, 5, 7), ("success", 2, 8, 9), ("success", 2, 8, 9), id="the next attempt"),
        pytest.param(("success", 2, 8, 9), ("failure", 1, 5, 7), ("success", 2, 8, 9), id="an older attempt"),
        pytest.param(
            ("success", 1, 5, 7), ("skipped", 1, None, 7), ("success", 1, 5, 7), id="one was skipped"
        ),
    ],
)
def test_a_task_so_far(before: Any, now: Any, both: Any) -> None:
    """Whatever order its events come in."""

    def task(status: str, attempt: int, start: int | None, end: int | None) -> TaskRun:
        return TaskRun("load", "load", attempt, status, start, end)

    assert task(*now).after(task(*before)) == task(*both)
    assert task(*now).after(None) == task(*now)
