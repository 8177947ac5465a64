"""The hook that sees every event: counts it, and has messages sent."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from phlo_hooks.capabilities.alerting.intake import Intake
from phlo_hooks.capabilities.alerting.ledger import RUN, Ledger
from phlo_hooks.capabilities.alerting.plan import Plan
from phlo_hooks.errors import StoreError
from phlo_hooks.events import HookEvent
from phlo_hooks.state import Host

# Each round of a collision lets one relay through.
_MAX_TRIES = 30
# Seconds, of which a random part is waited for, longer with each collision.
_PAUSE = 0.02


@dataclass(frozen=True)
class Evaluator:
    """Takes events in, a batch in one transaction, each once however often it is delivered.

    Args:
        plan: the rules.
        host: where the incidents are kept.
    """

    plan: Plan
    host: Host

    def __call__(self, events: Sequence[HookEvent]) -> None:
        """Take events in, in their order.

        Raises:
            StoreError: nothing was taken in.
        """
        owner = (self.host.plugin, self.host.location)
        for number in range(_MAX_TRIES):
            ledger = Ledger(self.host.state, self.host.clock(), owner=owner, trusting=number == 0)
            intake = Intake(self.plan, ledger)
            ledger.expect(f"{RUN}{event.run_id}" for event in events if event.run_id)
            intake.tidy()
            for event in events:
                intake.take(event)
            if ledger.commit():
                return
            time.sleep(random.uniform(0, _PAUSE * number))
        raise StoreError("the alerts' incidents are written by too many relays at once: they try again")
