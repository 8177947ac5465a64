"""One hook in one run of the relay: its claims, and the threads that call it for them."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterable, Iterator
from queue import SimpleQueue
from typing import TYPE_CHECKING

from phlo_hooks.delivery.judge import to_be_alone
from phlo_hooks.delivery.records import Claim
from phlo_hooks.delivery.worker import Finished, Group, Worker
from phlo_hooks.registration import RegisteredHook
from phlo_hooks.retry import seconds

if TYPE_CHECKING:
    from phlo_hooks.delivery.relay import Relay


class HookRun:
    """What one hook has under way.

    Args:
        relay: whose run it is.
        hook: the hook.
        finished: takes what came of each call.
    """

    def __init__(self, relay: Relay, hook: RegisteredHook, finished: SimpleQueue[Finished]) -> None:
        self.hook = hook
        self.ask_again = 0.0
        # What has no lane in a hook that keeps order is from an older version of it: once it is through, a
        # run need not look for more of it, among 100,000 that are due for 20 ms each time.
        self.laneless = True
        self._relay = relay
        self._finished = finished
        self._claims: dict[int, set[int]] = {}
        self._workers: dict[int, Worker] = {}

    @property
    def under_way(self) -> bool:
        """Whether there are claims without an outcome."""
        return any(self._claims.values())

    def begin(self, claims: Iterable[Claim]) -> None:
        """Have the hook called for these, in order."""
        by_place: dict[int, list[Claim]] = {}
        size = self.hook.registration.batch_size or 1
        for number, claim in enumerate(claims):
            by_place.setdefault(self._place(claim, number // size), []).append(claim)
        for place, own in by_place.items():
            if place not in self._workers:
                self._workers[place] = self._relay.start(self.hook, self._finished)
            self._claims[place] = {claim.delivery_id for claim in own}
            self._workers[place].give(_groups(own, size))

    def settled(self, claim: Claim) -> None:
        """There is an outcome."""
        for own in self._claims.values():
            own.discard(claim.delivery_id)

    def go_on(self) -> None:
        """Go on after failures."""
        for worker in self._workers.values():
            worker.go_on()

    def take_back(self) -> list[Claim]:
        """The claims whose call has not begun."""
        return [claim for worker in self._workers.values() for claim in worker.take_back()]

    def expired(self) -> Iterator[tuple[Group, float, list[Claim]]]:
        """Let go of the threads whose call has been going on for longer than it may.

        Yields:
            The claims that are being called for, since when, and those that were not called.
        """
        now, allowed = time.monotonic(), seconds(self.hook.registration.timeout)
        for place, worker in list(self._workers.items()):
            since = worker.busy_since
            if since is not None and now - since > allowed:
                rest = worker.take_back()
                yield self._abandon(place, expired=True), since, rest

    def let_go(self) -> list[Group]:
        """Leave all threads to themselves, to record what comes of it; return what they are calling for."""
        return [group for place in list(self._workers) if (group := self._abandon(place, expired=False))]

    def _abandon(self, place: int, *, expired: bool) -> Group:
        worker = self._workers.pop(place)
        # Also what it has in hand and will not begin any more: the thread itself gives that back.
        self._claims.pop(place, None)
        group = worker.abandon(expired=expired)
        if group:
            self._relay.leave(self.hook.qualified_name, worker)
        return group

    def _place(self, claim: Claim, turn: int) -> int:
        """Which thread: always the same one for a lane."""
        if claim.lane is not None:
            turn = zlib.crc32(claim.lane.encode("utf-8", "replace"))
        return turn % self._relay.concurrency


def _groups(claims: Iterable[Claim], size: int) -> Iterator[Group]:
    """Batches of what never failed; the rest alone, so that a bad event is found."""
    batch: list[Claim] = []
    for claim in claims:
        if to_be_alone(claim):
            yield from [tuple(batch)] if batch else []
            batch = []
            yield (claim,)
            continue
        batch.append(claim)
        if len(batch) == size:
            yield tuple(batch)
            batch = []
    if batch:
        yield tuple(batch)
