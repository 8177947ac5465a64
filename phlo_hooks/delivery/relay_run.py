"""One run of the relay: this thread claims and settles, a worker for each hook calls it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from phlo_hooks.delivery.records import Claim, DeliveryState, Settlement
from phlo_hooks.delivery.report import RelayReport
from phlo_hooks.delivery.worker import Finished, Worker

if TYPE_CHECKING:
    from phlo_hooks.delivery.relay import Relay

logger = logging.getLogger("phlo_hooks.relay")

# A hook's claims wait for one another; few enough that the last is called well within its lease.
BATCH = 50
# While a slow hook is being waited for, the others are asked for new work this often.
POLL = 0.5
_TICK = 0.05

_Result = tuple[Claim, Settlement]


class RelayRun:
    """The state of one run.

    Args:
        relay: whose run it is.
        report: is filled.
        budget: seconds in which calls may begin.
        limit: how many deliveries to claim at most; None for no limit.
    """

    def __init__(self, relay: Relay, report: RelayReport, budget: float, limit: int | None) -> None:
        self._relay = relay
        self._report = report
        self._deadline = time.monotonic() + budget
        self._left = limit
        self._workers: dict[str, Worker] = {}
        self._claims: dict[str, dict[int, Claim]] = {hook: {} for hook in relay.hooks}
        self._ask_again: dict[str, float] = {}
        self._finished: SimpleQueue[Finished] = SimpleQueue()
        self._unsettled: list[Settlement] = []

    def go(self) -> None:
        """Deliver until nothing is due, or the time is up."""
        try:
            while time.monotonic() < self._deadline and (self._claim() or self._under_way()):
                self._collect(self._patience())
                self._give_up(self._relay.lease)
        finally:
            self._wind_down()

    def _patience(self) -> float:
        return min(POLL, self._deadline - time.monotonic()) if self._under_way() else 0

    def _under_way(self) -> bool:
        return any(self._claims.values())

    def _claim(self) -> bool:
        hooks = self._idle()[: self._left]
        if not hooks:
            return False
        most = BATCH if self._left is None else min(BATCH, self._left // len(hooks))
        relay = self._relay
        claims = relay.store.claim(
            hooks, scopes=relay.scopes, owner=relay.owner, lease=relay.lease, limit=most
        )
        if self._left is not None:
            self._left -= len(claims)
        for hook in hooks:
            self._start(hook, [claim for claim in claims if claim.hook == hook])
        return bool(claims)

    def _idle(self) -> list[str]:
        now = time.monotonic()
        idle = [hook for hook, claims in self._claims.items() if not claims]
        idle = [hook for hook in idle if self._ask_again.get(hook, now) <= now]
        return [hook for hook in idle if not self._blocked(hook)]

    def _blocked(self, hook: str) -> bool:
        reason = self._relay.blocked(hook)
        if reason:
            self._report.errors[hook] = reason
        return bool(reason)

    def _start(self, hook: str, claims: list[Claim]) -> None:
        if not claims:
            self._ask_again[hook] = time.monotonic() + POLL
            return
        verdicts = [(claim, self._relay.exhausted(claim)) for claim in claims]
        self._settle((claim, dead) for claim, dead in verdicts if dead is not None)
        fresh = [claim for claim, dead in verdicts if dead is None]
        self._claims[hook] = {claim.delivery_id: claim for claim in fresh}
        if hook not in self._workers:
            self._workers[hook] = self._relay.start(hook, self._finished)
        self._workers[hook].give(fresh)

    def _collect(self, wait: float) -> None:
        """Settle what has finished, all that there is in one transaction."""
        self._settle(self._results(wait))

    def _results(self, wait: float) -> list[_Result]:
        results = []
        finished = self._next(wait)
        while finished is not None:
            results.append((finished.claim, self._relay.judge(finished)))
            finished = self._next(0)
        return results

    def _next(self, wait: float) -> Finished | None:
        try:
            return self._finished.get(timeout=wait) if wait > 0 else self._finished.get_nowait()
        except Empty:
            return None

    def _settle(self, results: Iterable[_Result]) -> None:
        for claim, result in results:
            self._claims[claim.hook].pop(claim.delivery_id, None)
            self._report.count(result)
            self._tell(claim, result)
            self._unsettled.append(result)
        # Kept until the store has taken it: the end of the run tries once more.
        self._relay.store.settle(self._unsettled, owner=self._relay.owner)
        self._unsettled = []

    def _tell(self, claim: Claim, result: Settlement) -> None:
        if result.error is None:
            return
        self._report.errors[claim.hook] = result.error.partition("\n")[0]
        ignored = result.state is DeliveryState.SUPPRESSED
        level = logging.DEBUG if ignored else logging.WARNING
        level = logging.ERROR if result.state is DeliveryState.DEAD else level
        what = (claim.hook, claim.event.event_type, claim.event.event_id, claim.attempts)
        then = "given up" if result.after is None else f"next in {result.after:.0f} s"
        logger.log(level, "hook %s failed on %s %s, attempt %d, %s: %s", *what, then, result.error)

    def _give_up(self, patience: float) -> None:
        """Let go of the workers whose call has been going on for longer."""
        now = time.monotonic()
        for hook, worker in list(self._workers.items()):
            since = worker.busy_since
            if since is not None and now - since > patience:
                self._settle(self._let_go(hook))

    def _let_go(self, hook: str) -> list[_Result]:
        """Leave a worker behind; what became of the claims that it has."""
        worker = self._workers.pop(hook)
        since = worker.busy_since
        results = [(claim, Settlement.released(claim.delivery_id)) for claim in worker.take_back()]
        claim = worker.abandon()
        if claim is not None and since is not None:
            self._relay.leave(hook, worker)
            results.append((claim, self._relay.overdue(claim, since)))
        self._claims[hook] = {}
        return results

    def _wind_down(self) -> None:
        """Give back what was not called, wait a little for what was, and let go of the rest."""
        back = [claim for worker in self._workers.values() for claim in worker.take_back()]
        patience = time.monotonic() + self._relay.grace
        try:
            self._settle((claim, Settlement.released(claim.delivery_id)) for claim in back)
            while self._under_way() and time.monotonic() < patience:
                self._collect(_TICK)
                self._give_up(self._relay.grace)
        finally:
            rest = [result for hook in list(self._workers) for result in self._let_go(hook)]
            self._settle(rest + self._results(0))
