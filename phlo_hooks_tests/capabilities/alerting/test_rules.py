"""Rules and resources are checked when they are built, and say what is wrong with them."""

from datetime import datetime, timedelta, timezone

import dagster as dg
import pytest

from phlo_hooks import with_hooks
from phlo_hooks.capabilities.alerting import (
    AlertingResource,
    ConsoleChannel,
    QuietHours,
    Rule,
    SlackChannel,
    Threshold,
)
from phlo_hooks.capabilities.alerting.quiet import next_time
from phlo_hooks.errors import ConfigurationError


def rule(**fields):
    return Rule(**{"name": "r", "on": ["asset.failure"], "to": ["console"], **fields})


def resource(*rules, **fields):
    return AlertingResource(rules=list(rules) or [rule()], console=[ConsoleChannel()], **fields)


BAD_RULES = {
    "unknown field": ({"windw": "1h"}, "Rule 'r': no field 'windw'; did you mean 'window'?"),
    "no signal": ({"on": []}, "rule 'r': on is empty: name signals, such as asset.failure"),
    "unknown signal": (
        {"on": ["asset.failed"]},
        "rule 'r': no signal is called 'asset.failed'; did you mean 'asset.failure'?",
    ),
    "severity": (
        {"min_severity": "HIGH"},
        "rule 'r': min_severity 'HIGH' is unknown; known: CRITICAL, ERROR, INFO, WARN",
    ),
    "attempts": ({"attempts": "frist"}, "rule 'r': attempts 'frist' is unknown; did you mean 'first'?"),
    "group": ({"group_by": "assets"}, "rule 'r': group_by 'assets' is unknown; did you mean 'asset'?"),
    "window": (
        {"window": "1 year"},
        "rule 'r': window is '1 year': write a time above 0 such as 90m, 2h, 1d 12h",
    ),
    "cause": ({"distinguish": ["message"]}, "rule 'r': distinguish 'message' is unknown"),
    "escalation": (
        {"escalate_after": "1h"},
        "rule 'r': escalation needs both escalate_after and escalate_to",
    ),
    "metric": ({"on": ["metric"]}, r"rule 'r': a threshold needs on: \[metric\], and that needs a threshold"),
    "digest": ({"digest": "9 o'clock"}, "rule 'r': digest: \"9 o'clock\" is not a cron schedule"),
    "zone": (
        {"timezone": "Berlin"},
        "rule 'r': no time zone 'Berlin': use an IANA name such as Europe/Berlin",
    ),
    "mute": ({"mute_until": "tomorrow"}, "rule 'r': mute_until: Invalid isoformat string: 'tomorrow'"),
    "name": ({"name": "a/b"}, "rule 'a/b': a name is needed, without slash or newline"),
    "no number": (
        {"on": ["metric"], "threshold": {"name": "rows", "above": float("nan")}},
        "rule 'r': threshold 'rows' has a limit that is no number",
    ),
    "digest and more": (
        {"digest": "0 9 * * *", "renotify": "1h"},
        "rule 'r': renotify has no meaning with a digest: leave one out",
    ),
    "no limit": (
        {"on": ["metric"], "threshold": {"name": "rows"}},
        "rule 'r': threshold 'rows' has no limit",
    ),
    "quiet": (
        {"quiet_hours": {"start": "22", "end": "07:00", "timezone": "UTC"}},
        "rule 'r': quiet_hours '22' is not a time of day: write 22:00",
    ),
    "always quiet": (
        {"quiet_hours": {"start": "22:00", "end": "22:00", "timezone": "UTC"}},
        "rule 'r': quiet_hours start and end are both 22:00: never or always?",
    ),
}


@pytest.mark.parametrize(("fields", "message"), BAD_RULES.values(), ids=BAD_RULES)
def test_a_rule_that_cannot_work(fields, message):
    with pytest.raises(ConfigurationError, match=message):
        rule(**fields)


BAD_RESOURCES = {
    "channel": ({"rules": [rule(to=["slak"])]}, "rule 'r': no channel 'slak'"),
    "target": (
        {"rules": [rule(to=["console:#data"])]},
        "channel 'console' takes no target, 'console:#data' has '#data'",
    ),
    "nobody": (
        {"rules": [rule(to=[])]},
        "rule 'r': to is empty, and the resource has no default_to: name a channel",
    ),
    "owners": (
        {"rules": [rule(to=["owners"])]},
        "an asset without a known owner would reach nobody: set default_owner",
    ),
    "default owner": (
        {"rules": [rule()], "owners": {"team:data": ["console"]}, "default_owner": "team:dta"},
        "no owner is called 'team:dta', as default_owner says; did you mean 'team:data'?",
    ),
    "owner": (
        {"rules": [rule()], "owners": {"team:data": ["slack"]}},
        "owner 'team:data': no channel 'slack'",
    ),
    "twice": ({"rules": [rule(), rule()]}, "two rules are called 'r': give one of them another name"),
    "match": ({"rules": [rule()], "match": "any"}, "match 'any': use 'all' or 'first'"),
    "template": (
        {"rules": [rule(template="{{ aset }}")]},
        "rule 'r': template fails on .*'aset' is undefined",
    ),
    "broken template": (
        {"rules": [rule(template="{{ asset_key")]},
        "rule 'r': template: .* see Jinja2's docs",
    ),
}


@pytest.mark.parametrize(("fields", "message"), BAD_RESOURCES.values(), ids=BAD_RESOURCES)
def test_a_resource_that_cannot_work(fields, message):
    with pytest.raises(ConfigurationError, match=message):
        AlertingResource(console=[ConsoleChannel()], **fields)


def test_two_channels_of_one_name():
    with pytest.raises(
        ConfigurationError, match="a second channel is called 'console': give it a name of its own"
    ):
        AlertingResource(rules=[rule()], console=[ConsoleChannel(), ConsoleChannel()])


@dg.asset(group_name="marts")
def orders(): ...


BAD_SELECTIONS = {
    "no selection": ("group:", "rule 'r': 'group:' is no Dagster asset selection"),
    "nothing": (
        'group:"mart"',
        "rule 'r': the asset selection 'group:\"mart\"' selects no asset of the definitions",
    ),
}


@pytest.mark.parametrize(("selection", "message"), BAD_SELECTIONS.values(), ids=BAD_SELECTIONS)
def test_a_selection_is_checked_when_definitions_load(selection, message):
    alerting = resource(rule(assets=selection))
    with pytest.raises(ConfigurationError, match=message):
        with_hooks(dg.Definitions(assets=[orders], resources={"alerting": alerting}))


def test_times_may_be_timedeltas_and_numbers():
    made = rule(
        window=timedelta(minutes=5), renotify=90, mute_until=datetime(2026, 1, 1, tzinfo=timezone.utc)
    )
    assert (made.span("window"), made.span("renotify")) == (timedelta(minutes=5), timedelta(seconds=90))
    assert made.muted_until == datetime(2026, 1, 1, tzinfo=timezone.utc)


def test_it_is_a_dagster_resource_like_any_other():
    """Dagster writes its fields down and builds it again, for instance in a run's process."""
    alerting = resource(
        rule(quiet_hours=QuietHours(start="22:00", end="07:00", timezone="UTC"), tags={"tier": "1"}),
        rule(name="m", on=["metric"], threshold=Threshold(name="rows", below=1.0)),
        owners={"team:data": ["console"]},
    )
    with dg.build_resources({"alerting": alerting}) as built:
        assert built.alerting.rules == alerting.rules
        assert [hook.hook_name for hook in built.alerting.get_hooks()] == ["rules", "console"]


YAML = """
rules:
  - name: marts
    on: [asset.failure, "check.*"]
    assets: group:"marts"
    to: [owners]
    window: 2h
  - name: slow
    on: [run.long_running]
    to: [console]
owners:
  team:data: ["slack:#data"]
default_owner: team:data
slack:
  - token: ${SLACK_TOKEN}
    channel: "#ops"
console:
  - {}
"""


def test_a_yaml_file(tmp_path):
    file = tmp_path / "alerts.yaml"
    file.write_text(YAML)
    alerting = AlertingResource.from_yaml(file, webserver_url="http://localhost:3000")
    assert [each.name for each in alerting.rules] == ["marts", "slow"]
    assert list(alerting.channels) == ["console", "slack"]
    assert alerting.slack == [SlackChannel(token=dg.EnvVar("SLACK_TOKEN"), channel="#ops")]
    with_hooks(dg.Definitions(assets=[orders], resources={"alerting": alerting}))


BAD_FILES = {
    "missing": (None, "cannot be read"),
    "a list": ("- rules", "holds a list, not settings: begin with rules:"),
    "no yaml": ("rules: [", "cannot be read"),
    "part of a value": (
        YAML.replace("${SLACK_TOKEN}", "xoxb-${SLACK_TOKEN}"),
        r"\$\{SLACK_TOKEN\} must be the whole value",
    ),
    "a rule": (
        YAML.replace("asset.failure", "asset.failur"),
        "rule 'marts': no signal is called 'asset.failur'",
    ),
    "a field": (YAML.replace("window:", "windw:"), "Rule 'marts': no field 'windw'; did you mean 'window'?"),
    "an unknown setting": (YAML + "\nchannels: []", "no field 'channels'"),
}


@pytest.mark.parametrize(("text", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_yaml_file_that_cannot_work(tmp_path, text, message):
    """The message names the file."""
    file = tmp_path / "alerts.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigurationError, match=message) as caught:
        AlertingResource.from_yaml(file)
    assert str(file) in str(caught.value)


QUIET = QuietHours(
    start="22:00", end="07:00", timezone="Europe/Berlin", days=["mon", "tue", "wed", "thu", "fri"]
)


@pytest.mark.parametrize(
    ("now", "severity", "ends"),
    [
        ("2026-03-02T20:59", "ERROR", None),
        ("2026-03-02T21:00", "ERROR", "2026-03-03T06:00"),
        ("2026-03-03T05:59", "ERROR", "2026-03-03T06:00"),
        ("2026-03-03T06:00", "ERROR", None),
        ("2026-03-02T23:00", "CRITICAL", None),
        # Saturday's night is no quiet one; Friday's is, until Saturday morning.
        ("2026-03-07T22:30", "ERROR", None),
        ("2026-03-07T05:00", "ERROR", "2026-03-07T06:00"),
        # The clocks go forward in the night to Sunday 29 March, and back in that to 25 October.
        ("2026-03-30T21:00", "ERROR", "2026-03-31T05:00"),
    ],
)
def test_quiet_hours_go_by_the_wall_clock(now, severity, ends):
    at = lambda text: datetime.fromisoformat(text).replace(tzinfo=timezone.utc)  # noqa: E731
    found = QUIET.ends(at(now), severity)
    assert found == (at(ends) if ends else None)


def test_a_night_in_which_the_clocks_change():
    """It ends at seven by the wall clock, an hour sooner."""
    every = QuietHours(start="22:00", end="07:00", timezone="Europe/Berlin")
    found = every.ends(datetime(2026, 3, 28, 22, tzinfo=timezone.utc), "ERROR")
    assert found == datetime(2026, 3, 29, 5, tzinfo=timezone.utc)


def test_a_digest_goes_by_its_zone():
    after = datetime(2026, 3, 28, 12, tzinfo=timezone.utc)
    assert next_time("0 9 * * *", "Europe/Berlin", after) == datetime(2026, 3, 29, 7, tzinfo=timezone.utc)


def test_a_template_writes_the_text():
    from phlo_hooks_tests.capabilities.alerting.bench import asset, at, play, rule as simple

    simulation = play(
        simple(template="{{ asset_key }} of {{ owners | join(', ') }}: {{ error_line }} ({{ count }})")
    )
    simulation.play([asset(at(0), owners=("team:data",))])
    assert simulation.sent[0].message.text == "orders of team:data: OperationalError: no such table (1)"


@pytest.mark.parametrize("text", ["{{ ''.__class__.__mro__ }}", "{{ cycler.__init__.__globals__ }}"])
def test_a_template_cannot_leave_its_sandbox(text):
    with pytest.raises(ConfigurationError, match="template fails on"):
        resource(rule(template=text))
