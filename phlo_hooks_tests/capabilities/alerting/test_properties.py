"""Whatever the rules and whatever happens: nothing is lost, and what is explained is what was sent."""

import os
from datetime import timedelta

from hypothesis import HealthCheck, given, settings, strategies as st

from phlo_hooks.capabilities.alerting.compose import untold_of
from phlo_hooks.capabilities.alerting.incident import Incident
from phlo_hooks.capabilities.alerting.verdict import Outcome
from phlo_hooks.events import ErrorInfo
from phlo_hooks_tests.capabilities.alerting.bench import NOON, asset, at, check, play, rule, run

ERRORS = [
    ErrorInfo(message=f"{name} at x", error_class=name) for name in ("OSError", "ValueError", "KeyError")
]
KEYS = ("orders", "customers", "report")

# What makes a rule send later, or once for many: all of it must be told in the end.
gentle = st.fixed_dictionaries(
    {},
    optional={
        "window": st.sampled_from(["1m", "30m", "1h", "6h"]),
        "backoff": st.sampled_from([1.0, 2.0, 5.0]),
        "group_by": st.sampled_from(["subject", "run", "asset", "job", "backfill"]),
        "digest": st.sampled_from(["*/30 * * * *", "0 18 * * *"]),
        "renotify": st.sampled_from(["20m", "3h"]),
        "attempts": st.sampled_from(["last", "every"]),
        "quiet_hours": st.just({"start": "12:30", "end": "15:00", "timezone": "Europe/Berlin"}),
        "distinguish": st.sampled_from([["error_class"], ["error"], []]),
        "to": st.sampled_from([["slack"], ["slack", "mail"], ["mail"]]),
        "escalate": st.booleans(),
    },
)


@st.composite
def rules(draw):
    found = []
    for number in range(draw(st.integers(1, 3))):
        options = dict(draw(gentle))
        escalates = options.pop("escalate", False)
        if "digest" in options:
            options.pop("renotify", None)
        elif escalates:
            options.update(escalate_after="45m", escalate_to=["pager"])
        signals = draw(
            st.sampled_from(
                [["asset.failure"], ["asset.*", "run.failure", "check.*"], ["check.failed", "run.*"]]
            )
        )
        found.append(rule(f"r{number}", on=signals, flap_changes=0, **options))
    return found


@st.composite
def happenings(draw):
    """A day of events, some of them of one run."""
    events = []
    for _ in range(draw(st.integers(1, 25))):
        when = at(minutes=draw(st.integers(0, 600)))
        run_id = f"run{draw(st.integers(0, 4))}"
        kind = draw(st.sampled_from(["asset", "asset", "asset", "check", "run"]))
        key, partition = draw(st.sampled_from(KEYS)), draw(st.sampled_from([None, "p1", "p2"]))
        if kind == "asset":
            status = draw(st.sampled_from(["failure", "failure", "success", "skipped"]))
            more = {"error": draw(st.sampled_from(ERRORS))} if status == "failure" else {}
            more["run_may_retry"] = draw(st.sampled_from([None, False, True]))
            events.append(asset(when, status, key, run_id=run_id, partition_key=partition, **more))
        elif kind == "check":
            events.append(check(when, draw(st.booleans()), asset_key=key, run_id=run_id, step_key=key))
        else:
            status = draw(st.sampled_from(["failure", "success", "canceled"]))
            events.append(run(when, status, run_id=run_id, steps=[key] if status == "failure" else []))
    return events


down = st.tuples(st.integers(0, 600), st.integers(0, 300), st.sampled_from(["slack", "mail", "pager"]))


def through(played_rules, events, outage):
    begin, minutes, channel = outage
    fails = lambda sent: (  # noqa: E731
        sent.recipient == channel and at(minutes=begin) <= sent.at < at(minutes=begin + minutes)
    )
    simulation = play(*played_rules, fails=fails)
    for event in sorted(events, key=lambda each: each.timestamp):
        simulation.play([event])
        # As a relay that dies after it was done, and before it could say so.
        simulation.play([event])
    simulation.until(NOON + timedelta(days=6))
    return simulation


def incidents(simulation):
    return [
        Incident.read(each.value) for place in ("open/", "closed/") for each in simulation.state.list(place)
    ]


# PHLO_HOOKS_EXAMPLES asks for more: 60 were tried of each before this was committed.
EXAMPLES = int(os.environ.get("PHLO_HOOKS_EXAMPLES", "15"))
SETTINGS = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
# What a rule says itself: Dagster tries again, or somebody else tells the same people.
SAID = {Outcome.RETRYING.value, Outcome.SAME_CAUSE.value}


@SETTINGS
@given(rules(), happenings(), down)
def test_nothing_that_a_rule_asks_for_is_lost(played_rules, events, outage):
    simulation = through(played_rules, events, outage)
    everyone = {incident.id: incident for incident in incidents(simulation)}
    for event in events:
        kept = simulation.state.get(f"decision/{event.event_id}")
        for conditions in simulation.plan.conditions:
            match = conditions.match(event)
            if match.facts is None or not match.facts.is_problem:
                continue
            verdict = kept.value["rules"][conditions.rule.name]
            if verdict["outcome"] in SAID:
                continue
            incident = everyone[verdict["incident_id"]]
            for recipient in conditions.rule.to:
                told = incident.told[recipient]
                assert told.sent, (verdict, incident)
                assert not untold_of(incident, told), (verdict, incident)


@SETTINGS
@given(rules(), happenings(), down)
def test_what_tells_of_the_same_cause_was_sent_to_the_same_people(played_rules, events, outage):
    simulation = through(played_rules, events, outage)
    everyone = {incident.id: incident for incident in incidents(simulation)}
    for entry in simulation.state.list("decision/"):
        for name, verdict in entry.value["rules"].items():
            if verdict["outcome"] == Outcome.SAME_CAUSE.value:
                told = everyone[verdict["incident_id"]].told
                assert all(told[recipient].sent for recipient in simulation.plan.rule(name).to)


@SETTINGS
@given(rules(), happenings(), down)
def test_what_is_explained_is_what_was_sent(played_rules, events, outage):
    simulation = through(played_rules, events, outage)
    notices = {
        each.key.removeprefix("notice/"): each.value["state"] for each in simulation.state.list("notice/")
    }
    sent = [each.message.message_id for each in simulation.sent]
    assert sorted(sent) == sorted(name for name, state in notices.items() if state == "sent")
    assert len(sent) == len(set(sent))
    decided = {
        notice
        for entry in simulation.state.list("decision/")
        for verdict in entry.value["rules"].values()
        for notice in verdict["notices"]
    }
    assert decided <= notices.keys()
    for entry in simulation.state.list("decision/"):
        for verdict in entry.value["rules"].values():
            if verdict["outcome"] == Outcome.NOTIFIED.value:
                assert verdict["notices"], verdict


@SETTINGS
@given(rules(), happenings(), down)
def test_what_is_over_is_told_to_those_who_were_told(played_rules, events, outage):
    """Nobody is left in the belief that something is wrong, and nobody hears of the end of what they never knew."""
    simulation = through(played_rules, events, outage)
    for incident in incidents(simulation):
        for recipient, told in incident.told.items():
            if incident.state.value == "resolved" and incident.kind == "problem":
                assert not told.opening, (recipient, incident)
                assert not told.waiting, (recipient, incident)
