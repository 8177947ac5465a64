"""A hook of the demo's own: a function, and what it wants to hear of."""

from __future__ import annotations

from phlo_hooks.demo.paths import DemoHome
from phlo_hooks.describe import describe
from phlo_hooks.events import HookEvent
from phlo_hooks.filters import HookFilter
from phlo_hooks.registration import HookRegistration


def on_call_hook(home: DemoHome) -> HookRegistration:
    """Notes what failed, with its owners, for the person on call. Warnings can wait until the morning."""

    def note(event: HookEvent) -> None:
        owners = ", ".join(getattr(event, "owners", ())) or "nobody"
        home.root.mkdir(parents=True, exist_ok=True)
        with home.on_call.open("a", encoding="utf-8") as log:
            log.write(f"{event.timestamp:%Y-%m-%d %H:%M} {describe(event)} (owners: {owners})\n")

    return HookRegistration("on_call", note, filters=HookFilter(min_severity="ERROR"))
