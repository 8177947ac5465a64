"""What the scenes are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg


class Broken(Exception):
    """What an asset raises that is meant to fail."""


def definitions(*assets: Any, **options: Any) -> dg.Definitions:
    """Definitions whose jobs run in one process."""
    return dg.Definitions(assets=assets, **{"executor": dg.in_process_executor, **options})


def asset(name: str, deps: Iterable[Any] = (), *, fails: str = "", **options: Any) -> dg.AssetsDefinition:
    """An asset that reports how many rows it wrote, or fails with these words."""

    @dg.asset(name=name, deps=list(deps), **options)
    def made() -> dg.MaterializeResult:
        if fails:
            raise Broken(fails)
        return dg.MaterializeResult(metadata=table(name))

    return made


def table(name: str, rows: int = 3) -> Mapping[str, Any]:
    """What an asset says of the table that it wrote."""
    return {"dagster/table_name": f"wh.public.{name}", "dagster/row_count": rows}
