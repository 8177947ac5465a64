"""How long a receiver asks us to wait."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from phlo_hooks.answers import seconds_to_wait

NOW = datetime(2026, 3, 14, 12, 0, 0, tzinfo=timezone.utc)

ASKED = [
    pytest.param("120", 120.0, id="seconds"),
    pytest.param(" 0 ", 0.0, id="none"),
    pytest.param("Sat, 14 Mar 2026 12:01:30 GMT", 90.0, id="date"),
    pytest.param("Sat, 14 Mar 2026 12:01:30 -0000", 90.0, id="date without a zone"),
    pytest.param("Saturday, 14-Mar-26 12:01:30 GMT", 90.0, id="old date"),
    pytest.param("Sat, 14 Mar 2026 11:00:00 GMT", 0.0, id="past"),
    pytest.param("-5", None, id="negative"),
    pytest.param("1.5", None, id="fraction"),
    pytest.param("9" * 400, None, id="for ever"),
    pytest.param("²", None, id="no digit"),
    pytest.param("soon", None, id="word"),
    pytest.param("", None, id="empty"),
    pytest.param(None, None, id="not there"),
]


@pytest.mark.parametrize(("header", "expected"), ASKED)
def test_retry_after(header: str | None, expected: float | None) -> None:
    """Seconds or an HTTP date, in GMT; what makes no sense is as good as none."""
    assert expected == seconds_to_wait(header, NOW)
