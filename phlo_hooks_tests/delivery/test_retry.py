"""What a failure means, and when the next attempt is due."""

from __future__ import annotations

import math
import random
from datetime import timedelta

import pytest

from phlo_hooks.delivery.store import Claim, Settlement
from phlo_hooks.delivery.verdict import MAX_RETRY_AFTER, verdict as judged
from phlo_hooks.errors import ConfigurationError, PermanentError, RetryLater
from phlo_hooks.registration import FailurePolicy
from phlo_hooks.retry import RetryPolicy
from phlo_hooks_tests.delivery.helpers import HOOK, START, make_event

POLICY = RetryPolicy(schedule=(5, timedelta(minutes=1)), jitter="none")


def verdict(
    error: BaseException,
    attempts: int = 1,
    age: timedelta = timedelta(0),
    policy: str = "log",
    *,
    probe: bool = False,
) -> Settlement:
    """The verdict on a call that raised `error`."""
    claim = Claim(7, make_event(), HOOK, "", attempts, "me", START, created_at=START - age)
    failure_policy, rng = FailurePolicy(policy), random.Random(1)
    return judged(
        POLICY, claim, error, "text", failure_policy=failure_policy, now=START, rng=rng, probe=probe
    )


def test_each_failure_waits_as_the_schedule_says() -> None:
    """Then it is over: one attempt more than the schedule has entries."""
    outcomes = [verdict(OSError(), attempts) for attempts in (1, 2, 3)]
    assert [
        Settlement.retrying(7, "text", after=5),
        Settlement.retrying(7, "text", after=60),
        Settlement.dead(7, "text"),
    ] == outcomes
    assert (3, timedelta(seconds=65)) == (POLICY.max_attempts, POLICY.horizon)


def test_the_default_bridges_an_outage_of_a_day() -> None:
    """Eight attempts; a receiver that is down overnight loses nothing."""
    policy = RetryPolicy()
    assert policy.max_attempts == 8
    assert timedelta(days=1) < policy.horizon < timedelta(days=2)


@pytest.mark.parametrize("failure_policy", ["log", "raise"])
def test_a_permanent_error_is_the_end(failure_policy: str) -> None:
    """The endpoint answered 410: there is no point in asking seven more times."""
    assert Settlement.dead(7, "text") == verdict(PermanentError("410"), policy=failure_policy)


@pytest.mark.parametrize("error", [OSError(), PermanentError("410"), RetryLater(after=5)])
def test_a_hook_that_ignores_failures_is_not_tried_again(error: Exception) -> None:
    """But its failure is on record."""
    assert Settlement.suppressed(7, "text") == verdict(error, policy="ignore")


def test_a_receiver_says_when_to_come_back() -> None:
    """Neither the schedule nor the attempts matter then: it is up, and busy."""
    expected = Settlement.retrying(7, "text", after=120, counted=False)
    assert expected == verdict(RetryLater(after=120))
    assert expected == verdict(RetryLater(after=timedelta(minutes=2)), attempts=3)


def test_a_probe_is_no_attempt() -> None:
    """It tells of the receiver, not of the event; but not for longer than the schedule."""
    expected = Settlement.retrying(7, "text", after=60, counted=False)
    assert expected == verdict(OSError(), attempts=3, probe=True)
    assert Settlement.dead(7, "text") == verdict(OSError(), 3, POLICY.horizon, probe=True)


def test_a_receiver_that_never_has_time_is_given_up() -> None:
    """It counts as failing once the whole schedule would have run out."""
    assert Settlement.dead(7, "text") == verdict(RetryLater(after=1), 3, POLICY.horizon)


@pytest.mark.parametrize(
    ("asked", "given"),
    [(-5.0, 0.0), (math.inf, MAX_RETRY_AFTER), (math.nan, MAX_RETRY_AFTER), (1e9, MAX_RETRY_AFTER)],
)
def test_an_absurd_time_is_brought_to_reason(asked: float, given: float) -> None:
    """Servers send dates in the past, and ones in 2096."""
    assert given == verdict(RetryLater(after=asked)).after


def test_jitter_takes_any_part_of_the_time() -> None:
    """What failed together must not come back together."""
    policy, rng = RetryPolicy(schedule=(100,)), random.Random(1)
    delays = [policy.delay(1, rng) for _ in range(1000)]
    assert 0 <= min(delays) < 5
    assert 95 < max(delays) <= 100
    assert 45 < sum(delays) / 1000 < 55


def test_beyond_the_schedule_the_last_entry_holds() -> None:
    """Asked for by a hook that did not return, whose attempts are not over yet."""
    assert POLICY.delay(99) == 60
    assert RetryPolicy(schedule=()).delay(1) == 0


@pytest.mark.parametrize(
    "options", [{"schedule": (-1,)}, {"schedule": (math.inf,)}, {"jitter": "half"}], ids=str
)
def test_a_policy_that_cannot_work_is_refused(options: dict[str, object]) -> None:
    """When it is built, not when the first delivery fails at night."""
    with pytest.raises(ConfigurationError, match="retry"):
        RetryPolicy(**options)  # type: ignore[arg-type]
