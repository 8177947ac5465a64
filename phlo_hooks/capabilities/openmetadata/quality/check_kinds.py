"""Which kind of check a check is: OpenMetadata has a test definition for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from phlo_hooks.assets import AssetGraph, CheckInfo
from phlo_hooks.capabilities.openmetadata.quality.names import name_of
from phlo_hooks.dbt_tests import generic_test
from phlo_hooks.events import QualityResultEvent

COLUMN_KEYS = ("dagster/column", "column", "dagster/column_name", "column_name")
# By the name of the dbt test. Source: DataQualityDimensions of testDefinition.json.
_DIMENSIONS = {
    "not_null": "Completeness",
    "unique": "Uniqueness",
    "accepted_values": "Validity",
    "relationships": "Integrity",
}


@dataclass(frozen=True)
class CheckKind:
    """What a check is, whatever it looks at.

    Args:
        tool: `dagster` or `dbt`.
        test: the dbt test, such as `not_null`; None of a singular one, and of Dagster's checks.
    """

    tool: str = "dagster"
    test: str | None = None

    def definition(self, *, column: bool) -> str:
        """The name of its test definition: one for tables, another one for columns."""
        name = f"dbt_{self.test or 'test'}" if self.tool == "dbt" else "dagster_asset_check"
        return name_of(f"{name}_column" if column else name)

    def body(self, *, column: bool) -> dict[str, Any]:
        """The request that creates the definition."""
        about = "a column" if column else "a table"
        what = f"The dbt test {self.test}" if self.test else _WHAT.get(self.tool, "A check")
        dimension = _DIMENSIONS.get(self.test or "")
        return {
            "name": self.definition(column=column),
            "description": f"{what}, of {about}. It is run by Dagster.",
            "entityType": "COLUMN" if column else "TABLE",
            "testPlatforms": ["dbt" if self.tool == "dbt" else "Other"],
            **({"dataQualityDimension": dimension} if dimension else {}),
        }


_WHAT = {"dbt": "A dbt test", "dagster": "An asset check"}


@dataclass(frozen=True)
class Check:
    """A check of an asset, as OpenMetadata gets to know it.

    Args:
        column: that it looks at, as the check calls it; None where it looks at the table.
    """

    asset_key: str
    name: str
    kind: CheckKind = CheckKind()
    column: str | None = None
    description: str | None = None

    @classmethod
    def of(cls, info: CheckInfo) -> Check:
        """One of the definitions, by the metadata of its spec."""
        tool = "dbt" if "dagster_dbt/unique_id" in info.metadata else "dagster"
        return _check(info.asset_key, info.name, tool, info.description, info.metadata)

    @classmethod
    def of_event(cls, event: QualityResultEvent, assets: AssetGraph) -> Check:
        """The one that a result is of; by its definition, so that it is the same before any result."""
        info = assets.check(event.asset_key, event.check_name)
        if info is not None:
            return cls.of(info)
        tool = "dbt" if event.check_type == "dbt" else "dagster"
        return _check(event.asset_key, event.check_name, tool, None, event.metadata)


def _check(key: str, name: str, tool: str, description: str | None, metadata: Mapping[str, Any]) -> Check:
    stated = [metadata[each] for each in COLUMN_KEYS if each in metadata]
    column = next((each for each in stated if isinstance(each, str) and each), None)
    if tool != "dbt":
        return Check(key, name, CheckKind(), column, description)
    # Of a test that is no asset check nobody has the manifest's word.
    guessed = generic_test(name, key)
    test = metadata.get("dagster_dbt/test") or (guessed.kind if guessed else None)
    column = column or (guessed.column if guessed else None)
    return Check(key, name, CheckKind("dbt", str(test) if test else None), column, description)
