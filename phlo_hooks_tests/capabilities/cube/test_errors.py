"""What goes wrong between here and Cube: how it is to be treated, and what nobody may see of it."""

import logging
import time

import pytest

from phlo_hooks.capabilities.cube.jwt import signed
from phlo_hooks.errors import DeliveryError, PermanentError, RetryLater
from phlo_hooks.testing import Fault
from phlo_hooks_tests.capabilities.cube.server import SECRET, CubeServer
from phlo_hooks_tests.capabilities.cube.shop import layer, refreshed, work

MANY = '{"error": "Too many requests"}'
# What Cube, or a proxy before it, does; which error it is; what is said.
ROWS = {
    "too many": (Fault.retry_after(7), RetryLater, "429"),
    "too many, without a time": (Fault.answer(429, MANY), RetryLater, "429"),
    "starting": (Fault.retry_after(3, 503), RetryLater, "503"),
    "down": (Fault.answer(503), DeliveryError, "503"),
    "an error of its own": (Fault.answer(500, '{"error": "Error: no driver"}'), DeliveryError, "no driver"),
    "a database that is down": (Fault.answer(400, '{"error": "ECONNREFUSED"}'), DeliveryError, "ECONNREFUSED"),
    "a mistake": (Fault.answer(400, '{"error": "no such thing", "type": "UserError"}'), PermanentError, "no such thing"),
    "another path": (Fault.answer(404, "{}"), PermanentError, "404"),
    "moved": (Fault.redirect("http://127.0.0.1:1/x"), DeliveryError, "set the url that it moved to"),
    "a login page": (Fault.answer(200, "<html>Sign in</html>"), DeliveryError, "with no JSON: <html>Sign in"),
    "a proxy's refusal": (Fault.answer(401, '{"message": "who?"}'), DeliveryError, "401: null: set token to a valid one"),
    "an error in 200": (Fault.answer(200, '{"error": "strange"}'), DeliveryError, "answered 200 to /v1/meta: strange"),
    "something else": (Fault.answer(200, "[]"), DeliveryError, "without cubes: set url and base_path"),
    "nothing": (Fault.answer(200), DeliveryError, "without cubes"),
    "reset": (Fault.reset(), DeliveryError, "Cube at http://127.0.0.1"),
    "cut": (Fault.truncate(), DeliveryError, "Cube at http://127.0.0.1"),
    "silence": (Fault.hang(), DeliveryError, "no complete answer within 0.5 s"),
    "slow": (Fault.slow_body(60), DeliveryError, "no complete answer within 0.5 s"),
}  # fmt: skip


@pytest.fixture
def server():
    with CubeServer() as server:
        yield server


@pytest.mark.parametrize(("fault", "error", "words"), ROWS.values(), ids=ROWS)
def test_the_data_model_cannot_be_had(server, fault, error, words):
    """And the next attempt finds it."""
    server.server.next(fault)
    # A machine that is busy must not time out where nothing hangs.
    resource = layer(server, timeout=0.5 if "0.5 s" in words else 20.0)
    with pytest.raises(DeliveryError) as caught:
        resource.begin(work("orders"))
    assert type(caught.value) is error
    assert words in str(caught.value)
    assert refreshed(layer(server), work("orders")).state == "done"


@pytest.mark.parametrize(
    "fault", [Fault.answer(502), Fault.answer(200, '{"a": 1}'), Fault.answer(200, '"x"')]
)
def test_a_job_that_does_not_begin(server, fault):
    server.server.next(
        Fault.answer(200, '{"cubes": [{"name": "orders", "preAggregations": [{"name": "x"}]}]}'), fault
    )
    with pytest.raises(DeliveryError, match="Cube at"):
        layer(server).begin(work("orders"))


@pytest.mark.parametrize("fault", [Fault.answer(502), Fault.answer(200, "[]"), Fault.hang()])
def test_a_look_that_fails(server, fault):
    """The next one goes on from there."""
    resource, todo = layer(server), work("customers")
    progress = resource.begin(todo)
    server.server.next(fault)
    with pytest.raises(DeliveryError):
        layer(server, timeout=0.5).look(todo, progress.jobs)
    progress = resource.look(todo, progress.jobs)
    assert resource.look(todo, progress.jobs).state == "done"
    assert len(server.posted) == 1


def test_it_is_not_there():
    with CubeServer() as server:
        resource = layer(server)
    with pytest.raises(DeliveryError, match="Cube at http://127.0.0.1"):
        resource.begin(work("orders"))


WRONG = {
    "no token": ({"secret": None}, "403: Authorization header isn't set: set token to a valid one"),
    "another secret": ({"secret": "canary-c2-of-another"}, "403: Invalid token: .* CUBEJS_API_SECRET"),
    "a token that has ended": (
        {"secret": None, "token": signed({"c": "canary-c3"}, SECRET, time.time() - 999)},
        "Invalid token",
    ),
    "no token at all": ({"secret": None, "token": "canary-c4-token"}, "Invalid token"),
}


@pytest.mark.parametrize(("fields", "words"), WRONG.values(), ids=WRONG)
def test_who_asks_is_not_known(server, fields, words):
    with pytest.raises(DeliveryError, match=words) as caught:
        layer(server, **fields).begin(work("orders"))
    assert not isinstance(caught.value, PermanentError), "an operator can mend it"


# All the ways in which Cube's answers come to be seen.
ECHOES = {
    "an error": lambda text: Fault.answer(500, f'{{"error": "{text}"}}'),
    "a refusal": lambda text: Fault.answer(400, f'{{"error": "{text}", "type": "UserError"}}'),
    "not allowed": lambda text: Fault.answer(403, f'{{"error": "{text}"}}'),
    "an error in 200": lambda text: Fault.answer(200, f'{{"error": "{text}"}}'),
    "a page": lambda text: Fault.answer(502, f"<html>{text}</html>"),
    "another path": lambda text: Fault.answer(404, text),
}


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize("field", ["token", "secret"])
def test_nothing_secret_is_said(server, caplog, echo, field):
    """Not even where Cube says back what it was sent."""
    caplog.set_level(logging.DEBUG)
    resource = layer(server, **{"secret": None, "token": None, field: "canary-c5-of-ours"})
    server.server.always(echo("token was canary-c5-of-ours"))
    with pytest.raises(DeliveryError) as caught:
        resource.begin(work("orders"))
    seen = f"{caught.value!r} {caught.value} {caught.value.__cause__!r} {caplog.text} {resource!r}"
    assert "canary-c5" not in seen
    assert "[redacted]" in str(caught.value)


def test_nothing_secret_in_what_is_kept_and_told(server):
    server.failures = {"orders.daily": f"failure: with {SECRET} at postgres://u:canary-pw@db/x"}
    resource, todo = layer(server), work("orders")
    begun = resource.begin(todo)
    failed = refreshed(resource, todo)
    assert failed.state == "failed"
    for seen in (begun, failed):
        assert "canary" not in repr(seen)
