"""The call loop: one event, the hooks that want it, one outcome each. No registry and no I/O in here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from inspect import isawaitable

from phlo_hooks.events import HookEvent
from phlo_hooks.outcome import Delivery, Outcome
from phlo_hooks.registration import FailurePolicy, RegisteredHook, wait_for

__all__ = ["Delivery", "Outcome", "dispatch", "dispatch_async", "failed"]

_ON_FAILURE = {
    FailurePolicy.IGNORE: Outcome.IGNORED,
    FailurePolicy.LOG: Outcome.FAILED,
    FailurePolicy.RAISE: Outcome.RAISED,
}


Wait = Callable[[object], None]
Fail = Callable[[HookEvent, RegisteredHook, Exception], Delivery]


def failed(event: HookEvent, hook: RegisteredHook, error: Exception) -> Delivery:
    """The delivery of a hook that raised, as its failure policy sees it."""
    return Delivery(hook.qualified_name, _ON_FAILURE[hook.failure_policy], error)


def dispatch(
    event: HookEvent, hooks: Iterable[RegisteredHook], wait: Wait = wait_for, fail: Fail = failed
) -> list[Delivery]:
    """Call each hook with the event, in the order given. One hook's exception never stops the next.

    Args:
        event: what happened.
        hooks: those that want it.
        wait: is given what a handler returned, when it returned something: it may be a coroutine.
        fail: is given what a handler raised; says what that makes of the delivery.
    """
    deliveries = []
    for hook in hooks:
        try:
            result = hook.call(event)
            if result is not None:
                wait(result)
        except Exception as exc:
            deliveries.append(fail(event, hook, exc))
        else:
            deliveries.append(hook.delivered)
    return deliveries


async def dispatch_async(
    event: HookEvent, hooks: Iterable[RegisteredHook], fail: Fail = failed
) -> list[Delivery]:
    """As `dispatch`, awaiting the handlers that are coroutines, one after the other."""
    deliveries = []
    for hook in hooks:
        try:
            result = hook.call(event)
            if isawaitable(result):
                await result
        except Exception as exc:
            deliveries.append(fail(event, hook, exc))
        else:
            deliveries.append(hook.delivered)
    return deliveries
