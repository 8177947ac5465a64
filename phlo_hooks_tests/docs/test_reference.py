"""`docs/reference.md` names everything that the package exports."""

from __future__ import annotations

import re

import pytest

import phlo_hooks
from phlo_hooks import capabilities, testing
from phlo_hooks_tests.docs.pages import DOCS


@pytest.mark.parametrize("name", [*phlo_hooks.__all__, *capabilities.__all__, *testing.__all__])
def test_every_public_name_is_listed(name: str):
    """In the first column of a table."""
    page = (DOCS / "reference.md").read_text(encoding="utf-8")
    assert re.search(rf"^\|(?:[^|]*[^\w|])?{name}\b[^|]*\|", page, re.MULTILINE)
