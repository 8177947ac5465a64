"""What a DbtSemanticLayerResource can never work with, refused when it is built."""

from __future__ import annotations

import math
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from phlo_hooks import variables
from phlo_hooks.capabilities.dbt_semantic_layer.artifacts import MANIFEST, SEMANTIC_MANIFEST
from phlo_hooks.errors import ConfigurationError, MissingExtraError
from phlo_hooks.variables import variable_of

if TYPE_CHECKING:
    from phlo_hooks.capabilities.dbt_semantic_layer.resource import DbtSemanticLayerResource

_WHO = "DbtSemanticLayerResource"
_NEEDED = {"dbt_semantic_interfaces": "dbt-semantic-interfaces", "metricflow": "metricflow"}


def check_fields(resource: DbtSemanticLayerResource) -> None:
    """Refuse what can never work; what stands in a variable is looked at where the relay runs.

    Raises:
        ConfigurationError: a field, and what to do about it.
        MissingExtraError: `pip install 'phlo-hooks[metricflow]'`.
    """
    _check_libraries(resource.check_metrics)
    if resource.project_dir is None and resource.manifest is None:
        raise ConfigurationError(f"{_WHO} has neither project_dir nor manifest: give one of them")
    if resource.check_metrics and resource.project_dir is None and resource.database is None:
        raise ConfigurationError(
            f"{_WHO} has no database to ask: give project_dir, for its profile, or a DuckDB file as "
            "database; or check_metrics=False"
        )
    if not (resource.timeout > 0 and math.isfinite(resource.timeout)):
        raise ConfigurationError(f"{_WHO}: timeout {resource.timeout!r}: use seconds, above 0")
    for model, patterns in resource.assets.items():
        if not patterns or not all(patterns):
            raise ConfigurationError(
                f"{_WHO}: assets of {model!r}: name an asset key, such as 'marts/orders'"
            )
    _check_paths(resource)


def _check_libraries(check_metrics: bool) -> None:
    for module, library in _NEEDED.items():
        if find_spec(module) is None and (check_metrics or module != "metricflow"):
            raise MissingExtraError(library, "metricflow")


def _check_paths(resource: DbtSemanticLayerResource) -> None:
    project, manifest = _plain(resource.project_dir), _plain(resource.manifest)
    if project is not None and not Path(project, "dbt_project.yml").is_file():
        raise ConfigurationError(
            f"{_WHO}: project_dir {project!r}: there is no dbt_project.yml; give the folder that has it"
        )
    if manifest is not None and Path(manifest).name not in (SEMANTIC_MANIFEST, MANIFEST):
        raise ConfigurationError(
            f"{_WHO}: manifest {manifest!r}: give the path of {SEMANTIC_MANIFEST} in dbt's target folder"
        )


def _plain(text: str | None) -> str | None:
    return None if variable_of(text) else text


def looked_up(text: str | None, field: str) -> str | None:
    """A field's value, or that of the variable that it names; see `variables.looked_up`."""
    return variables.looked_up(text, f"{_WHO}: {field}")
