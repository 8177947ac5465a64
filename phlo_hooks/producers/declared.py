"""What a decorator of ours says of an asset, found again on the asset that was made from the function.

A decorator marks the function; the catalogue reads the mark from the definition. So the tail sensor, which
never ran the function, knows what the decorator said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from phlo_hooks.producers.stages import Stage

_MARK = "__phlo_hooks_declared__"


@dataclass(frozen=True)
class Declared:
    """A decorator's arguments; no stage for a check."""

    stage: Stage | None
    table: str | None = None
    tool: str | None = None
    target_system: str | None = None
    tables: Mapping[str, str] = field(default_factory=dict)


def declare(fn: Callable[..., Any], declared: Declared) -> None:
    """Leave a mark on `fn`."""
    setattr(fn, _MARK, declared)


def declared_on(definition: dg.AssetsDefinition) -> Declared | None:
    """The mark on the function that `definition` was made from; of a graph, on the first op that has one."""
    if not definition.is_executable:
        return None
    ops = definition.node_def.iterate_op_defs()
    functions = (getattr(op.compute_fn, "decorated_fn", None) for op in ops)
    marks = (getattr(function, _MARK, None) for function in functions)
    return next((mark for mark in marks if mark is not None), None)
