"""What a failed call means for its delivery."""

from __future__ import annotations

import math
import random
from datetime import datetime

from phlo_hooks.delivery.records import Claim, Settlement
from phlo_hooks.errors import PermanentError, RetryLater
from phlo_hooks.registration import FailurePolicy
from phlo_hooks.retry import RetryPolicy

# A receiver that asks for more than a day is asking for a dead letter that nobody sees.
MAX_RETRY_AFTER = 86_400.0


def verdict(
    policy: RetryPolicy,
    claim: Claim,
    error: BaseException,
    text: str,
    *,
    failure_policy: FailurePolicy,
    now: datetime,
    rng: random.Random | None = None,
    probe: bool = False,
) -> Settlement:
    """What a failed call means.

    A hook that ignores failures is not tried again. `PermanentError` is the end. `RetryLater` waits as
    long as it says and is no attempt, until the whole schedule's time has passed. Nor is the probe of an open
    circuit: it says that the receiver is down, and where order is kept it is the same event each time.
    Anything else is tried again by the schedule, and is dead after its last entry.
    """
    if failure_policy is FailurePolicy.IGNORE:
        return Settlement.suppressed(claim.delivery_id, text)
    if isinstance(error, PermanentError):
        return Settlement.dead(claim.delivery_id, text)
    patient = now - claim.created_at < policy.horizon
    if isinstance(error, RetryLater) and patient:
        return Settlement.retrying(claim.delivery_id, text, after=asked(error), counted=False)
    if probe and patient:
        after = policy.delay(claim.attempts, rng)
        return Settlement.retrying(claim.delivery_id, text, after=after, counted=False)
    if claim.attempts >= policy.max_attempts:
        return Settlement.dead(claim.delivery_id, text)
    return Settlement.retrying(claim.delivery_id, text, after=policy.delay(claim.attempts, rng))


def asked(error: RetryLater) -> float:
    """Seconds that the receiver asked for, within reason."""
    after = error.after if math.isfinite(error.after) else MAX_RETRY_AFTER
    return min(max(after, 0.0), MAX_RETRY_AFTER)
