"""The call loop: one event, the hooks that want it, one outcome each. No registry and no I/O in here."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from functools import cache
from typing import NamedTuple

from phlo_hooks.events import HookEvent
from phlo_hooks.registration import FailurePolicy, RegisteredHook


class Outcome(str, Enum):
    """What became of a delivery in this process."""

    DELIVERED = "delivered"
    QUEUED = "queued"
    FAILED = "failed"
    IGNORED = "ignored"
    RAISED = "raised"
    DUPLICATE = "duplicate"


class Delivery(NamedTuple):
    """What became of one event on its way to one hook, named `plugin.hook_name`."""

    hook: str
    outcome: Outcome
    error: Exception | None = None


_ON_FAILURE = {
    FailurePolicy.IGNORE: Outcome.IGNORED,
    FailurePolicy.LOG: Outcome.FAILED,
    FailurePolicy.RAISE: Outcome.RAISED,
}


def dispatch(event: HookEvent, hooks: Iterable[RegisteredHook]) -> list[Delivery]:
    """Call each hook with the event, in the order given. One hook's exception never stops the next."""
    deliveries = []
    for hook in hooks:
        try:
            hook.deliver(event)
        except Exception as exc:
            deliveries.append(failed(hook, exc))
        else:
            deliveries.append(delivered(hook.qualified_name))
    return deliveries


async def dispatch_async(event: HookEvent, hooks: Iterable[RegisteredHook]) -> list[Delivery]:
    """As `dispatch`, awaiting the handlers that are coroutines, one after the other."""
    deliveries = []
    for hook in hooks:
        try:
            if hook.deliver_async is None:
                hook.deliver(event)
            else:
                await hook.deliver_async(event)
        except Exception as exc:
            deliveries.append(failed(hook, exc))
        else:
            deliveries.append(delivered(hook.qualified_name))
    return deliveries


@cache
def delivered(hook: str) -> Delivery:
    """The delivery of a hook that returned: one object for all, since success carries no detail."""
    return Delivery(hook, Outcome.DELIVERED)


def failed(hook: RegisteredHook, error: Exception) -> Delivery:
    """The delivery of a hook that raised, as its failure policy sees it."""
    return Delivery(hook.qualified_name, _ON_FAILURE[hook.failure_policy], error)
