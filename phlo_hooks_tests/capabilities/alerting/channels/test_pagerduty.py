"""PagerDuty: one alert for each incident."""

from __future__ import annotations

from dataclasses import replace

import dagster as dg
import pytest

from phlo_hooks.capabilities.alerting.channels import PagerDutyChannel
from phlo_hooks.capabilities.alerting.message import Fact, Kind
from phlo_hooks.errors import ConfigurationError, DeliveryError, PermanentError, RetryLater
from phlo_hooks.testing import Fault
from phlo_hooks_tests.capabilities.alerting.channels.messages import FIRING, RESOLVED
from phlo_hooks_tests.capabilities.alerting.receivers import ROUTING_KEY, PagerDuty

OTHER_KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def channel(pagerduty: PagerDuty) -> PagerDutyChannel:
    """With a literal key."""
    return PagerDutyChannel(routing_key=ROUTING_KEY, url=pagerduty.url)


def test_open_and_resolve(pagerduty: PagerDuty, channel: PagerDutyChannel) -> None:
    """One alert, whatever happens meanwhile."""
    key = channel.send(FIRING)
    channel.send(replace(FIRING, kind=Kind.REMINDER), thread=key)
    channel.send(replace(FIRING, kind=Kind.ESCALATION), thread=key)
    assert {key: "open"} == pagerduty.alerts
    channel.send(RESOLVED, thread=key)
    assert {FIRING.incident_id: "resolved"} == pagerduty.alerts


@pytest.mark.parametrize(
    ("severity", "expected"),
    [("CRITICAL", "critical"), ("ERROR", "error"), ("WARN", "warning"), ("INFO", "info")],
)
def test_severity(pagerduty: PagerDuty, channel: PagerDutyChannel, severity: str, expected: str) -> None:
    """In PagerDuty's words."""
    channel.send(replace(FIRING, severity=severity))
    assert expected == pagerduty.events[0]["payload"]["severity"]


@pytest.mark.parametrize("kind", [Kind.NOTICE, Kind.DIGEST])
def test_nobody_is_woken(pagerduty: PagerDuty, channel: PagerDutyChannel, kind: Kind) -> None:
    """By good news, or by a list."""
    assert channel.send(replace(FIRING, kind=kind)) is None
    assert 0 == pagerduty.server.count


def test_details(pagerduty: PagerDuty, channel: PagerDutyChannel) -> None:
    """What was measured, under its own labels."""
    channel.send(FIRING)
    (event,) = pagerduty.events
    details = event["payload"]["custom_details"]
    assert ("marts/orders", 14, FIRING.stack.strip()) == (
        details["Asset"],
        details["held back"],
        details["stack"],
    )
    assert [
        'Asset marts/orders failed (3 times): column "amount" not found',
        "✅ Check unique_id",
    ] == details["parts"]
    assert [link.url for link in FIRING.links] == [link["href"] for link in event["links"]]


def test_names_that_are_there_twice(pagerduty: PagerDuty, channel: PagerDutyChannel) -> None:
    """Nothing is lost."""
    channel.send(replace(FIRING, facts=(Fact("error", "a"), Fact("Asset", "b"), Fact("Asset", "c"))))
    details = pagerduty.events[0]["payload"]["custom_details"]
    assert ("a", FIRING.error, "b", "c") == (
        details["error"],
        details["error (2)"],
        details["Asset"],
        details["Asset (2)"],
    )


def test_another_service(
    pagerduty: PagerDuty, channel: PagerDutyChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the name of a variable: a key in a rule would be seen by everybody."""
    monkeypatch.setenv("PD_WAREHOUSE", OTHER_KEY)
    channel.check_target("PD_WAREHOUSE")
    channel.send(FIRING, target="PD_WAREHOUSE")
    assert [OTHER_KEY] == [event["routing_key"] for event in pagerduty.events]
    with pytest.raises(ConfigurationError, match="the name of an environment variable") as info:
        channel.check_target("e" * 32)
    assert "e" * 32 not in str(info.value)


def test_a_key_from_the_environment(pagerduty: PagerDuty, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read when it sends; a wrong one is not sent."""
    channel = PagerDutyChannel(routing_key=dg.EnvVar("PD_KEY"), url=pagerduty.url)
    monkeypatch.setenv("PD_KEY", "too-short-canary")
    with pytest.raises(DeliveryError, match="32 characters") as info:
        channel.send(FIRING)
    assert "canary" not in str(info.value)
    monkeypatch.setenv("PD_KEY", ROUTING_KEY)
    channel.send(FIRING)
    assert 1 == pagerduty.server.count


def test_refused(pagerduty: PagerDuty, channel: PagerDutyChannel) -> None:
    """With what it finds wrong."""
    pagerduty.server.next(
        Fault.answer(400, '{"status": "invalid event", "errors": ["payload.source is missing"]}')
    )
    with pytest.raises(PermanentError, match="payload.source is missing"):
        channel.send(FIRING)


def test_limit_of_rate(pagerduty: PagerDuty, channel: PagerDutyChannel) -> None:
    """It does not say for how long."""
    pagerduty.server.next(Fault.answer(429))
    with pytest.raises(RetryLater) as info:
        channel.send(FIRING)
    assert (30, True) == (info.value.after, info.value.pause)


def test_long_ids(pagerduty: PagerDuty, channel: PagerDutyChannel) -> None:
    """Two incidents stay two, and one stays one."""
    one, two = (replace(FIRING, incident_id="x" * 300 + end) for end in "ab")
    assert channel.send(one) == channel.send(one) != channel.send(two)
    assert 2 == len(pagerduty.alerts)
