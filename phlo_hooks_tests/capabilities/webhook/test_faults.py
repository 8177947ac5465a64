"""Whatever a receiver does, the delivery ends in the right state, and the event arrives as soon as it can."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from phlo_hooks.delivery.relay import Relay
from phlo_hooks.delivery.store import Entry, HookStore, Target
from phlo_hooks.testing import Fault, FaultServer
from phlo_hooks_tests.capabilities.webhook.helpers import HOOK, SECRET, hook_of
from phlo_hooks_tests.delivery.helpers import Clock, make_event


class After(NamedTuple):
    """What the store has after one call, and what the receiver saw."""

    state: str
    attempts: int
    # The next attempt is so many seconds away: at least, at most.
    wait: tuple[float, float] | None
    received: int
    processed: int
    error: str | None


def delivered() -> After:
    return After("delivered", 1, None, 1, 1, None)


def retried(error: str, *, received: int = 1, processed: int = 0) -> After:
    return After("retrying", 1, (0, 5), received, processed, error)


def told_to_wait(seconds: float, error: str) -> After:
    # An HTTP date has whole seconds.
    return After("retrying", 0, (seconds - 2, seconds), 1, 0, error)


def dead(error: str) -> After:
    return After("dead", 1, None, 1, 0, error)


FAULTS = [
    pytest.param(Fault.accept(), delivered(), id="204"),
    pytest.param(Fault.accept(200, b"ok"), delivered(), id="200"),
    pytest.param(Fault.accept(202), delivered(), id="202"),
    pytest.param(Fault.accept(200, b"x" * 200_000), delivered(), id="a long answer"),
    pytest.param(Fault.refuse(), retried("ConnectError", received=0), id="refused"),
    pytest.param(Fault.reset(), retried("Connection reset"), id="reset"),
    pytest.param(Fault.hang(), retried("no complete answer within 0.4 s"), id="hangs"),
    pytest.param(
        Fault.slow_body(4.0, b"." * 100),
        retried("no complete answer within 0.4 s", processed=1),
        id="slow body",
    ),
    pytest.param(Fault.truncate(), retried("RemoteProtocolError"), id="truncated"),
    pytest.param(
        Fault.lose_answer(), retried("Server disconnected", processed=1), id="success lost on its way"
    ),
    pytest.param(
        Fault.redirect("/elsewhere"), retried("answered 308 (redirects are not followed"), id="redirect 308"
    ),
    pytest.param(
        Fault.redirect("/elsewhere", 302), retried("answered 302 (redirects are not"), id="redirect 302"
    ),
    pytest.param(Fault.answer(400, "no such field"), dead("PermanentError: post at http"), id="400"),
    pytest.param(Fault.answer(401), dead("answered 401"), id="401"),
    pytest.param(Fault.answer(403), dead("answered 403"), id="403"),
    pytest.param(Fault.answer(404), dead("answered 404"), id="404"),
    pytest.param(Fault.answer(408), retried("answered 408"), id="408"),
    pytest.param(Fault.answer(410, "moved away"), dead("answered 410: moved away"), id="410"),
    pytest.param(Fault.answer(413), dead("answered 413"), id="413"),
    pytest.param(Fault.answer(422), dead("answered 422"), id="422"),
    pytest.param(Fault.answer(425), retried("answered 425"), id="425"),
    pytest.param(Fault.answer(429), retried("answered 429"), id="429"),
    pytest.param(Fault.retry_after(90), told_to_wait(90, "answered 429"), id="429 with seconds"),
    pytest.param(
        Fault.retry_after(3000, as_date=True), told_to_wait(3000, "answered 429"), id="429 with a date"
    ),
    pytest.param(
        Fault.answer(429, headers={"Retry-After": "soon"}), retried("answered 429"), id="429 with nonsense"
    ),
    pytest.param(Fault.answer(500, "a\n  trace"), retried("answered 500: a trace"), id="500"),
    pytest.param(Fault.answer(502), retried("answered 502"), id="502"),
    pytest.param(Fault.answer(503), retried("answered 503"), id="503"),
    pytest.param(Fault.retry_after(120, 503), told_to_wait(120, "answered 503"), id="503 with seconds"),
]


@pytest.mark.parametrize(("fault", "expected"), FAULTS)
def test_fault(server: FaultServer, fault: Fault, expected: After) -> None:
    """What one call leads to; and once the receiver is well, the event arrives under the same id."""
    clock = Clock()
    store = HookStore.in_memory(clock=clock)
    event = make_event()
    store.record([Entry(event, (Target(HOOK),))])
    server.always(fault)

    relay(store, server).run()

    assert expected == after(store, server, clock, expected)
    recover(store, server, clock)
    assert {event.event_id} == {request.webhook_id for request in server.requests}
    assert all(request.signed_with(SECRET) for request in server.requests)
    assert all(request.path == "/in" for request in server.requests)
    ended = "delivered" if expected.state == "retrying" else expected.state
    assert [ended] == [each.state.value for each in store.deliveries()]
    store.close()


def relay(store: HookStore, server: FaultServer) -> Relay:
    hook = hook_of(url=f"{server.url}/in", timeout=0.4)
    return Relay(store, {HOOK: hook}, scopes=[""])


def after(store: HookStore, server: FaultServer, clock: Clock, expected: After) -> After:
    """What there is; where that is within what is expected, in the words of the expectation."""
    (row,) = store.deliveries()
    error = row.last_error
    if expected.error and expected.error in (error or ""):
        error = expected.error
    wait: Any = row.next_attempt_at and (row.next_attempt_at - clock.now).total_seconds()
    if wait is not None and expected.wait and expected.wait[0] <= wait <= expected.wait[1]:
        wait = expected.wait
    return After(row.state.value, row.attempts, wait, server.count, len(server.processed), error)


def recover(store: HookStore, server: FaultServer, clock: Clock) -> None:
    server.always(Fault.accept())
    clock.advance(4000)
    relay(store, server).run()


def test_a_redirect_is_not_followed(server: FaultServer) -> None:
    """A signed request must not be led to somebody else."""
    with FaultServer() as other:
        server.always(Fault.redirect(f"{other.url}/in"))
        with pytest.raises(Exception, match="308"):
            hook_of(url=server.url).deliver(make_event())
        assert (0, 1) == (other.count, server.count)
