"""Checks as test cases, and what they found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from phlo_hooks.capabilities.openmetadata.kept import memory_of, update
from phlo_hooks.capabilities.openmetadata.quality.cases import about
from phlo_hooks.capabilities.openmetadata.quality.check_kinds import Check
from phlo_hooks.capabilities.openmetadata.quality.results import Results, result
from phlo_hooks.capabilities.openmetadata.quality.suites import CheckNames, Suites
from phlo_hooks.capabilities.openmetadata.rounds import Rounds, write_all
from phlo_hooks.capabilities.openmetadata.setup import Setup
from phlo_hooks.envelope import utc_now
from phlo_hooks.events import DefinitionsEvent, HookEvent, QualityResultEvent

# A result that is replayed later is given its time anew.
_KEPT = timedelta(days=1)


@dataclass(frozen=True)
class QualityWriter:
    """Writes them: a definition for each kind of check, a suite for each table, a case for each check.

    Args:
        setup: what the parts of the resource share.
        patient: whether a result waits for a table or column that may be about to come.
    """

    setup: Setup
    patient: bool = True

    def handle(self, event: HookEvent) -> None:
        """Add the result of a check, with all that it needs; or make the test cases of changed definitions.

        Raises:
            PermanentError: the server refuses it, or there is no such table.
            RetryLater: the table or column is about to come.
            DeliveryError: the server cannot be asked.
        """
        if isinstance(event, DefinitionsEvent):
            checks = self._checks()
            Rounds("quality", self.setup.state).go(event.event_id, checks, self._writes(checks))
        elif isinstance(event, QualityResultEvent):
            self._add(event)

    def sync(self) -> None:
        """Make the test cases of all checks of the definitions that are not there yet.

        Raises:
            PermanentError: some were refused; all others are there.
            DeliveryError: the server cannot be asked.
        """
        checks = self._checks()
        write_all(sorted(checks), self._writes(checks))

    def _checks(self) -> dict[str, Check]:
        found = map(Check.of, self.setup.assets.checks())
        return {f"{check.asset_key}.{check.name}": check for check in found}

    def _writes(self, checks: Mapping[str, Check]) -> Callable[[str], object]:
        suites = Suites(self.setup, CheckNames(self.setup))
        return lambda key: suites.case(checks[key])

    def _add(self, event: QualityResultEvent) -> None:
        check = Check.of_event(event, self.setup.assets)
        case = Suites(self.setup, self._names, lambda: self._waited(event)).case(check)
        if case is not None:
            page = self.setup.webserver_url
            Results(self.setup.client, case).add(result(event, page), about(check))

    @cached_property
    def _names(self) -> CheckNames:
        return CheckNames(self.setup)

    def _waited(self, event: HookEvent) -> timedelta:
        """Since it was first looked for in vain: how old a result is says nothing after an outage, when the
        hook for tables is as far behind.
        """
        if not self.patient:
            return timedelta.max
        now = utc_now()
        first = update(
            memory_of(self.setup), f"missed/{event.event_id}", lambda old: old or now.isoformat(), _KEPT
        )
        return now - datetime.fromisoformat(first)
