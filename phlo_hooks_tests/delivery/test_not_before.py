"""A delivery that is for later."""

from datetime import datetime, timedelta, timezone

import pytest

from phlo_hooks.bus import HookBus
from phlo_hooks.delivery.recorder import Recorder
from phlo_hooks.delivery.relay import Relay
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.errors import RegistrationError
from phlo_hooks.events import AlertEvent
from phlo_hooks.registration import HookRegistration
from phlo_hooks.retry import RetryPolicy

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


class Setup:
    def __init__(self, **options):
        self.now, self.got = NOON, []
        self.store = HookStore.in_memory(clock=lambda: self.now)
        self.bus = HookBus(outbox=Recorder(self.store))
        handler = lambda event: self.got.append(event.incident_id)  # noqa: E731
        registration = HookRegistration("slack", handler, not_before=lambda event: event.due, **options)
        self.hook = self.bus.register(registration, plugin_name="alerting")

    def emit(self, name, due):
        event = AlertEvent(event_type="alert.firing", incident_id=name, rule="r", channel="slack", due=due)
        self.bus.emit(event)

    def relay(self):
        hooks = {self.hook.qualified_name: self.hook}
        return Relay(self.store, hooks, scopes=("",), clock=lambda: self.now).run(budget=5)


def test_what_is_for_later_waits_and_the_rest_does_not():
    setup = Setup()
    setup.emit("later", NOON + timedelta(hours=1))
    setup.emit("now", None)
    setup.emit("past", NOON - timedelta(hours=1))
    setup.relay()
    assert sorted(setup.got) == ["now", "past"]
    setup.now = NOON + timedelta(hours=1)
    setup.relay()
    assert sorted(setup.got) == ["later", "now", "past"]


def test_its_age_counts_from_then():
    """It is not late, nor too old, before its time has come."""
    setup = Setup(retry=RetryPolicy(max_age=60))
    setup.emit("later", NOON + timedelta(hours=1))
    [health] = setup.store.health()
    assert health.problems() == ()
    assert health.oldest_age == 0
    setup.now = NOON + timedelta(hours=1, seconds=5)
    setup.relay()
    assert setup.got == ["later"]


def test_an_inline_hook_cannot_wait():
    with pytest.raises(RegistrationError, match="ordering and not_before need delivery='queued'"):
        HookRegistration("h", print, delivery="inline", not_before=lambda event: None)
