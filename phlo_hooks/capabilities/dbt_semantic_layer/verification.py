"""After a publication: whether each metric and dimension that it feeds can still be asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from phlo_hooks.capabilities.dbt_semantic_layer.catalog import Catalog
from phlo_hooks.capabilities.dbt_semantic_layer.compiling import MetricQuery
from phlo_hooks.capabilities.dbt_semantic_layer.project import Project
from phlo_hooks.errors import ConfigurationError, PermanentError

# One row proves as much as all of them, and metric_time is what some metrics cannot do without.
_TIME = ("metric_time",)
_LIMIT = 1


@dataclass
class Findings:
    """What is known so far; kept from one look to the next as JSON.

    Args:
        left: what is still to be asked for: metrics by name, and `dimensions of MODEL`.
        checked: what gave a row.
        empty: the metrics that gave none.
        broken: what was said of what could not be asked for, by name.
    """

    left: list[str]
    checked: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)

    def details(self) -> dict[str, Any]:
        """What is worth knowing afterwards."""
        found = {"checked": self.checked, "empty": self.empty, "broken": self.broken}
        return {name: value for name, value in found.items() if value}


def checks_of(catalog: Catalog, models: Sequence[str]) -> dict[str, MetricQuery]:
    """The queries that tell whether these models can be asked for, by what they are about."""
    known = [catalog.models[name] for name in models if name in catalog.models]
    dimensions = {f"dimensions of {model.name}": catalog.dimensions_of(model.name) for model in known}
    return {
        **{what: MetricQuery((), names) for what, names in dimensions.items() if names},
        **{name: MetricQuery((name,), _TIME, limit=_LIMIT) for name in catalog.metrics_of(models)},
    }


def answers(project: Project, query: MetricQuery) -> bool:
    """Whether a query gives a row; of dimensions, whether the database knows all of them.

    Raises:
        ConfigurationError: the metric cannot be asked for.
        PermanentError: the database refuses the query.
        DeliveryError: it cannot be asked now.
    """
    if query.metrics:
        return bool(project.query(query).rows)
    try:
        sql = project.sql(query)
    except ConfigurationError:
        # Dimensions that MetricFlow gives only together with a metric: they are no worse for it.
        return True
    project.database.run(f"SELECT * FROM (\n{sql}\n) AS dimensions WHERE 1 = 0")  # noqa: S608
    return True


def verify(
    findings: Findings,
    ask: Callable[[str], bool],
    *,
    for_seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Ask for what is left, one after the other, until time is up.

    Args:
        ask: whether something gives a row.
        for_seconds: after which nothing further is begun; one at least is.

    Raises:
        DeliveryError: the database cannot be asked now; what was found until then is in `findings`.
    """
    until = clock() + for_seconds
    for what in _until(findings.left, until, clock):
        try:
            (findings.checked if ask(what) else findings.empty).append(what)
        except (ConfigurationError, PermanentError) as exc:
            findings.broken[what] = str(exc)
        findings.left.remove(what)


def _until(names: Sequence[str], until: float, clock: Callable[[], float]) -> Iterator[str]:
    for at, name in enumerate(tuple(names)):
        if at and clock() >= until:
            return
        yield name
