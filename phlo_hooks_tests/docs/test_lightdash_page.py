"""`docs/capabilities/lightdash.md`: its tables are those of the code."""

from __future__ import annotations

import re
from typing import Any

from phlo_hooks.capabilities import LightdashResource
from phlo_hooks_tests.capabilities.lightdash.explores import explore
from phlo_hooks_tests.capabilities.lightdash.helpers import refreshed, resource_on, work_on
from phlo_hooks_tests.capabilities.lightdash.server import PROJECT, Definition, Lightdash
from phlo_hooks_tests.docs.pages import DOCS, table

PAGE = DOCS / "capabilities" / "lightdash.md"
_REQUEST = re.compile(r"`(GET|POST) (/api/\S+)`")


def test_every_field_is_in_the_table() -> None:
    """With its description and default, in the order of the code."""
    assert [tuple(row) for row in table(PAGE, "field")] == [
        (f"`{name}`", field.description, _default(field))
        for name, field in LightdashResource.model_fields.items()
    ]


def test_every_request_is_in_the_table() -> None:
    """Those of a refresh with all that there is to do, and no others."""
    with Lightdash(
        explores={"orders": explore("orders")}, definitions=[Definition("daily", "orders")]
    ) as server:
        server.role = "admin"
        refreshed(resource_on(server, invalidate_cache=True), work_on("orders", recompile=True))
        made = {(each.method, _shape(each.path, server)) for each in server.server.requests}
    shown = {found for row in table(PAGE, "when") for found in _REQUEST.findall(row[1])}
    assert made == shown


def _shape(path: str, server: Lightdash) -> str:
    for job in server.jobs:
        path = path.replace(job, "{job}")
    return path.replace(PROJECT, "{project}").replace("/daily/", "/{name}/")


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    return "" if field.default is None else f"`{field.default!r}`"
