"""How many rows there are, and what is known of columns."""

from __future__ import annotations

import pytest

from .bench import COLUMNS, FQN, NOON, Bench, ended, orders, paths
from .server import COLUMN_PROFILE, TABLE_PROFILE

AT = int(NOON.timestamp() * 1000)


def test_a_row_count(server):
    """At the time of the event, in milliseconds; the same event twice writes once."""
    bench = Bench(server)
    bench.deliver(ended(metrics={"rows": 42}))
    (profile,) = server.series(TABLE_PROFILE, FQN)
    assert (profile["timestamp"], profile["rowCount"], profile["columnCount"]) == (AT, 42, 2)
    server.reset_counts()
    bench.deliver(ended(metrics={"rows": 42}))
    Bench(server).deliver(ended(metrics={"rows": 42}))
    assert paths(server) == []
    bench.deliver(ended(at=60, metrics={"rows": 43}))
    assert [each["rowCount"] for each in server.series(TABLE_PROFILE, FQN)] == [43, 42]


# What an event says, and how many rows the table then has.
COUNTS = {
    "of the table": ({"metadata": {"dagster/row_count": 7}}, 7),
    "of a partition": ({"metrics": {"rows": 3}, "partition_key": "2026-03-02"}, None),
    "of a partition, and of the table": (
        {"metrics": {"rows": 3}, "metadata": {"dagster/row_count": 7}, "partition_key": "2026-03-02"},
        7,
    ),
    "of one load": ({"metrics": {"rows": 3}, "load_ids": ("1",)}, None),
    "of one load, and of the table": ({"metrics": {"rows": 3, "table_rows": 9}, "load_ids": ("1",)}, 9),
    "none": ({"metrics": {"rows": 0}}, 0),
    "no number": ({"metadata": {"dagster/row_count": "many"}}, None),
    "not a number": ({"metadata": {"dagster/row_count": True}}, None),
}


@pytest.mark.parametrize(("said", "rows"), COUNTS.values(), ids=COUNTS)
def test_only_what_counts_the_whole_table(server, said, rows):
    Bench(server).deliver(ended(**said))
    found = server.series(TABLE_PROFILE, FQN)
    assert [each.get("rowCount") for each in found] == ([] if rows is None else [rows])


def test_columns(server):
    """In the words of OpenMetadata; what it has no word for, and columns that are not there, are left out."""
    said = {
        "id": {"nullCount": 0, "distinctCount": 41, "min": 1, "max": 99, "mean": 12.5},
        "note": {"nullCount": 3, "nonsense": 1, "mean": "none", "min": "2026-01-01"},
        "gone": {"nullCount": 1},
    }
    Bench(server).deliver(ended(metadata={"openmetadata/column_profile": said}))
    (profile,) = server.series(TABLE_PROFILE, FQN)
    assert "rowCount" not in profile
    (found,) = server.series(COLUMN_PROFILE, f"{FQN}.id")
    assert {key: found[key] for key in said["id"]} == said["id"]
    (found,) = server.series(COLUMN_PROFILE, f"{FQN}.note")
    assert (found["nullCount"], found["min"]) == (3, "2026-01-01")
    assert not {"nonsense", "mean"} & found.keys()
    assert server.problems == []


def test_profiles_are_not_wanted(server):
    Bench(server, profiles=False).deliver(ended(metrics={"rows": 1}))
    assert server.series(TABLE_PROFILE, FQN) == []


def test_no_profile_of_a_table_that_is_not_there(server):
    Bench(server, orders(columns=COLUMNS), create=False).deliver(ended(metrics={"rows": 1}))
    assert paths(server) == []
