"""Verdicts, incidents and messages as JSON: what `--json` prints."""

from __future__ import annotations

from typing import Any

from phlo_hooks.capabilities.alerting.compose import untold_of
from phlo_hooks.capabilities.alerting.explain import Notice, untold
from phlo_hooks.capabilities.alerting.incident import Cause, Incident, Told
from phlo_hooks.capabilities.alerting.routes import Recipient
from phlo_hooks.cli.alerts.setups import Setup
from phlo_hooks.cli.documents import delivery_document
from phlo_hooks.cli.times import iso
from phlo_hooks.delivery.records import DeliveryRecord
from phlo_hooks.delivery.store import HookStore


def incident_document(incident: Incident) -> dict[str, Any]:
    """An incident at a glance."""
    return {
        "id": incident.id,
        "rule": incident.rule,
        "key": incident.key,
        "kind": incident.kind,
        "state": incident.state.value,
        "severity": incident.severity,
        "first": iso(incident.first),
        "last": iso(incident.last),
        "resolved_at": iso(incident.resolved_at),
        "count": incident.count,
        "untold": untold(incident),
        "flapping_since": iso(incident.flapping),
        "told": {name: _told_document(incident, told) for name, told in incident.told.items()},
    }


def whole_incident_document(incident: Incident, setup: Setup, store: HookStore) -> dict[str, Any]:
    """An incident in full."""
    found = setup.account(store).notices(incident)
    notices = [notice_document(each, delivery_of(store, setup, each)) for each in found]
    return {
        **incident_document(incident),
        "causes": [_cause_document(cause) for cause in incident.causes.values()],
        "more_causes": incident.more_causes,
        "also": incident.also,
        "notices": notices,
    }


def notice_document(notice: Notice, delivery: DeliveryRecord | None) -> dict[str, Any]:
    """A message, and where its delivery stands."""
    return {
        "id": notice.id,
        "recipient": notice.recipient,
        "state": notice.state,
        "reason": notice.reason,
        "at": notice.at,
        "due": iso(notice.due),
        "delivery": None if delivery is None else delivery_document(delivery),
    }


def delivery_of(store: HookStore, setup: Setup, notice: Notice) -> DeliveryRecord | None:
    """The delivery of a message to its channel; others may listen for its event, too."""
    channel = Recipient.read(notice.recipient).channel
    return delivery_to(store, setup, notice.id, channel)


def delivery_to(store: HookStore, setup: Setup, event_id: str, name: str) -> DeliveryRecord | None:
    """The delivery of an event to a hook of a resource, in its location; None when there is none."""
    hook, scopes = f"{setup.key}.{name}", (setup.location, "")
    deliveries = store.deliveries(event_id=event_id)
    return next((each for each in deliveries if each.hook == hook and each.scope in scopes), None)


def _told_document(incident: Incident, told: Told) -> dict[str, Any]:
    return {
        "sent": told.sent,
        "sent_at": iso(told.sent_at),
        "untold": sum(untold_of(incident, told).values()),
        "waiting": {
            name: {"kind": each.kind.value, "due": iso(each.due)} for name, each in told.waiting.items()
        },
    }


def _cause_document(cause: Cause) -> dict[str, Any]:
    about = cause.about
    return {
        "title": about.title,
        "error": about.first_line,
        "count": cause.count,
        "first": iso(cause.first),
        "last": iso(cause.last),
        "wrong_in": [place for place in cause.places if place],
        "resolved": cause.ok,
        "run_id": about.run_id,
        "event_id": about.event_id,
    }
