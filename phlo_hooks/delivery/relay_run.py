"""One run of the relay: this thread claims and settles, others call the hooks."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from phlo_hooks.delivery.hook_run import HookRun
from phlo_hooks.delivery.records import Claim, DeliveryState, Settlement, Want
from phlo_hooks.delivery.report import RelayReport
from phlo_hooks.delivery.worker import Finished, Group
from phlo_hooks.retry import seconds

if TYPE_CHECKING:
    from phlo_hooks.delivery.relay import Relay

logger = logging.getLogger("phlo_hooks.relay")

# A hook's claims wait for one another; few enough that the last is called well within its lease.
BATCH = 50
# While a slow hook is being waited for, the others are asked for new work this often.
POLL = 0.5
_TICK = 0.05
# With nothing to do, what is recorded waits for so long at most.
IDLE = 0.2

_Result = tuple[Claim, Settlement]


class RelayRun:
    """The state of one run.

    Args:
        relay: whose run it is.
        report: is filled.
        budget: seconds in which calls may begin.
        limit: how many deliveries to claim at most; None for no limit.
        serving: whether to wait for more when nothing is due.
    """

    def __init__(
        self,
        relay: Relay,
        report: RelayReport,
        budget: float,
        limit: int | None = None,
        *,
        serving: bool = False,
    ) -> None:
        self._serving = serving
        self._looked_out = time.monotonic()
        self._relay = relay
        self._report = report
        self._deadline = time.monotonic() + budget
        self._left = limit
        self._finished: SimpleQueue[Finished] = SimpleQueue()
        self._runs = {name: HookRun(relay, hook, self._finished) for name, hook in relay.hooks.items()}
        self._unsettled: list[Settlement] = []
        self._called = False

    def go(self) -> None:
        """Deliver until nothing is due, or the time is up."""
        try:
            while not self._over() and (self._claim() or self._under_way() or self._more() or self._wait()):
                self._collect(self._patience())
                self._give_up()
                self._withdraw()
        finally:
            self._wind_down()

    def _over(self) -> bool:
        return time.monotonic() >= self._deadline or self._relay.stopping()

    def _more(self) -> bool:
        """Whether there is more to deliver after all: a hook that was called may have told others of it."""
        called, self._called = self._called, False
        if not (called and self._relay.any_due()):
            return False
        self._look_again()
        return True

    def _wait(self) -> bool:
        if self._serving:
            time.sleep(IDLE)
            if self._relay.any_due():
                self._look_again()
        return self._serving

    def _patience(self) -> float:
        return min(POLL, self._deadline - time.monotonic()) if self._under_way() else 0

    def _under_way(self) -> bool:
        return any(run.under_way for run in self._runs.values())

    def _claim(self) -> bool:
        idle = self._idle()[: self._left]
        most = None if self._left is None else self._left // max(1, len(idle))
        wants = [want for want in (self._want(run, most) for run in idle) if want.limit > 0]
        claims = self._relay.store.claim(wants, scopes=self._relay.scopes, owner=self._relay.owner)
        if self._left is not None:
            self._left -= len(claims)
        dead = [
            result
            for want in wants
            for result in self._start(self._runs[want.hook], [c for c in claims if c.hook == want.hook])
        ]
        # Only now: trouble with the store must find everything that was claimed begun.
        self._settle(dead)
        return bool(claims)

    def _idle(self) -> list[HookRun]:
        now = time.monotonic()
        idle = [run for run in self._runs.values() if not run.under_way and run.ask_again <= now]
        return [run for run in idle if not self._blocked(run)] if idle else []

    def _blocked(self, run: HookRun) -> bool:
        name = run.hook.qualified_name
        reason = self._relay.blocked(name)
        if reason:
            self._report.errors[name] = reason
        return bool(reason)

    def _want(self, run: HookRun, most: int | None) -> Want:
        of, size = run.hook.registration, run.hook.registration.batch_size or 1
        limit = max(BATCH, 2 * size) * self._relay.concurrency
        allowed, reason = self._relay.admitted(run.hook, limit)
        if reason:
            self._report.errors[run.hook.qualified_name] = reason
            run.ask_again = time.monotonic() + POLL
        return Want(
            run.hook.qualified_name,
            limit=allowed if most is None else min(most, allowed),
            lease=self._relay.lease(run.hook),
            ordered=of.ordering is not None,
            laneless=run.laneless,
            fill=size if allowed > 1 else 1,
            wait=seconds(of.batch_wait),
        )

    def _start(self, run: HookRun, claims: list[Claim]) -> list[_Result]:
        """Have a hook called; return the outcomes of the claims that it is not called for."""
        run.laneless = any(claim.lane is None for claim in claims)
        if not claims:
            run.ask_again = time.monotonic() + POLL
            return []
        verdicts = [(claim, self._relay.hopeless(claim)) for claim in claims]
        fresh = [claim for claim, dead in verdicts if dead is None]
        results = [(claim, dead) for claim, dead in verdicts if dead is not None]
        if fresh and not self._relay.reserve(run.hook):
            # Another relay tries whether the receiver is back.
            return results + _released(fresh)
        run.begin(fresh)
        return results

    def _collect(self, wait: float) -> None:
        """Settle what has finished, all that there is in one transaction."""
        self._settle(self._results(wait))

    def _results(self, wait: float) -> list[_Result]:
        ended: list[Finished] = []
        finished = self._next(wait)
        while finished is not None:
            ended.append(finished)
            finished = self._next(0)
        self._called |= any(each.called for each in ended)
        results = [result for each in ended for result in self._relay.judge(each)]
        # What waits for a hook that was found to be down need not wait here.
        for name in self._relay.note(ended):
            results += _released(self._runs[name].take_back())
            self._look_again()
        for name in {each.claims[0].hook for each in ended if each.error is not None}:
            self._runs[name].go_on()
        return results

    def _next(self, wait: float) -> Finished | None:
        try:
            return self._finished.get(timeout=wait) if wait > 0 else self._finished.get_nowait()
        except Empty:
            return None

    def _settle(self, results: Iterable[_Result]) -> None:
        for claim, result in results:
            self._runs[claim.hook].settled(claim)
            self._report.count(result)
            self._tell(claim, result)
            self._unsettled.append(result)
        # Kept until the store has taken it: the end of the run tries once more.
        self._relay.store.settle(self._unsettled, owner=self._relay.owner)
        if any(result.told for result in self._unsettled):
            self._look_again()
        self._unsettled = []

    def _look_again(self) -> None:
        """There is news for other hooks, which this run is to deliver yet."""
        for run in self._runs.values():
            run.ask_again = 0.0

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

    def _give_up(self) -> None:
        """Let go of the calls that take longer than their hook may."""
        for run in self._runs.values():
            results: list[_Result] = []
            for group, since, rest in run.expired():
                results += _released(rest)
                results += self._relay.overdue(group, since)
            self._settle(results)

    def _withdraw(self) -> None:
        """Give back what waits for hooks that somebody has stopped meanwhile."""
        now = time.monotonic()
        if now - self._looked_out < POLL:
            return
        self._looked_out = now
        held = [run for run in self._runs.values() if run.under_way and self._relay.held(run.hook)]
        self._settle(result for run in held for result in _released(run.take_back()))

    def _wind_down(self) -> None:
        """Give back what was not called, wait a little for what was, and leave the rest to its threads."""
        back = [claim for run in self._runs.values() for claim in run.take_back()]
        patience = time.monotonic() + self._relay.grace
        try:
            self._settle(_released(back))
            while self._under_way() and time.monotonic() < patience:
                self._collect(_TICK)
                self._give_up()
        finally:
            # Before anything that the store may refuse: a thread that nobody has let go of waits for ever.
            left = [group for run in self._runs.values() for group in run.let_go()]
            self._settle(self._results(0))
            self._tell_of(left)

    def _tell_of(self, left: Iterable[Group]) -> None:
        for group in left:
            self._report.under_way += len(group)
            text = "a call has not returned yet; its outcome will be recorded"
            self._report.errors.setdefault(group[0].hook, text)


def _released(claims: Iterable[Claim]) -> list[_Result]:
    return [(claim, Settlement.released(claim.delivery_id)) for claim in claims]
