"""The table of fields on the page of the dbt Semantic Layer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from phlo_hooks.capabilities import DbtSemanticLayerResource
from phlo_hooks_tests.docs.pages import ROOT

PAGE = Path(ROOT, "docs/capabilities/dbt-semantic-layer.md")
ROW = re.compile(r"^\| `(?P<name>\w+)` \| (?P<default>[^|]+) \|", re.MULTILINE)


def written(default: Any) -> str:
    """As the table has it."""
    if isinstance(default, (int, float)) and not isinstance(default, bool):
        return f"{default:g}"
    return "none" if default is None else f"`{default!r}`".replace("'", '"')


def test_each_field_is_there_with_its_default() -> None:
    """`as dbt` and `none` both stand for a default of None."""
    text = PAGE.read_text(encoding="utf-8").partition("## Fields")[2].partition("## Queries")[0]
    rows = {row["name"]: row["default"].replace("as dbt", "none") for row in ROW.finditer(text)}
    fields = DbtSemanticLayerResource.model_fields
    assert {
        name: written(field.get_default(call_default_factory=True)) for name, field in fields.items()
    } == rows
