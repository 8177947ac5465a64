"""Records as JSON: what `--json` prints. Names are those of the Python records."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from phlo_hooks.cli.times import iso
from phlo_hooks.delivery.health import HookHealth
from phlo_hooks.delivery.records import DeliveryRecord, EventRecord
from phlo_hooks.delivery.switches import HookCircuit


def event_document(record: EventRecord) -> dict[str, Any]:
    """An event; its body is under `event`."""
    return {
        "id": record.id,
        "event_id": record.event_id,
        "event_type": record.event_type,
        "timestamp": iso(record.timestamp),
        "recorded_at": iso(record.recorded_at),
        "run_id": record.run_id,
        "event": json.loads(record.body),
    }


def delivery_document(record: DeliveryRecord) -> dict[str, Any]:
    """A delivery as it stands."""
    return {
        "delivery_id": record.delivery_id,
        "event_id": record.event_id,
        "event_type": record.event_type,
        "hook": record.hook,
        "scope": record.scope,
        "state": record.state.value,
        "attempts": record.attempts,
        "replays": record.replays,
        "last_error": record.last_error,
        "lane": record.lane,
        "lease_owner": record.lease_owner,
        "next_attempt_at": iso(record.next_attempt_at),
        "created_at": iso(record.created_at),
        "settled_at": iso(record.settled_at),
    }


def circuit_document(circuit: HookCircuit) -> dict[str, Any]:
    """A circuit."""
    times = {"until": iso(circuit.until), "changed_at": iso(circuit.changed_at)}
    return {**asdict(circuit), **times}


def health_document(health: HookHealth, max_age: float) -> dict[str, Any]:
    """How a hook is doing, and what is wrong with it."""
    problems = health.problems(max_age)
    return {**asdict(health), "circuit": circuit_document(health.circuit), "problems": list(problems)}
