"""After a publication: whether each metric that it feeds can still be asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from phlo_hooks.capabilities.dbt_semantic_layer.compiling import MetricQuery
from phlo_hooks.errors import ConfigurationError, PermanentError
from phlo_hooks.semantics import QueryResult

# One row proves as much as all of them, and metric_time is what some metrics cannot do without.
_TIME = ("metric_time",)
_LIMIT = 1


@dataclass
class Findings:
    """What is known of the metrics so far; kept from one look to the next as JSON.

    Args:
        left: those that are still to be asked for.
        answered: those that gave a row.
        empty: those that gave none.
        broken: what was said of those that could not be asked for, by name.
    """

    left: list[str]
    answered: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)

    def details(self) -> dict[str, Any]:
        """What is worth knowing afterwards."""
        found = {"checked": self.answered, "empty": self.empty, "broken": self.broken}
        return {name: value for name, value in found.items() if value}


def verify(
    findings: Findings,
    ask: Callable[[MetricQuery], QueryResult],
    *,
    for_seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Ask for the metrics that are left, one after the other, until time is up.

    Args:
        for_seconds: after which no further one is begun; one at least is.

    Raises:
        DeliveryError: the database cannot be asked now; what was found until then is in `findings`.
    """
    until = clock() + for_seconds
    for name in _until(findings.left, until, clock):
        try:
            result = ask(MetricQuery((name,), _TIME, limit=_LIMIT))
        except (ConfigurationError, PermanentError) as exc:
            findings.broken[name] = str(exc)
        else:
            (findings.answered if result.rows else findings.empty).append(name)
        findings.left.remove(name)


def _until(names: Sequence[str], until: float, clock: Callable[[], float]) -> Iterator[str]:
    for at, name in enumerate(tuple(names)):
        if at and clock() >= until:
            return
        yield name
