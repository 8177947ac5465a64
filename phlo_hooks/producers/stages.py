"""Which of the three stages of the lakehouse an asset is: ingestion, transform or publish."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import Enum
from fnmatch import fnmatchcase

from phlo_hooks.errors import ConfigurationError

STAGE_TAG = "phlo/stage"


class Stage(str, Enum):
    """What a materialization of the asset is told as."""

    INGESTION = "ingestion"
    TRANSFORM = "transform"
    PUBLISH = "publish"


# Kinds as Dagster's integrations set them. Publish is never guessed: handing data out is a decision.
_INGESTION_KINDS = frozenset({"dlt", "airbyte", "fivetran", "sling", "stitch", "meltano"})
_TRANSFORM_KINDS = frozenset({"dbt", "sqlmesh", "sdf", "dataform", "spark", "pyspark"})
TOOLS = _INGESTION_KINDS | _TRANSFORM_KINDS


class StageRules:
    """The user's own mapping, checked when the definitions load.

    Args:
        stages: `{"kind:<kind>" | "group:<group>" | "<asset key or pattern>": stage}`. The first entry that
            fits wins.

    Raises:
        ConfigurationError: a stage that is not ingestion, transform or publish.
    """

    def __init__(self, stages: Mapping[str, str] | None = None) -> None:
        self._rules = [(rule, as_stage(stage, f"stages[{rule!r}]")) for rule, stage in (stages or {}).items()]

    def stage_of(
        self,
        *,
        asset_key: str,
        group: str | None,
        kinds: Collection[str],
        tags: Mapping[str, str],
        has_upstream: bool,
        declared: Stage | None = None,
    ) -> Stage:
        """The stage of an asset: the decorator's, the tag's, the user's rule's, its kinds', its place's."""
        if declared is not None:
            return declared
        if STAGE_TAG in tags:
            return as_stage(tags[STAGE_TAG], f"tag {STAGE_TAG!r} of asset {asset_key!r}")
        for rule, stage in self._rules:
            if _fits(rule, asset_key, group, kinds):
                return stage
        if _INGESTION_KINDS & set(kinds):
            return Stage.INGESTION
        if _TRANSFORM_KINDS & set(kinds):
            return Stage.TRANSFORM
        return Stage.TRANSFORM if has_upstream else Stage.INGESTION


def as_stage(value: str, where: str) -> Stage:
    """The stage of this name.

    Raises:
        ConfigurationError: there is none; `where` is named.
    """
    try:
        return Stage(value)
    except ValueError:
        known = ", ".join(stage.value for stage in Stage)
        raise ConfigurationError(f"{where} is {value!r}; use one of {known}") from None


def _fits(rule: str, asset_key: str, group: str | None, kinds: Collection[str]) -> bool:
    if rule.startswith("kind:"):
        return rule.removeprefix("kind:") in kinds
    if rule.startswith("group:"):
        return rule.removeprefix("group:") == group
    return fnmatchcase(asset_key, rule)
