"""Ticks of schedules and sensors, evaluated by the daemons' own code."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.definitions.sensor_definition import SensorType
from dagster._core.remote_origin import RemoteInstigatorOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._utils.error import SerializableErrorInfo

from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import utc_now
from phlo_hooks_tests.producers.watching.deployment import Deployment, look, told


@pytest.fixture(autouse=True)
def _all_is_well(deployment: Deployment) -> Iterator[None]:
    yield
    deployment.break_()
    deployment.evaluate_sensors()


def rows(store: HookStore, name: str) -> list[tuple[str, int]]:
    return [(e.event_type, e.consecutive_failures) for e in told(store, "tick.") if e.instigator_name == name]


def test_a_sensor_that_fails_and_recovers(deployment: Deployment, store: HookStore) -> None:
    """Each failure is counted, with the user's own error; the first tick that works is told, and no other."""
    began = utc_now()
    deployment.evaluate_sensors()
    assert look(deployment.instance, store, since=began).events == 0
    deployment.break_("files")
    for _ in range(2):
        deployment.evaluate_sensors()
    look(deployment.instance, store, since=began)
    deployment.evaluate_sensors()
    look(deployment.instance, store, since=began)
    deployment.break_()
    for _ in range(2):
        deployment.evaluate_sensors()
        look(deployment.instance, store, since=began)

    assert rows(store, "files") == [
        ("tick.failure", 1),
        ("tick.failure", 2),
        ("tick.failure", 3),
        ("tick.recovered", 3),
    ]
    first = told(store, "tick.failure")[0]
    assert (first.instigator_type, first.error.error_class) == ("sensor", "ConnectionError")
    assert first.error.message == "no route to the bucket"
    assert began < first.timestamp < utc_now()


def test_all_between_two_looks(deployment: Deployment, store: HookStore) -> None:
    """What failed and recovered meanwhile is told in the order in which it happened."""
    began = utc_now()
    deployment.break_("files")
    deployment.evaluate_sensors()
    deployment.break_()
    deployment.evaluate_sensors()
    look(deployment.instance, store, since=began)
    assert rows(store, "files") == [("tick.failure", 1), ("tick.recovered", 1)]


def test_two_tails_tell_it_once(deployment: Deployment, store: HookStore) -> None:
    """A sensor and a relay look at the same: each tick has an id of its own."""
    began = utc_now()
    deployment.break_("files")
    deployment.evaluate_sensors()
    one = look(deployment.instance, store, since=began)
    notes = store.list_state("watch:post_office", "tick/")
    for note in notes:
        store.delete_state(note.namespace, note.key)
    again = look(deployment.instance, store, since=began)
    assert (one.new, again.events, again.new) == (1, 1, 0)


def test_what_was_before_is_not_told(deployment: Deployment, store: HookStore) -> None:
    """Somebody who starts today needs no alert of last night."""
    deployment.break_("files")
    deployment.evaluate_sensors()
    assert look(deployment.instance, store, since=utc_now()).events == 0


def test_the_sensors_of_another_location(deployment: Deployment, store: HookStore) -> None:
    """Are left to its own tail."""
    began = utc_now()
    deployment.break_("files")
    deployment.evaluate_sensors()
    assert look(deployment.instance, store, since=began, scope="elsewhere").events == 0


def test_a_schedule_that_is_tried_again(deployment: Deployment, store: HookStore) -> None:
    """Dagster writes the same tick once more: it failed once, and recovered when the second try did not."""
    began, when = utc_now(), utc_now().replace(second=5, microsecond=0)
    deployment.evaluate_schedules(when)
    minute = timedelta(minutes=1)
    look(deployment.instance, store, since=began)
    deployment.break_("nightly")
    for _ in range(2):
        deployment.evaluate_schedules(when + minute, retries=3)
        look(deployment.instance, store, since=began)
    assert rows(store, "nightly") == [("tick.failure", 1)]
    deployment.break_()
    deployment.evaluate_schedules(when + minute, retries=3)
    look(deployment.instance, store, since=began)
    assert rows(store, "nightly") == [("tick.failure", 1), ("tick.recovered", 1)]
    assert {event.instigator_type for event in told(store, "tick.")} == {"schedule"}


def test_the_sensor_of_automation_conditions(deployment: Deployment, store: HookStore) -> None:
    """Its daemon notes only the ticks that went well: what it failed since is found all the same."""
    began = utc_now()
    repository = deployment.repository.get_remote_origin()
    origin = RemoteInstigatorOrigin(repository, "default_automation_condition_sensor")
    data = SensorInstigatorData(
        last_tick_timestamp=began.timestamp() - 60, sensor_type=SensorType.AUTO_MATERIALIZE
    )
    state = InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING, data)
    deployment.instance.add_instigator_state(state)
    names = (state.instigator_origin_id, state.instigator_name, state.instigator_type)
    when = began.timestamp() + 1
    error = SerializableErrorInfo("ValueError: no\n", [], "ValueError")
    failed = TickData(*names, TickStatus.FAILURE, when, error=error, selector_id=state.selector_id)
    deployment.instance.create_tick(failed)
    look(deployment.instance, store, since=began)
    (event,) = told(store, "tick.")
    assert (event.event_type, event.instigator_type) == ("tick.failure", "sensor")
    deployment.instance.delete_instigator_state(state.instigator_origin_id, state.selector_id)
