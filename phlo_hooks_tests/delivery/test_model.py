"""Whatever relays do, and whenever they die: a delivery is never lost, nor in two hands at once."""

from __future__ import annotations

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from phlo_hooks.delivery.store import Claim, HookStore, Settlement
from phlo_hooks_tests.delivery.helpers import Clock, claim, make_entries

LEASE = 60.0
OUTCOMES = {
    "delivered": Settlement.delivered,
    "retrying": lambda key: Settlement.retrying(key, "again", after=30),
    "dead": lambda key: Settlement.dead(key, "gone"),
    "released": Settlement.released,
}
SETTLED = ("delivered", "dead")


class Deliveries(RuleBasedStateMachine):
    """Three relays that claim, settle, forget and come too late, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.store = HookStore.in_memory(clock=self.clock)
        self.recorded = 0
        self.held: list[Claim] = []
        self.final: dict[int, str] = {}

    def teardown(self) -> None:
        """Close what was opened."""
        self.store.close()

    @rule(count=st.integers(1, 3))
    def record(self, count: int) -> None:
        """New events, and some that are known."""
        self.store.record(make_entries(count, first=max(0, self.recorded - 1)))
        self.recorded = max(self.recorded, max(0, self.recorded - 1) + count)

    @rule(owner=st.sampled_from("abc"), limit=st.integers(1, 4))
    def claim(self, owner: str, limit: int) -> None:
        """Nobody gets what someone else still holds, nor what is settled."""
        holding = {each.delivery_id for each in self.held if each.lease_until > self.clock()}
        for each in claim(self.store, owner=owner, limit=limit, lease=LEASE):
            assert each.delivery_id not in holding
            assert each.delivery_id not in self.final
            self.held.append(each)

    @rule(data=st.data(), outcome=st.sampled_from(sorted(OUTCOMES)))
    def settle(self, data: st.DataObject, outcome: str) -> None:
        """In time or much too late."""
        if not self.held:
            return
        each = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        latest = not any(other.delivery_id == each.delivery_id for other in self.held)
        self.store.settle([OUTCOMES[outcome](each.delivery_id)], owner=each.owner)
        ours = latest or outcome == "delivered"
        if outcome in SETTLED and ours and each.delivery_id not in self.final:
            state = self._states()[each.delivery_id]
            if outcome == "delivered":
                assert state == "delivered"
            if state in SETTLED:
                self.final[each.delivery_id] = state

    @rule(seconds=st.sampled_from([1.0, 29.0, 31.0, LEASE]))
    def wait(self, seconds: float) -> None:
        """Leases end, retries become due."""
        self.clock.advance(seconds)

    @invariant()
    def what_is_settled_stays_so(self) -> None:
        """And nothing is settled by accident, or lost."""
        states = self._states()
        assert len(states) == self.recorded
        for delivery, state in self.final.items():
            assert states[delivery] == state

    @invariant()
    def what_is_open_can_be_claimed_in_the_end(self) -> None:
        """No row is stuck, whatever happened to it."""
        later = self.store.pending_count(due_at=self.clock.now.replace(year=2099))
        settled = sum(state in SETTLED for state in self._states().values())
        assert self.recorded - settled == later

    def _states(self) -> dict[int, str]:
        return {d.delivery_id: d.state.value for d in self.store.deliveries()}


TestDeliveries = Deliveries.TestCase
TestDeliveries.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
