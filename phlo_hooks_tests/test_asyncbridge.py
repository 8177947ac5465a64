"""The bridge from sync to async code, with and without a loop that runs."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

import pytest

from phlo_hooks.asyncbridge import run_coroutine

WHO: ContextVar[str] = ContextVar("who", default="nobody")


async def answer():
    await asyncio.sleep(0)
    return threading.get_ident(), WHO.get()


async def fail():
    raise ValueError("boom")


def test_without_a_loop_it_is_this_thread():
    """A script needs no thread."""
    assert (threading.get_ident(), "nobody") == run_coroutine(answer())


def test_under_a_running_loop_it_is_another_thread():
    """A loop cannot be entered twice; context variables go along."""

    async def outer():
        WHO.set("me")
        return run_coroutine(answer())

    thread, who = asyncio.run(outer())
    assert threading.get_ident() != thread
    assert "me" == who


@pytest.mark.parametrize("nested", [False, True], ids=["no loop", "running loop"])
def test_exceptions_come_through(nested):
    """As they are."""

    async def outer():
        run_coroutine(fail())

    with pytest.raises(ValueError, match="boom"):
        asyncio.run(outer()) if nested else run_coroutine(fail())
