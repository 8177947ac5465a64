"""The call loop, bare: order, outcomes, and that one failure stops nobody."""

from __future__ import annotations

import asyncio

import pytest

from phlo_hooks.dispatch import Delivery, Outcome, dispatch, dispatch_async
from phlo_hooks.events import RunEvent
from phlo_hooks.registration import HookRegistration, RegisteredHook

EVENT = RunEvent(event_type="run.start")
BOOM = ValueError("boom")


def hook(name, handler, **options) -> RegisteredHook:
    return RegisteredHook("p", HookRegistration(name, handler, **options))


def fails(event):
    raise BOOM


def call(style, hooks):
    return dispatch(EVENT, hooks) if style == "sync" else asyncio.run(dispatch_async(EVENT, hooks))


styles = pytest.mark.parametrize("style", ["sync", "async"])


@styles
def test_no_hooks(style):
    """Nobody is called, nothing became of it."""
    assert [] == call(style, [])


@styles
def test_order_given_is_order_called(style):
    """The loop sorts nothing."""
    seen = []
    hooks = [hook(name, lambda event, name=name: seen.append(name)) for name in "cab"]
    deliveries = call(style, hooks)
    assert ["c", "a", "b"] == seen
    assert [Delivery(f"p.{name}", Outcome.DELIVERED) for name in "cab"] == deliveries


@styles
@pytest.mark.parametrize(
    ("policy", "outcome"),
    [("ignore", Outcome.IGNORED), ("log", Outcome.FAILED), ("raise", Outcome.RAISED)],
)
def test_a_failure_is_an_outcome(style, policy, outcome):
    """It is recorded as its policy says, and the next hook has its turn."""
    seen = []
    deliveries = call(style, [hook("bad", fails, failure_policy=policy), hook("good", seen.append)])
    assert [Delivery("p.bad", outcome, BOOM), Delivery("p.good", Outcome.DELIVERED)] == deliveries
    assert [EVENT] == seen


@styles
def test_a_coroutine_that_fails(style):
    """Its exception is the same outcome as that of a function."""

    async def fails_later(event):
        await asyncio.sleep(0)
        raise BOOM

    assert [Delivery("p.bad", Outcome.FAILED, BOOM)] == call(style, [hook("bad", fails_later)])


@styles
@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_is_no_failure(style, interrupt):
    """Who presses Ctrl-C wants out."""

    def stop(event):
        raise interrupt

    with pytest.raises(interrupt):
        call(style, [hook("stop", stop)])


def test_coroutines_run_one_after_the_other():
    """Order holds also where handlers await."""
    seen = []

    def handler(name, seconds):
        async def handle(event):
            await asyncio.sleep(seconds)
            seen.append(name)

        return handle

    call("async", [hook("slow", handler("slow", 0.01)), hook("fast", handler("fast", 0))])
    assert ["slow", "fast"] == seen


def test_wait_gets_only_results():
    """A plain function, which returns nothing, costs no look at its result."""
    waited = []
    dispatch(EVENT, [hook("none", lambda event: None), hook("some", lambda event: 7)], waited.append)
    assert [7] == waited
