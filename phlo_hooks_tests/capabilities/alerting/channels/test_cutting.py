"""Text is cleaned and cut so that both of its ends stay."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from phlo_hooks.capabilities.alerting.channels.cutting import clean, cut, one_line
from phlo_hooks_tests.capabilities.alerting.channels.messages import texts

CLEANED = [
    pytest.param("a\x00b\x1b[31mc\x7f\x9f", "ab[31mc", id="controls"),
    pytest.param("a\r\nb\rc\u2028d\u2029e\x85f", "a\nb\nc\nd\ne\nf", id="line ends"),
    pytest.param("\ud83d!\udfff", "?!?", id="lone surrogates"),
    pytest.param(
        "שלום \U0001f468\u200d\U0001f469 e\u0301\t.",
        "שלום \U0001f468\u200d\U0001f469 e\u0301\t.",
        id="all the rest",
    ),
]


@pytest.mark.parametrize(("text", "expected"), CLEANED)
def test_clean(text: str, expected: str) -> None:
    """What no receiver takes is gone, and nothing else."""
    assert expected == clean(text)


CUT = [
    pytest.param("abc", 3, "abc", id="fits"),
    pytest.param(
        "a" * 50 + "b" * 50_000 + "c" * 50, 40, "aaaaaaa\n… 50,087 characters cut …\ncccccc", id="both ends"
    ),
    pytest.param("a" * 1000, 0, "", id="no room"),
    pytest.param("a" * 1000, 10, "", id="no room for the mark"),
]


@pytest.mark.parametrize(("text", "limit", "expected"), CUT)
def test_cut(text: str, limit: int, expected: str) -> None:
    """It says how much is missing."""
    assert expected == cut(text, limit)


@given(texts(5000), st.integers(0, 600))
def test_cut_by_another_measure(text: str, limit: int) -> None:
    """After escaping, say; what fits is not cut."""
    text = clean(text)
    escaped = cut(text, limit, lambda part: len(part.replace("&", "&amp;")))
    assert len(escaped.replace("&", "&amp;")) <= limit
    assert escaped == text or len(text.replace("&", "&amp;")) > limit


@given(texts(5000), st.integers(1, 600))
def test_one_line(text: str, limit: int) -> None:
    """Of what can be read."""
    line = one_line(text, limit)
    assert len(line) <= limit
    assert "\n" not in line
    assert line == line.strip()
