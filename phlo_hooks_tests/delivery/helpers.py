"""What the tests of delivery have in common: a clock that is moved by hand, events, hooks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from phlo_hooks.delivery.records import Want
from phlo_hooks.delivery.store import Claim, Entry, HookStore, Settlement, Target
from phlo_hooks.events import HookCorrelation, IngestionEvent
from phlo_hooks.registration import FailurePolicy, HookRegistration, RegisteredHook
from phlo_hooks.retry import RetryPolicy

START = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=timezone.utc)
HOOK = "plugin.hook"


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


POLICY = RetryPolicy(schedule=(5, 60), jitter="none")


def FakeHook(  # noqa: N802  # reads as what it stands for
    handler: Callable[[Any], object],
    qualified_name: str = HOOK,
    failure_policy: FailurePolicy = FailurePolicy.LOG,
    **options: Any,
) -> RegisteredHook:
    """A hook that is just a function; without jitter, and without circuit breaker unless one is given."""
    plugin, _, name = qualified_name.partition(".")
    options = {"retry": POLICY, "circuit": None, "delivery": "queued", "timeout": 30, **options}
    if failure_policy is FailurePolicy.RAISE:
        options["delivery"] = "inline"
    return RegisteredHook(plugin, HookRegistration(name, handler, failure_policy=failure_policy, **options))


def make_event(number: int = 0, run_id: str = "run-1", **fields: Any) -> IngestionEvent:
    """The event of this number: the same arguments make the same event."""
    fields = {"asset_key": f"raw/table_{number}", "timestamp": START, **fields}
    correlation = HookCorrelation(run_id=run_id, step_key=f"step_{number}")
    return IngestionEvent(event_type="ingestion.end", correlation=correlation, **fields)


def make_entries(count: int, *hooks: str, first: int = 0) -> list[Entry]:
    """Events, each for all these hooks."""
    targets = tuple(Target(hook) for hook in hooks or (HOOK,))
    return [Entry(make_event(number), targets) for number in range(first, first + count)]


def claim(store: HookStore, owner: str = "me", limit: int = 100, **options: Any) -> list[Claim]:
    """Claim deliveries of the one hook that most tests have."""
    scopes = options.pop("scopes", [""])
    return store.claim([Want(HOOK, limit, **{"lease": 60.0, **options})], scopes=scopes, owner=owner)


def deliver(store: HookStore, *claims: Claim) -> None:
    """Settle claims as delivered."""
    for each in claims:
        store.settle([Settlement.delivered(each.delivery_id)], owner=each.owner)


def states(store: HookStore) -> list[str]:
    """The state of every delivery, in the order they were recorded."""
    return [delivery.state.value for delivery in store.deliveries()]
