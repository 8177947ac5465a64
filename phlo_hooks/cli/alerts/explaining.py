"""`phlo-hooks alerts explain`: why an event was told, or was not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click

from phlo_hooks.capabilities.alerting.explain import Account, Finding, Notice
from phlo_hooks.capabilities.alerting.incident import Incident
from phlo_hooks.capabilities.alerting.ledger import RULES
from phlo_hooks.cli.alerts.documents import (
    delivery_of,
    delivery_to,
    incident_document,
    notice_document,
)
from phlo_hooks.cli.alerts.setups import Setup, find_setups
from phlo_hooks.cli.events import what
from phlo_hooks.cli.opening import StoreChoice, open_store
from phlo_hooks.cli.options import json_option, resource_option, store_options
from phlo_hooks.cli.output import first_line, print_json, printable
from phlo_hooks.cli.times import short
from phlo_hooks.delivery.records import DeliveryRecord, DeliveryState, EventRecord
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import utc_now
from phlo_hooks.errors import ConfigurationError

_WAITS = (DeliveryState.PENDING, DeliveryState.RETRYING)


@click.command()
@click.argument("event_id")
@resource_option
@json_option
@store_options
def explain(choice: StoreChoice, event_id: str, resource_key: str | None, as_json: bool) -> None:
    """Say for each rule why it told of an event, or did not, and what became of each message.

    What was decided then is kept for 30 days. For the other rules it is worked out as they are now.
    """
    store = open_store(choice)
    record = store.get_event(event_id)
    if record is None:
        raise ConfigurationError(
            f"event {event_id!r} is not in {store!r}: phlo-hooks events list has the ids"
        )
    if not as_json:
        click.echo(printable(f"{what(record)}, at {short(record.timestamp)}"))
    for setup in find_setups(choice, resource_key):
        explanation = Explanation(setup, store, record)
        if as_json:
            for document in explanation.documents():
                print_json(document)
        else:
            click.echo(printable("\n".join(explanation.lines())))


class Explanation:
    """What the rules of a resource made of an event.

    Args:
        setup: the resource.
        store: has the event.
        record: the event.
    """

    def __init__(self, setup: Setup, store: HookStore, record: EventRecord) -> None:
        self._setup, self._store, self._record = setup, store, record
        self._account: Account = setup.account(store)
        self._delivery = delivery_to(store, setup, record.event_id, RULES)
        # An event may itself be a message that is due.
        self._message = self._account.notice(record.event_id)
        self._findings = () if self._message else self._account.findings(setup.plan, record.event)

    def documents(self) -> Iterator[dict[str, Any]]:
        """A document for each rule; of a message, the message."""
        if self._message:
            yield notice_document(self._message, self._sent(self._message))
        for finding in self._findings:
            incident, notices = self._incident(finding), self._notices(finding)
            yield {
                "event_id": self._record.event_id,
                "resource": self._setup.key,
                "location": self._setup.location,
                "rule": finding.rule,
                "outcome": self._outcome(finding),
                "reason": self._reason(finding),
                "kept": finding.verdict is not None,
                "incident": None if incident is None else incident_document(incident),
                "notices": [notice_document(each, self._sent(each)) for each in notices],
            }

    def lines(self) -> Iterator[str]:
        """The same, for people."""
        yield f"\n{self._setup.name}"
        if message := self._message:
            yield f"  a message to {message.recipient}: {became(message, self._sent(message))}"
        for finding in self._findings:
            yield f"  {finding.rule}: {self._outcome(finding)}: {self._reason(finding)}"
            incident = self._incident(finding)
            if incident is not None:
                yield f"    incident {incident.id}, {incident.state.value}, {incident.count} so far"
            for notice in self._notices(finding):
                yield f"    {notice.recipient}: {became(notice, self._sent(notice))}"

    def _sent(self, notice: Notice) -> DeliveryRecord | None:
        return delivery_of(self._store, self._setup, notice)

    def _outcome(self, finding: Finding) -> str:
        if finding.verdict is not None:
            return finding.verdict.outcome.value
        return "unmatched" if finding.refusal else "undecided"

    def _reason(self, finding: Finding) -> str:
        if finding.verdict is not None:
            return finding.verdict.reason
        return finding.refusal or f"it asks for this; {self._why_undecided()}"

    def _why_undecided(self) -> str:
        """Why there is no decision, although a rule asks for the event."""
        found = self._delivery
        if found is None:
            return "but it was not recorded for these rules: it is older, or of another location"
        if found.state in _WAITS:
            return f"the relay has yet to look at it: {found.state.value}, due {short(found.next_attempt_at)}"
        if found.state is DeliveryState.DEAD:
            return f"but the rules could not be asked: {first_line(found.last_error)}"
        return "but another location decided, the rule is newer than that, or it is too long ago"

    def _incident(self, finding: Finding) -> Incident | None:
        identity = finding.verdict.incident_id if finding.verdict else None
        return self._account.incident(identity) if identity else None

    def _notices(self, finding: Finding) -> list[Notice]:
        """The messages that the event brought about; if none, those of its incident that wait."""
        own = finding.verdict.notices if finding.verdict else ()
        incident = self._incident(finding)
        waiting = [name for told in incident.told.values() for name in told.waiting] if incident else []
        found = (self._account.notice(each) for each in own or waiting)
        return [notice for notice in found if notice is not None]


def became(notice: Notice, delivery: DeliveryRecord | None) -> str:
    """What became of a message, in words."""
    where = "" if delivery is None else f"; delivery {delivery.state.value}"
    if delivery is not None and delivery.state in (DeliveryState.RETRYING, DeliveryState.DEAD):
        where += f" after {delivery.attempts}: {first_line(delivery.last_error)}"
    if notice.state == "waiting":
        soon = notice.due is None or notice.due <= utc_now()
        return f"{'is about to be sent' if soon else f'waits until {short(notice.due)}'}{where}"
    at = short(datetime.fromisoformat(notice.at)) if notice.at else ""
    return f"{' '.join(filter(None, (notice.state, at)))}: {notice.reason}{where}"
