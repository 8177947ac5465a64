"""What calls mean for the deliveries they were made for."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from phlo_hooks.delivery.circuits import Tell
from phlo_hooks.delivery.columns import cut
from phlo_hooks.delivery.news import dead_letter
from phlo_hooks.delivery.records import Claim, DeliveryState, Settlement
from phlo_hooks.delivery.verdict import verdict
from phlo_hooks.delivery.worker import Finished
from phlo_hooks.errors import PermanentError
from phlo_hooks.events import HookStatusEvent
from phlo_hooks.registration import FailurePolicy, RegisteredHook
from phlo_hooks.retry import RetryPolicy

# Of each attempt, the message; the last error is kept at more length.
_MAX_ERROR = 1000
_MAX_ERRORS = 20

Verdict = tuple[Claim, Settlement]


class Judge:
    """Makes settlements of what came of calls.

    Args:
        hooks: by qualified name.
        clock: the time, aware.
        rng: where the jitter comes from.
        tell: gives what is to be recorded of a dead letter.
        probing: whether a hook is being tried, after its receiver was down.
    """

    def __init__(
        self,
        hooks: Mapping[str, RegisteredHook],
        *,
        clock: Callable[[], datetime],
        rng: random.Random | None,
        tell: Tell,
        probing: Callable[[str], bool],
    ) -> None:
        self._hooks, self._clock, self._rng, self._tell = hooks, clock, rng, tell
        self._probing = probing

    def verdicts(self, finished: Finished, text: str) -> list[Verdict]:
        """One settlement for each delivery that a call was for; `text` describes its error."""
        return [(claim, self._verdict(finished, claim, text)) for claim in finished.claims]

    def overdue(self, claim: Claim, text: str) -> Settlement:
        """A call did not return: due again when its lease ends, or later; it may still succeed."""
        if self._hooks[claim.hook].failure_policy is FailurePolicy.IGNORE:
            return self._told(claim, Settlement.suppressed(claim.delivery_id, text))
        now, policy = self._clock(), self._policy(claim)
        after = max((claim.lease_until - now).total_seconds(), policy.delay(claim.attempts, self._rng))
        counted = not self._probing(claim.hook) or now - claim.created_at >= policy.horizon
        return self._told(claim, Settlement.retrying(claim.delivery_id, text, after=after, counted=counted))

    def hopeless(self, claim: Claim) -> Settlement | None:
        """Tried too often without an outcome, or too old; None for any other."""
        policy = self._policy(claim)
        tries = claim.attempts - 1
        if tries >= policy.max_attempts:
            text = f"no outcome in {tries} attempts: the process that called the hook ended each time"
            return self._told(claim, Settlement.dead(claim.delivery_id, text)._replace(counted=False))
        age = self._clock() - claim.created_at
        if not policy.too_old(age):
            return None
        text = f"not delivered within its max_age of {policy.max_age} s"
        return self._told(claim, Settlement.dead(claim.delivery_id, text)._replace(counted=False))

    def _verdict(self, finished: Finished, claim: Claim, text: str) -> Settlement:
        if not finished.called:
            return Settlement.released(claim.delivery_id)
        if finished.error is None:
            return Settlement.delivered(claim.delivery_id)
        if len(finished.claims) > 1 and isinstance(finished.error, PermanentError):
            # Which of them it was about shows when each is tried alone.
            again = Settlement.retrying(claim.delivery_id, text, after=0, counted=False)
            return self._told(claim, again, alone=True)
        result = verdict(
            self._policy(claim),
            claim,
            finished.error,
            text,
            failure_policy=self._hooks[claim.hook].failure_policy,
            now=self._clock(),
            rng=self._rng,
            probe=self._probing(claim.hook),
        )
        return self._told(claim, result)

    def _policy(self, claim: Claim) -> RetryPolicy:
        return self._hooks[claim.hook].registration.retry

    def _told(self, claim: Claim, result: Settlement, *, alone: bool = False) -> Settlement:
        """With what is to be kept of it: the error among those before it, and the news of a dead letter."""
        kept = result._replace(errors=_errors(claim, result, self._clock(), alone))
        # Of a dead letter about a dead letter nobody is told: two hooks that are down would never end.
        if result.state is not DeliveryState.DEAD or isinstance(claim.event, HookStatusEvent):
            return kept
        return kept._replace(told=self._tell(dead_letter(claim, result)))


def to_be_alone(claim: Claim) -> bool:
    """Whether a delivery has failed, or was refused as part of a batch: it goes into no batch any more."""
    return claim.attempts > 1 or any(each.get("alone") for each in json.loads(claim.errors or "[]"))


def _errors(claim: Claim, result: Settlement, now: datetime, alone: bool) -> str:
    before: list[Any] = json.loads(claim.errors or "[]")
    error = cut(result.error, _MAX_ERROR)
    own: dict[str, Any] = {"attempt": claim.attempts, "at": now.isoformat(timespec="seconds"), "error": error}
    if alone:
        own["alone"] = True
    return json.dumps([*before, own][-_MAX_ERRORS:], ensure_ascii=False)
