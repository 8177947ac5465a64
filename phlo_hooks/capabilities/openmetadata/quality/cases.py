"""A test case: its name, what it is about, and the request that creates it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from phlo_hooks.capabilities.openmetadata.client import Entity
from phlo_hooks.capabilities.openmetadata.fqn import quoted
from phlo_hooks.capabilities.openmetadata.quality.check_kinds import Check
from phlo_hooks.capabilities.openmetadata.quality.names import name_of
from phlo_hooks.errors import PermanentError

# What ends a part of an entity link. Source: `entityLink` of basic.json, which has no way to quote them.
_RESERVED = ("::", "<", ">", "|")


@dataclass(frozen=True)
class Case:
    """The test case of a check.

    Args:
        table: fully qualified name.
        column: as the table has it; None of a case that is the table's.
        name: its own.
    """

    check: Check
    table: str
    column: str | None
    name: str

    @property
    def fqn(self) -> str:
        """Fully qualified name."""
        about = (self.table, quoted(self.column)) if self.column else (self.table,)
        return ".".join((*about, quoted(self.name)))

    @property
    def link(self) -> str:
        """The entity link of what it is about.

        Raises:
            PermanentError: the table has a name that no link can hold.
        """
        if not linkable(self.table):
            raise PermanentError(
                f"{about(self.check)}: no test case can be about {self.table}: the table's name holds one of "
                f"{' '.join(_RESERVED)}; map the asset to a table without"
            )
        return f"<#E::table::{self.table}" + (f"::columns::{self.column}>" if self.column else ">")

    def body(self, page: str | None) -> dict[str, Any]:
        """The request that creates it.

        Args:
            page: URL of the Dagster UI.
        """
        return {
            "name": self.name,
            "displayName": self.check.name,
            "description": description(self.check, page),
            "testDefinition": quoted(self.check.kind.definition(column=self.column is not None)),
            "entityLink": self.link,
        }


def about(check: Check) -> str:
    """Which check it is, for errors and for who reads what was written."""
    return f"check {check.name}, for asset {check.asset_key}"


def description(check: Check, page: str | None) -> str:
    """What people read of it: its own description, and where it is from."""
    key = check.asset_key
    link = f"[{key}]({page}/assets/{quote(key)}?view=checks)" if page else f"`{key}`"
    origin = f"Check `{check.name}` of the Dagster asset {link}."
    return "\n\n".join(filter(None, (check.description, origin)))


def linkable(name: str) -> bool:
    """Whether an entity link can name it."""
    return not (name.endswith(":") or any(each in name for each in _RESERVED))


def column_of(check: Check, table: Entity) -> str | None:
    """The check's column as the table calls it; None where the table has none of this name."""
    wanted = check.column or ""
    names = [column["name"] for column in table.get("columns") or ()]
    alike = [name for name in names if name.lower() == wanted.lower()]
    return wanted if wanted in names else next(iter(alike), None)


def suite_body(table: Mapping[str, Any]) -> dict[str, str]:
    """The request that creates the basic test suite of a table."""
    fqn = table["fullyQualifiedName"]
    return {"name": name_of(f"{fqn}.testSuite"), "basicEntityReference": fqn}


def case_name(check: Check, twice: bool) -> str:
    """The name of a case.

    Args:
        check: whose.
        twice: whether another asset with the same table has a check of this name.
    """
    return name_of(f"{check.name} ({check.asset_key})" if twice else check.name)
