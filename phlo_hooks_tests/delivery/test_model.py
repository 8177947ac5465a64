"""Whatever relays and operators do, and whenever they die: nothing is lost, nor in two hands, nor out of order."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from phlo_hooks.delivery.records import Entry, Target, Want
from phlo_hooks.delivery.selection import Selection
from phlo_hooks.delivery.store import Claim, DeliveryState, HookStore, Settlement
from phlo_hooks_tests.delivery.helpers import HOOK, Clock, make_event

LEASE = 60.0
ORDERED = "plugin.ordered"
LANES = 2
OUTCOMES = {
    "delivered": Settlement.delivered,
    "retrying": lambda key: Settlement.retrying(key, "again", after=30),
    "dead": lambda key: Settlement.dead(key, "gone"),
    "released": Settlement.released,
}
OPEN = (DeliveryState.PENDING, DeliveryState.RETRYING)


def entry(number: int) -> Entry:
    """An event for two hooks, one of which wants the events of each of two assets in order."""
    lane = f"a{number % LANES}"
    return Entry(make_event(number, asset_key=lane), (Target(HOOK), Target(ORDERED, lane=lane)))


def id_of(number: int) -> str:
    """The id of the event of this number."""
    return entry(number).event.event_id


class Deliveries(RuleBasedStateMachine):
    """Three relays that claim, settle, crash and come too late, and an operator, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.store = HookStore.in_memory(clock=self.clock)
        self.recorded = 0
        self.pruned: set[str] = set()
        self.held: list[Claim] = []
        # Of each delivery that was acknowledged: how often, and since the last replay.
        self.acknowledged: dict[int, int] = {}

    def teardown(self) -> None:
        """Close what was opened."""
        self.store.close()

    @rule(count=st.integers(1, 3))
    def emit(self, count: int) -> None:
        """New events, and some that are known."""
        first = max(0, self.recorded - 1)
        again = [entry(number) for number in range(first, first + count)]
        # What was pruned is known to nobody any more; the tail never looks back that far.
        self.store.record([each for each in again if each.event.event_id not in self.pruned])
        self.recorded = max(self.recorded, first + count)

    @rule(owner=st.sampled_from("abc"), limit=st.integers(1, 4), ordered=st.booleans())
    def claim(self, owner: str, limit: int, ordered: bool) -> None:
        """Nobody gets what someone else still holds, what is settled, or what has to wait for its lane."""
        hook = ORDERED if ordered else HOOK
        before = {each.delivery_id: each for each in self.store.deliveries()}
        claims = self.store.claim([Want(hook, limit, LEASE, ordered=ordered)], scopes=[""], owner=owner)
        holding = {each.delivery_id for each in self.held if each.lease_until > self.clock()}
        for each in claims:
            assert each.delivery_id not in holding
            assert before[each.delivery_id].state in OPEN
        if ordered:
            self._check_lanes(claims)
        self.held.extend(claims)

    def _check_lanes(self, claims: list[Claim]) -> None:
        taken = {each.delivery_id for each in claims}
        for claim in claims:
            earlier = [
                each
                for each in self.store.deliveries()
                if each.hook == ORDERED and each.lane == claim.lane and each.delivery_id < claim.delivery_id
            ]
            waiting = [each for each in earlier if each.next_attempt_at is not None]
            assert {each.delivery_id for each in waiting} <= taken, "an earlier one of the lane is still open"
        assert [each.delivery_id for each in claims] == sorted(taken)

    @rule(data=st.data(), outcome=st.sampled_from(sorted(OUTCOMES)))
    def settle(self, data: st.DataObject, outcome: str) -> None:
        """In time or much too late; a success counts whenever it comes, all else for who holds the lease."""
        if not self.held:
            return
        each = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        was = self._states().get(each.delivery_id)
        self.store.settle([OUTCOMES[outcome](each.delivery_id)], owner=each.owner)
        if outcome == "delivered" and was in OPEN:
            assert self._states()[each.delivery_id] is DeliveryState.DELIVERED
            self.acknowledged[each.delivery_id] = self.acknowledged.get(each.delivery_id, 0) + 1
        if was is not None and was not in OPEN:
            assert self._states()[each.delivery_id] is was, "what is settled stays so"

    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        """A relay is gone with all that it held."""
        owner = data.draw(st.sampled_from("abc"))
        self.held = [each for each in self.held if each.owner != owner]

    @rule(number=st.integers(0, 30))
    def replay(self, number: int) -> None:
        """An operator wants one event once more."""
        self.store.replay(Selection(ids=[id_of(number)]))
        self._forget_settled()

    @rule()
    def retry_the_dead(self) -> None:
        """An operator gives all dead letters another chance."""
        self.store.retry(Selection(states=[DeliveryState.DEAD]))

    @rule(number=st.integers(0, 30))
    def discard(self, number: int) -> None:
        """An operator gives one up; not one that is being called for."""
        event_id = id_of(number)
        called = {each.delivery_id for each in self.held if each.lease_until > self.clock()}
        mine = {each.delivery_id for each in self.store.deliveries(event_id=event_id)}
        before = self._states()
        self.store.discard(Selection(ids=[event_id]), "no use")
        for delivery in called & mine:
            assert self._states()[delivery] is before[delivery]

    @rule()
    def prune(self) -> None:
        """What is done is deleted; never what is open, or dead."""
        before = {each.delivery_id: each for each in self.store.deliveries()}
        self.store.prune(self.clock() + timedelta(seconds=1))
        after = self._states()
        gone = {key for key in before if key not in after}
        done = {DeliveryState.DELIVERED, DeliveryState.SUPPRESSED}
        assert {before[key].state for key in gone} <= done
        left = {each.event_id for each in self.store.deliveries()}
        self.pruned |= {before[key].event_id for key in gone} - left

    @rule(seconds=st.sampled_from([1.0, 29.0, 31.0, LEASE]))
    def wait(self, seconds: float) -> None:
        """Leases end, retries become due."""
        self.clock.advance(seconds)

    @invariant()
    def no_event_is_without_its_deliveries(self) -> None:
        """Unless they were pruned."""
        by_event: dict[str, set[str]] = {}
        for each in self.store.deliveries():
            by_event.setdefault(each.event_id, set()).add(each.hook)
        known = {record.event_id for record in self.store.events()}
        for number in range(self.recorded):
            event_id = id_of(number)
            assert event_id in known or event_id in self.pruned
            assert event_id in self.pruned or by_event.get(event_id), "an event lost its deliveries"

    @invariant()
    def what_is_open_can_be_claimed_in_the_end(self) -> None:
        """No row is stuck, whatever happened to it; and of each lane somebody is first."""
        later = self.clock.now.replace(year=2099)
        open_now = sum(state in OPEN for state in self._states().values())
        assert open_now == self.store.pending_count(due_at=later)

    @invariant()
    def a_delivered_one_was_acknowledged(self) -> None:
        """Exactly once since it was recorded, or replayed."""
        for each in self.store.deliveries():
            if each.state is DeliveryState.DELIVERED:
                assert self.acknowledged.get(each.delivery_id) == 1

    def _forget_settled(self) -> None:
        """A replay asks for a new acknowledgement."""
        for each in self.store.deliveries():
            if each.state in OPEN:
                self.acknowledged.pop(each.delivery_id, None)

    def _states(self) -> dict[int, DeliveryState]:
        return {each.delivery_id: each.state for each in self.store.deliveries()}


TestDeliveries = Deliveries.TestCase
TestDeliveries.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
