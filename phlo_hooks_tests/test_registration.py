"""What a hook may be, and the errors for what it may not be."""

from __future__ import annotations

import functools

import pytest

from phlo_hooks.errors import RegistrationError
from phlo_hooks.events import IngestionEvent
from phlo_hooks.registration import (
    AsyncHookHandler,
    DeliveryMode,
    FailurePolicy,
    HookFilter,
    HookHandler,
    HookProvider,
    HookRegistration,
    RegisteredHook,
)
from phlo_hooks_tests.samples import full_event

EVENT = full_event(IngestionEvent)


class Handler:
    def __init__(self):
        self.seen = []

    def handle_event(self, event):
        self.seen.append(event)


class AsyncHandler(Handler):
    async def handle_event_async(self, event):
        self.seen.append(event)

    def handle_event(self, event):
        raise AssertionError("the one that awaits has precedence")


class CoroutineMethod(Handler):
    async def handle_event(self, event):
        self.seen.append(event)


class AsyncCallable:
    def __init__(self):
        self.seen = []

    async def __call__(self, event):
        self.seen.append(event)


class PlainCallable:
    def __init__(self):
        self.seen = []

    def __call__(self, event):
        self.seen.append(event)
        return "a result that means nothing"


def function_styles():
    seen = []

    async def coroutine(event):
        seen.append(event)

    async def named(name, event):
        seen.append(event)

    return {
        "function": (seen.append, seen),
        "coroutine function": (coroutine, seen),
        "partial of a coroutine function": (functools.partial(named, "x"), seen),
        "lambda that returns a coroutine": (lambda event: named("x", event), seen),
    }


STYLES = {
    **function_styles(),
    **{
        name: (handler, handler.seen)
        for name, handler in {
            "handle_event": Handler(),
            "handle_event_async": AsyncHandler(),
            "handle_event that is a coroutine function": CoroutineMethod(),
            "callable": PlainCallable(),
            "async callable": AsyncCallable(),
        }.items()
    },
}


@pytest.mark.parametrize(("handler", "seen"), STYLES.values(), ids=STYLES)
def test_every_style_of_handler_is_called_to_its_end(handler, seen):
    """A coroutine that nobody awaits would be an event lost without a word."""
    seen.clear()
    RegisteredHook("p", HookRegistration("h", handler)).deliver(EVENT)
    assert [EVENT] == seen


def test_defaults_are_phlos():
    """ADR 0033: priority 100, no filter, failures are logged."""
    registration = HookRegistration("h", print)
    assert (100, None, FailurePolicy.LOG) == (
        registration.priority,
        registration.filters,
        registration.failure_policy,
    )


@pytest.mark.parametrize(
    ("options", "mode"),
    [
        ({}, DeliveryMode.QUEUED),
        ({"failure_policy": "ignore"}, DeliveryMode.QUEUED),
        ({"failure_policy": FailurePolicy.RAISE}, DeliveryMode.INLINE),
        ({"delivery": "inline"}, DeliveryMode.INLINE),
        ({"delivery": DeliveryMode.QUEUED}, DeliveryMode.QUEUED),
    ],
    ids=["default", "ignore", "raise", "inline", "queued"],
)
def test_delivery_mode(options, mode):
    """A slow receiver must not hold up a run, unless its author says otherwise."""
    assert mode is HookRegistration("h", print, **options).delivery


def test_text_becomes_an_enum():
    """YAML knows no enums."""
    assert FailurePolicy.IGNORE is HookRegistration("h", print, failure_policy="ignore").failure_policy


REFUSED = {
    "unknown policy": (
        {"failure_policy": "explode"},
        "'explode' is unknown; use one of 'ignore', 'log', 'raise'",
    ),
    "no policy": ({"failure_policy": None}, "failure_policy None is unknown"),
    "unknown delivery": ({"delivery": "later"}, "'later' is unknown; use one of 'inline', 'queued'"),
    "raise and queued": (
        {"failure_policy": "raise", "delivery": "queued"},
        "cannot abort it; use delivery='inline' or failure_policy='log'",
    ),
    "not callable": ({"handler": 3}, "handler 3 is not callable and has neither"),
    "no handler": ({"handler": None}, "handler None is not callable"),
    "a class": ({"handler": Handler}, r"is the class Handler; have you forgotten the `\(\)`\?"),
    "empty name": ({"hook_name": ""}, "hook_name '' is not a name"),
    "name with a dot": ({"hook_name": "a.b"}, "hook_name 'a.b' is not a name"),
    "name with a space": ({"hook_name": "a b"}, "hook_name 'a b' is not a name"),
    "no name": ({"hook_name": None}, "hook_name None is not a name"),
    "filters of another kind": (
        {"filters": {"event_types": {"run.start"}}},
        "filters is a dict, not a HookFilter",
    ),
    "priority as text": ({"priority": "high"}, "priority 'high' is not a whole number"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(options, message):
    """A hook that cannot work is refused where it is written; the message names it."""
    with pytest.raises(RegistrationError, match=message) as caught:
        HookRegistration(**{"hook_name": "my_hook", "handler": print, **options})
    assert "my_hook" in str(caught.value) or "hook_name" in str(caught.value)


def test_unknown_event_type_is_refused_in_a_registration():
    """The filter is built first, so it is the filter that says it."""
    with pytest.raises(RegistrationError, match=r"did you mean 'run\.failure'"):
        HookRegistration("h", print, filters=HookFilter(event_types={"run.failed"}))


def test_names():
    """A hook is known by its plugin's name and its own."""
    hook = RegisteredHook("slack", HookRegistration("on/failure:prod-1", print, priority=7))
    assert "slack.on/failure:prod-1" == hook.qualified_name
    assert (7, "slack", "on/failure:prod-1") == hook.sort_key


def test_protocols_are_told_by_their_methods():
    """No base class is needed."""

    class Provider:
        def get_hooks(self):
            return []

    assert isinstance(Provider(), HookProvider)
    assert isinstance(Handler(), HookHandler)
    assert isinstance(AsyncHandler(), AsyncHookHandler)
    assert not isinstance(print, (HookProvider, HookHandler, AsyncHookHandler))
