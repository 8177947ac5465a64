"""What messages say, where it is easily misread."""

from dataclasses import replace

import pytest

from phlo_hooks.capabilities.alerting.channels.looks import gist, headline
from phlo_hooks.capabilities.alerting.descriptions import description_of
from phlo_hooks.capabilities.alerting.message import Kind
from phlo_hooks.durations import in_words
from phlo_hooks.events import BackfillEvent, DriftEvent, HookCorrelation, RunEvent, SchemaChangeEvent
from phlo_hooks_tests.capabilities.alerting.bench import asset, at, play, rule, run, told
from phlo_hooks_tests.capabilities.alerting.channels.messages import FIRING

WORDS = [
    (0.04, "0.0 s"),
    (59.94, "59.9 s"),
    (60, "1 min 0 s"),
    (3599.4, "59 min 59 s"),
    (93_780, "26 h 3 min"),
]
WORDS += [(59.97, "1 min 0 s"), (3599.6, "1 h 0 min"), (3_600_000, "1,000 h 0 min")]


@pytest.mark.parametrize(("seconds", "words"), WORDS)
def test_how_long_something_took(seconds: float, words: str) -> None:
    """In two units at most, and never sixty of one."""
    assert in_words(seconds) == words


HEADLINES = [
    (Kind.FIRING, "Job x failed", "🔴 ERROR: Job x failed"),
    (Kind.RESOLVED, "Resolved: Job x failed", "✅ Resolved: Job x failed"),
    (Kind.RESOLVED, "Job x is back", "✅ RESOLVED: Job x is back"),
    (Kind.ESCALATION, "Escalated: Job x failed", "🔴 Escalated: Job x failed"),
    (Kind.DIGEST, "Digest of r: 3 events", "📋 Digest of r: 3 events"),
]


@pytest.mark.parametrize(("kind", "title", "expected"), HEADLINES)
def test_a_headline_says_it_once(kind: Kind, title: str, expected: str) -> None:
    """A title that begins with why it is sent needs no label."""
    assert headline(replace(FIRING, kind=kind, title=title)) == expected


def test_what_a_telephone_shows() -> None:
    """The first line of the error; without one, the text."""
    assert gist(replace(FIRING, error="\nKeyError: 'x'\nand more")) == "KeyError: 'x'"
    assert gist(replace(FIRING, error="", text="Gone: id INT.")) == "Gone: id INT."


def test_runs_of_assets_without_a_job_are_not_one() -> None:
    """They share the name of their job, and nothing else: a success of one is no end of the other's trouble."""
    simulation = play(rule(on=["run.canceled"]))
    simulation.play(
        [
            run(at(0), "canceled", job="__ASSET_JOB", run_id="aaaaaaaa-1"),
            run(at(1), "canceled", job="__ASSET_JOB", run_id="bbbbbbbb-1"),
            run(at(2), "success", job="__ASSET_JOB", run_id="cccccccc-1"),
        ]
    )
    assert [title for _, _, title, _ in told(simulation)] == [
        "firing: Run aaaaaaaa of assets was canceled",
        "firing: Run bbbbbbbb of assets was canceled",
    ]


def test_a_step_that_is_only_the_assets_is_not_named() -> None:
    """Its own name is: there are channels with room for ten facts."""
    simulation = play(rule())
    simulation.play([asset(at(0), key="a/b"), asset(at(0), key="c", step_key="dbt_build")])
    labels = [[fact.label for fact in sent.message.facts] for sent in simulation.sent]
    assert ["Step" in each for each in labels] == [False, True]


DESCRIPTIONS = [
    (
        SchemaChangeEvent(
            event_type="schema.changed",
            asset_key="a",
            added=({"name": "x"},),
            removed=({"name": "y", "type": "INT"},),
            retyped=({"name": "z", "before": "INT", "after": None},),
        ),
        "Gone: y INT. Of another type: z from INT to none. New: x.",
    ),
    (DriftEvent(event_type="drift.detected", asset_key="a", metric="m"), ""),
    (
        DriftEvent(
            event_type="drift.detected", asset_key="a", metric="m", baseline=4, current=2, change=-0.5
        ),
        "It is 2, where 4 is usual (-50 %).",
    ),
    (
        RunEvent(event_type="run.stuck", phase="starting", duration=700),
        "It has been waiting for its process to begin for 11 min 40 s.",
    ),
    (
        BackfillEvent(
            event_type="backfill.end",
            backfill_id="b",
            partitions={"success": 1_000, "failure": 1, "started": 2},
        ),
        "Of 1,003 partitions 1,000 succeeded, 1 failed, 2 started.",
    ),
    (BackfillEvent(event_type="backfill.end", backfill_id="b"), ""),
    (RunEvent(event_type="run.success", correlation=HookCorrelation(run_id="r")), ""),
]


@pytest.mark.parametrize(
    ("event", "expected"), DESCRIPTIONS, ids=lambda each: getattr(each, "event_type", "")
)
def test_what_an_event_says_of_itself(event: object, expected: str) -> None:
    """In a sentence, where its fields have one; nothing is made up."""
    assert description_of(event) == expected
