"""`docs/capabilities/cube.md`: its tables are those of the code."""

from __future__ import annotations

import re

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from phlo_hooks.capabilities import CubeSemanticLayerResource
from phlo_hooks.capabilities.cube.progress import error_of
from phlo_hooks_tests.docs.pages import DOCS, table

PAGE = DOCS / "capabilities" / "cube.md"


def test_every_field_is_in_the_table() -> None:
    """With its description and default, in the order of the code."""
    assert [tuple(row) for row in table(PAGE, "field")] == [
        (f"`{name}`", field.description, _default(field))
        for name, field in CubeSemanticLayerResource.model_fields.items()
    ]


def test_every_status_is_what_the_table_says() -> None:
    """Those that are failures, and those that are not."""
    rows = table(PAGE, "status")
    assert len(rows) == 6
    for statuses, what in rows:
        for status in re.findall(r"`([^`]+)`", statuses):
            assert (error_of({"status": status}) is not None) == what.startswith("failed"), status


def _default(field: FieldInfo) -> str:
    return "" if field.default in (None, PydanticUndefined) else f"`{field.default!r}`"
