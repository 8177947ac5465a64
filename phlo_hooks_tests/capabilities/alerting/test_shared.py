"""Relays that work on the same incidents at the same time: all counts add up, and nobody is told twice."""

import threading
from collections import Counter
from dataclasses import replace

import pytest

from phlo_hooks.capabilities.alerting.channels.channel import Channel
from phlo_hooks.capabilities.alerting.evaluator import Evaluator
from phlo_hooks.capabilities.alerting.ledger import MUTE, alert_id
from phlo_hooks.capabilities.alerting.plan import make_plan
from phlo_hooks.capabilities.alerting.sending import Sender
from phlo_hooks.delivery.plugin_state import PluginState
from phlo_hooks.delivery.records import Entry, Target, Told
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.state import Host, StateChange
from phlo_hooks_tests.capabilities.alerting.bench import asset, at, rule
from phlo_hooks_tests.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

RELAYS, EVENTS, BATCH = 4, 240, 10


class Phone(Channel):
    """Notes who was told what."""

    def send(self, message, *, target=None, thread=None):
        CALLS.append(message.message_id)


CALLS = []


@pytest.fixture(params=["file", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request, tmp_path):
    CALLS.clear()
    if request.param == "postgres":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path}/hooks.db"


def host_on(store):
    state = PluginState(
        store, "alerting", "", lambda event: Told(Entry(event, (Target("alerting.phone", due=event.due),)))
    )
    return Host(state, "", lambda selection: frozenset(), lambda: at(3600))


def at_once(*works):
    errors = []

    def run(work):
        try:
            work()
        except Exception as exc:  # noqa: BLE001  # whatever it is, the test shows it
            errors.append(exc)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_several_relays_at_once(url):
    plan = make_plan([rule(to=["phone"], flap_changes=0)], {"phone": Phone(name="phone")})
    events = [asset(at(number), key=f"a{number % 3}", event_id=f"event{number}") for number in range(EVENTS)]
    stores = [HookStore(url, timeout=30, clock=lambda: at(3600)) for _ in range(RELAYS)]
    try:
        batches = [events[start : start + BATCH] for start in range(0, EVENTS, BATCH)]

        def relay(number):
            evaluate = Evaluator(plan, host_on(stores[number]))
            # Each batch is delivered to two of them: one of the deliveries counts for nothing.
            with stores[number].connected():
                for index, batch in enumerate(batches):
                    if index % RELAYS in (number, (number + 1) % RELAYS):
                        evaluate(batch)

        at_once(*(lambda number=number: relay(number) for number in range(RELAYS)))
        state = host_on(stores[0]).state
        counts = {each.value["key"]: each.value["count"] for each in state.list("open/")}
        assert counts == {f"asset a{number}": EVENTS // 3 for number in range(3)}
        alerts = [record.event for record in stores[0].events()]
        assert Counter(event.event_type for event in alerts) == {"alert.firing": 3}
        at_once(
            *(
                lambda store=store: [Sender(plan, host_on(store))(event) for event in alerts[:1]]
                for store in stores
            )
        )
        first = next(each.value for each in state.list("open/") if each.value["id"] == alerts[0].incident_id)
        assert sum(first["told"]["phone"]["counts"].values()) == EVENTS // 3
        assert first["told"]["phone"]["sent"] >= 1
    finally:
        for store in stores:
            store.close()


def test_a_mute_without_an_end(url):
    """What is to be told after the end of time can be read from the store like all else."""
    store = HookStore(url, clock=lambda: at(0))
    try:
        state = host_on(store).state
        state.commit([StateChange(MUTE + alert_id("all"), {"reason": "for good"})])
        plan = make_plan([rule(to=["phone"])], {"phone": Phone(name="phone")})
        Evaluator(plan, replace(host_on(store), clock=lambda: at(0)))([asset(at(0))])
        [delivery] = store.deliveries()
        assert delivery.next_attempt_at > at(days=3000)
        assert [health.hook for health in store.health()] == ["alerting.phone"]
    finally:
        store.close()
