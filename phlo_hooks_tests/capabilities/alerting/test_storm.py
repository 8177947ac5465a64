"""A storm that was seen in the field: 27,900 failures of one asset in 14 days."""

import random
from collections import Counter
from datetime import timedelta

import pytest

from phlo_hooks.events import ErrorInfo
from phlo_hooks_tests.capabilities.alerting.bench import NOON, asset, play, rule

pytestmark = pytest.mark.e2e

DAYS, STORM, NORMAL = 14, 27_900, 400
# Three causes: one from the beginning, one that comes and goes in between, and one late among thousands.
CAUSES = {"OperationalError": 0.0, "MemoryError": 5.3, "PermissionError": 11.7}


def storm(rng):
    """One failure every 43 seconds, of the cause that is new, or of one of those before."""
    for number in range(STORM):
        when = NOON + timedelta(days=DAYS * number / STORM)
        begun = [name for name, day in CAUSES.items() if when >= NOON + timedelta(days=day)]
        cause = begun[-1] if rng.random() < 0.5 else rng.choice(begun)
        yield asset(
            when, key="storm", event_id=f"storm{number}", error=ErrorInfo(message="x", error_class=cause)
        )


def background(rng):
    """Failures as they happen anywhere: each of an asset of its own, mended an hour later."""
    for number in range(NORMAL):
        when = NOON + timedelta(days=DAYS * rng.random())
        yield asset(when, key=f"normal{number}", event_id=f"normal{number}")
        yield asset(when + timedelta(hours=1), "success", key=f"normal{number}", event_id=f"mended{number}")


@pytest.fixture(scope="module")
def played():
    rng = random.Random(4)
    simulation = play(rule("all"))
    simulation.play([*storm(rng), *background(rng)])
    simulation.until(simulation.now + timedelta(days=2))
    return simulation


def of(simulation, subject):
    return [sent for sent in simulation.sent if subject in sent.message.title]


def test_at_most_two_messages_an_hour(played):
    times = [sent.at for sent in of(played, "Asset storm")]
    most = max(sum(0 <= (other - one).total_seconds() < 3600 for other in times) for one in times)
    assert most <= 2
    # An hour, then less and less: 14 days at one a day, and a few more at each new cause.
    assert len(times) <= 40


def test_each_cause_is_told_within_a_minute(played):
    for name in CAUSES:
        told = next(sent.at for sent in of(played, "Asset storm") if sent.message.error.startswith(name))
        begun = next(event.timestamp for event in storm(random.Random(4)) if event.error.error_class == name)
        assert begun <= told <= begun + timedelta(seconds=60)


def test_all_counts_add_up(played):
    messages = [sent.message for sent in of(played, "Asset storm")]
    assert STORM == sum(1 + message.suppressed for message in messages)
    [incident] = played.state.list("open/")
    assert (
        STORM == incident.value["count"] == sum(cause["count"] for cause in incident.value["causes"].values())
    )
    assert len(CAUSES) == len(incident.value["causes"])


def test_the_storm_hides_nothing(played):
    """Each failure of the background, and each recovery, is told, as if there were no storm."""
    kinds = Counter(sent.message.kind.value for sent in of(played, "normal"))
    assert kinds == {"firing": NORMAL, "resolved": NORMAL}


def test_every_event_can_be_explained(played):
    decided = {entry.key for entry in played.state.list("decision/")}
    # A month, and no longer: what is kept does not grow for ever.
    assert {f"decision/storm{number}" for number in range(STORM)} <= decided
