"""Several transports: each gets each event, and nobody gets it twice because another one was down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from phlo_hooks.capabilities.openlineage.transports.sharing import Receipts
from phlo_hooks.errors import DeliveryError, EndpointGoneError, PermanentError, RetryLater
from phlo_hooks.testing import Fault, FaultServer
from phlo_hooks_tests.capabilities.openlineage.transports.helpers import Dropping, outlet_of, run_event, send


@pytest.fixture
def other() -> Iterator[FaultServer]:
    """A second backend."""
    with FaultServer() as other:
        yield other


def both(first: FaultServer, second: FaultServer, **fields: Any) -> dict[str, Any]:
    """A composite of the two."""
    children = {"one": {"type": "http", "url": first.url}, "two": {"type": "http", "url": second.url}}
    return {"type": "composite", "transports": children, **fields}


def test_all_get_it(server: FaultServer, other: FaultServer) -> None:
    send(transport=both(server, other))
    assert (server.count, other.count) == (1, 1)


@pytest.mark.parametrize("down", [0, 1])
def test_a_partial_loss_is_a_failure(server: FaultServer, other: FaultServer, down: int) -> None:
    """And who has it is not sent it again, also when the event was built again."""
    lame, sound = (server, other) if down == 0 else (other, server)
    lame.next(Fault.answer(500), Fault.answer(500))
    with outlet_of(transport=both(server, other)) as outlet:
        for _ in range(2):
            with pytest.raises(
                DeliveryError, match="1 of 2 transports failed: .*http '(one|two)' at .* answered 500"
            ):
                outlet.send(run_event())
        assert (lame.count, sound.count) == (2, 1)
        outlet.send(run_event())
        assert (len(lame.processed), sound.count) == (1, 1)


def test_another_event_is_another_event(server: FaultServer, other: FaultServer) -> None:
    other.next(Fault.answer(500))
    with outlet_of(transport=both(server, other)) as outlet:
        with pytest.raises(DeliveryError):
            outlet.send(run_event("orders"))
        outlet.send(run_event("customers"))
    assert server.count == 2


def test_the_same_event_may_be_sent_on_purpose(server: FaultServer, other: FaultServer) -> None:
    """A replay, after it was delivered to all."""
    with outlet_of(transport=both(server, other)) as outlet:
        outlet.send(run_event())
        outlet.send(run_event())
    assert (server.count, other.count) == (2, 2)


def test_a_fallback_ends_at_the_first_success(
    server: FaultServer, other: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    config = both(server, other, continue_on_success=False)
    send(transport=config)
    assert (server.count, other.count) == (1, 0)
    server.always(Fault.answer(500))
    send(transport=config)
    assert len(other.processed) == 1
    assert "the next one has the event" in caplog.text


def test_a_fallback_fails_when_all_do(server: FaultServer, other: FaultServer) -> None:
    server.always(Fault.answer(500))
    other.always(Fault.answer(400))
    with pytest.raises(DeliveryError, match="2 of 2 transports failed") as caught:
        send(transport=both(server, other, continue_on_success=False))
    assert not isinstance(caught.value, PermanentError)


@pytest.mark.parametrize("on_success", [True, False])
def test_a_failure_may_end_it(server: FaultServer, other: FaultServer, on_success: bool) -> None:
    server.always(Fault.answer(500))
    config = both(server, other, continue_on_failure=False, continue_on_success=on_success)
    with pytest.raises(DeliveryError):
        send(transport=config)
    assert other.count == 0


def test_only_what_all_refuse_is_permanent(server: FaultServer, other: FaultServer) -> None:
    server.always(Fault.answer(400))
    with pytest.raises(PermanentError):
        send(transport=both(server, other))
    other.always(Fault.answer(502))
    with pytest.raises(DeliveryError) as caught:
        send(transport=both(server, other))
    assert not isinstance(caught.value, PermanentError)


def test_one_that_is_gone_does_not_end_the_others(server: FaultServer, other: FaultServer) -> None:
    server.always(Fault.answer(410))
    with pytest.raises(PermanentError) as caught:
        send(transport=both(server, other))
    assert not isinstance(caught.value, EndpointGoneError)


def test_the_longest_pause_counts(server: FaultServer, other: FaultServer) -> None:
    server.always(Fault.retry_after(3))
    other.always(Fault.retry_after(40))
    with pytest.raises(RetryLater) as caught:
        send(transport=both(server, other))
    assert (caught.value.after, caught.value.pause) == (40, True)


def test_priorities(server: FaultServer, other: FaultServer) -> None:
    config = both(server, other, sort_transports=True, continue_on_success=False)
    config["transports"]["two"]["priority"] = 5
    send(transport=config)
    assert (server.count, other.count) == (0, 1)


def test_composites_within_composites(server: FaultServer, other: FaultServer) -> None:
    """Each remembers its own; a transformer that drops an event is content."""
    other.next(Fault.answer(500))
    dropping = {
        "type": "transform",
        "transport": {"type": "http", "url": other.url},
        "transformer_class": f"{Dropping.__module__}.{Dropping.__name__}",
    }
    config = {"type": "composite", "transports": [both(server, other), dropping]}
    with outlet_of(transport=config) as outlet:
        with pytest.raises(DeliveryError, match="answered 500"):
            outlet.send(run_event())
        outlet.send(run_event())
    assert (server.count, other.count) == (1, 2)


def test_the_memory_is_bounded() -> None:
    receipts = Receipts(limit=3)
    for number in range(10):
        receipts.add(bytes([number]), 0)
    assert len(receipts) == 3
    assert receipts.has(bytes([9]), 0)
    assert not receipts.has(bytes([0]), 0)


def test_nothing_is_remembered_once_all_have_it(server: FaultServer, other: FaultServer) -> None:
    with outlet_of(transport=both(server, other)) as outlet:
        outlet.send(run_event())
        assert len(outlet._client.transport._receipts) == 0
