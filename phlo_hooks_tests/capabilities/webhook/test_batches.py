"""Several events in a request, and requests that would be too large."""

from __future__ import annotations

import time
from itertools import chain, pairwise

import pytest

from phlo_hooks.capabilities.webhook.messages import batched
from phlo_hooks.delivery.relay import Relay
from phlo_hooks.delivery.store import Entry, HookStore, Target
from phlo_hooks.errors import DeliveryError, EndpointGoneError, PermanentError, RetryLater
from phlo_hooks.testing import Fault, FaultServer
from phlo_hooks_tests.capabilities.webhook.helpers import HOOK, hook_of
from phlo_hooks_tests.delivery.helpers import Clock, make_event

EVENTS = [make_event(number) for number in range(10)]


@pytest.mark.parametrize("limit", [1_000, 1_500, 5_000, 100_000])
def test_no_request_is_too_large(limit: int) -> None:
    """Every event is in one of them, in order, and each is as full as it can be."""
    messages = list(batched(EVENTS, limit))
    assert all(len(message.body) <= limit for message in messages)
    sizes = [len(message.body) for message in messages]
    assert all(a + b - 1 > limit for a, b in pairwise(sizes)) or limit < 2_000
    assert len({message.id for message in messages}) == len(messages)


def test_a_batch_beyond_the_limit_is_cut(server: FaultServer) -> None:
    """The receiver gets all of it."""
    hook_of(url=server.url, format="batch", max_body=1_500).deliver(*EVENTS)
    assert server.count > 1
    assert EVENTS == list(chain.from_iterable(request.events() for request in server.requests))


def test_an_event_that_is_too_large(server: FaultServer) -> None:
    """Alone, it is given up; among others, it is not to take them along."""
    large = make_event(99, metadata={"text": "x" * 2_000})
    advice = "2,000 may be sent: raise max_body"
    with pytest.raises(PermanentError, match=advice):
        hook_of(url=server.url, max_body=2_000).deliver(large)
    batch = hook_of(url=server.url, max_body=2_000, format="batch")
    with pytest.raises(PermanentError, match=advice):
        batch.deliver(large)
    with pytest.raises(DeliveryError, match=advice) as info:
        batch.deliver(EVENTS[0], large)
    assert (False, 0) == (isinstance(info.value, PermanentError), server.count)


REFUSED = [
    pytest.param(Fault.answer(422), PermanentError, DeliveryError, id="422"),
    pytest.param(Fault.answer(410), EndpointGoneError, EndpointGoneError, id="410"),
    pytest.param(Fault.retry_after(7), RetryLater, RetryLater, id="429"),
    pytest.param(Fault.answer(500), DeliveryError, DeliveryError, id="500"),
]


@pytest.mark.parametrize(("fault", "alone", "together"), REFUSED)
def test_a_refused_batch(server: FaultServer, fault: Fault, alone: type, together: type) -> None:
    """One event may be to blame: only what is said of an event alone is final."""
    server.always(fault)
    hook = hook_of(url=server.url, format="batch")
    for events, expected in ((EVENTS[:1], alone), (EVENTS[:2], together)):
        with pytest.raises(DeliveryError) as info:
            hook.deliver(*events)
        assert expected is type(info.value)


def test_a_pause_is_for_the_endpoint(server: FaultServer) -> None:
    """Not for one event alone."""
    server.always(Fault.retry_after(7))
    with pytest.raises(RetryLater) as info:
        hook_of(url=server.url).deliver(EVENTS[0])
    assert (7.0, True) == (info.value.after, info.value.pause)


def test_batches_of_a_relay(server: FaultServer) -> None:
    """However the relay fills them: every event arrives, in whatever company."""
    store = HookStore.in_memory()
    store.record([Entry(event, (Target(HOOK),)) for event in EVENTS])
    hook = hook_of(url=server.url, format="batch", batch_size=4)
    Relay(store, {HOOK: hook}, scopes=[""]).run()
    assert {"delivered"} == {each.state.value for each in store.deliveries()}
    assert EVENTS == list(chain.from_iterable(request.events() for request in server.requests))
    store.close()


def test_one_bad_event_spoils_no_others(server: FaultServer) -> None:
    """It alone is given up; the others arrive, at the latest with their next attempt."""
    clock = Clock()
    store = HookStore.in_memory(clock=clock)
    large = make_event(99, metadata={"text": "x" * 3_000})
    store.record([Entry(event, (Target(HOOK),)) for event in (*EVENTS, large)])
    hook = hook_of(url=server.url, format="batch", max_body=2_000, circuit_failures=None)
    for _ in range(3):
        Relay(store, {HOOK: hook}, scopes=[""]).run()
        clock.advance(4000)
    states = {each.event_id: each.state.value for each in store.deliveries()}
    assert "dead" == states.pop(large.event_id)
    assert {"delivered"} == set(states.values())
    store.close()


def test_the_time_is_that_of_the_whole_batch(server: FaultServer) -> None:
    """However many requests it takes; the relay waits for no more."""
    server.always(Fault.slow_body(0.2))
    hook = hook_of(url=server.url, format="batch", max_body=1_000, timeout=0.5)
    begin = time.monotonic()
    with pytest.raises(DeliveryError, match="no complete answer within 0.5 s"):
        hook.deliver(*EVENTS)
    assert (True, True) == (time.monotonic() - begin < 1.5, server.count < len(EVENTS))
