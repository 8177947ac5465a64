"""The test suites of OpenMetadata's tables: what is missing is made, what is there is left as it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cached_property, lru_cache

from phlo_hooks.capabilities.openmetadata.client import Entity
from phlo_hooks.capabilities.openmetadata.fqn import quoted
from phlo_hooks.capabilities.openmetadata.notices import Notices
from phlo_hooks.capabilities.openmetadata.quality.cases import (
    Case,
    about,
    case_name,
    column_of,
    linkable,
    suite_body,
)
from phlo_hooks.capabilities.openmetadata.quality.check_kinds import Check
from phlo_hooks.capabilities.openmetadata.setup import Setup
from phlo_hooks.errors import PermanentError, RetryLater

_DEFINITIONS, _SUITES, _CASES = (
    f"dataQuality/{each}" for each in ("testDefinitions", "testSuites/basic", "testCases")
)
# The hook for tables has the same events, and is behind by no more than seconds while all is well.
_PATIENCE = timedelta(minutes=10)
_PAUSE = 5.0


class CheckNames:
    """The names of all checks, by table. Each asset is mapped once: there may be thousands.

    Args:
        setup: has the definitions and the mapping.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup

    def has_earlier(self, check: Check, table: str) -> bool:
        """Whether an asset that comes before it has a check of this name, and the same table."""
        return self._first.get((table, check.name), check.asset_key) < check.asset_key

    @cached_property
    def _first(self) -> dict[tuple[str | None, str], str]:
        found: dict[tuple[str | None, str], str] = {}
        table = lru_cache(None)(lambda key: self._setup.mapped(key).fqn)
        for each in self._setup.assets.checks():
            place = table(each.asset_key), each.name
            found[place] = min(each.asset_key, found.get(place, each.asset_key))
        return found


class Suites:
    """Finds the test cases of checks, and makes them. Looks at each table and definition once.

    Args:
        setup: of the server.
        names: those that stand more than once on a table.
        waited: how long a result has been without its table or column; None where there is no result yet.
    """

    def __init__(
        self, setup: Setup, names: CheckNames, waited: Callable[[], timedelta] | None = None
    ) -> None:
        self._setup, self._client, self._names, self._waited = setup, setup.client, names, waited
        self._tables: dict[str, Entity | None] = {}
        self._defined: set[str] = set()

    def case(self, check: Check) -> str | None:
        """The fully qualified name of a check's test case, which is there then.

        None where nothing is to be told: the asset is no table, or somebody has deleted the table or the
        test case, or the table or its column is not there yet and no result needs it.

        Raises:
            PermanentError: the table is not there, or the server refuses the test case.
            RetryLater: the table or column is about to come.
        """
        place = self._setup.mapped(check.asset_key)
        if place.fqn is None:
            return None
        table = self._table(check, place.fqn)
        if table is None:
            return None
        column = column_of(check, table) if check.column and linkable(check.column) else None
        if check.column and column is None and not self._goes_to_table(check, place.fqn):
            return None
        case = Case(check, place.fqn, column, case_name(check, self._names.has_earlier(check, place.fqn)))
        found = self._client.find(_CASES, case.fqn, deleted=True)
        if found is None:
            return self._made(case, table)
        return None if found.get("deleted") else str(found["fullyQualifiedName"])

    def _table(self, check: Check, fqn: str) -> Entity | None:
        if fqn not in self._tables:
            found = self._client.find("tables", fqn, "columns", "testSuite", deleted=True)
            is_there = found is not None and not found.get("deleted")
            self._tables[fqn] = found if is_there else self._missing(check, fqn, deleted=found is not None)
        return self._tables[fqn]

    def _missing(self, check: Check, fqn: str, *, deleted: bool) -> Entity | None:
        """What a dry run would have made; None where nothing is to be told."""
        setup = self._setup
        if self._client.dry and setup.create and not deleted:
            info = setup.assets.asset(check.asset_key)
            columns = [{"name": column.name} for column in info.columns] if info else []
            return {"fullyQualifiedName": fqn, "columns": columns}
        text = f"{about(check)}: the table {fqn} is not in OpenMetadata"
        if setup.create and self._is_new:
            raise RetryLater(f"{text} yet; it is tried again", after=_PAUSE)
        if self._waited is None or deleted:
            return None
        if setup.create:
            raise PermanentError(f"{text}: see why it was not created, then phlo-hooks dead-letters replay")
        Notices(setup.state).once(f"{text}, and create is off: its results are not written")
        return None

    def _goes_to_table(self, check: Check, fqn: str) -> bool:
        """Whether a case whose column is not there is the table's. One that was made before its column came
        would stay there: so nothing is made before a result needs it, and the column has had its time.
        """
        if self._waited is None:
            return not linkable(check.column or "")
        if self._is_new and linkable(check.column or ""):
            raise RetryLater(
                f"{about(check)}: {fqn} has no column {check.column} in OpenMetadata yet; it is tried again",
                after=_PAUSE,
            )
        return True

    @property
    def _is_new(self) -> bool:
        return self._waited is not None and self._waited() < _PATIENCE

    def _made(self, case: Case, table: Entity) -> str:
        body = case.body(self._setup.webserver_url)
        self._define(case)
        if not table.get("testSuite"):
            self._client.put(_SUITES, suite_body(table), f"test suite of {case.table}, {about(case.check)}")
            # From now on it is there.
            self._tables[case.table] = {**table, "testSuite": {"type": "testSuite"}}
        made = self._client.put(_CASES, body, f"test case {case.fqn}, {about(case.check)}")
        return case.fqn if self._client.dry else str(made["fullyQualifiedName"])

    def _define(self, case: Case) -> None:
        kind, column = case.check.kind, case.column is not None
        name = kind.definition(column=column)
        if name in self._defined:
            return
        if self._client.find(_DEFINITIONS, quoted(name)) is None:
            self._client.put(
                _DEFINITIONS, kind.body(column=column), f"test definition {name}, {about(case.check)}"
            )
        self._defined.add(name)
