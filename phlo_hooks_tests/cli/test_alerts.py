"""`phlo-hooks alerts`, on a store that real runs have written and real messages have left."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from phlo_hooks.capabilities.alerting.rules import Rule
from phlo_hooks.cli import cli
from phlo_hooks.cli.alerts.rules import unheard
from phlo_hooks.testing import Fault
from phlo_hooks_tests.cli.alerting_lake import MODULE, SECRET, Lake, opened

FAILED = "Asset orders failed"


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    """A project that nothing has happened to."""
    with opened(tmp_path) as lake:
        yield lake


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A project whose job has failed once. Look at it, do not change it."""
    with opened(tmp_path_factory.mktemp("failed")) as lake:
        lake.run()
        yield lake


# -- explain ---------------------------------------------------------------------------------------


def test_explain_agrees_with_what_was_sent(lake: Lake) -> None:
    """Each message that arrived is a notice of an explained event, and each sent notice arrived."""
    lake.run()
    lake.run()
    lake.run(broken=False)
    arrived = {request.headers["webhook-id"]: request.json()["title"] for request in lake.receiver.requests}
    assert list(arrived.values()) == [FAILED, f"Resolved: {FAILED}"]
    kinds = [("ingestion.end", 0), ("ingestion.end", 1), ("ingestion.end", 2), ("run.failure", 0)]
    events = [lake.event_id(kind, number) for kind, number in kinds]
    explained = {event: {each["rule"]: each for each in lake.json("explain", event)} for event in events}
    assert [explained[event]["failures"]["outcome"] for event in events] == [
        "notified",
        "suppressed",
        "recovered",
        "same_cause",
    ]
    sent = {
        notice["id"]: notice["reason"]
        for rules in explained.values()
        for each in rules.values()
        for notice in each["notices"]
        if notice["state"] == "sent" and notice["recipient"] == "people"
    }
    assert sent == arrived


def test_explain_says_why_not(failed: Lake) -> None:
    """By the conditions of a rule that did not ask for it, and by the wait of one that groups."""
    out = failed.out("explain", failed.event_id("ingestion.end"))
    assert "ingestion.end orders failure" in out
    assert "failures: notified: to people" in out
    assert "people: sent 20" in out
    assert "customers only: unmatched: it is about no asset of customers" in out
    assert "grouped: grouped: its group waits until" in out
    assert "delivery delivered" in out


def test_explain_a_message(failed: Lake) -> None:
    """The event of a message that was due is no rule's business: it says what became of it."""
    out = failed.out("explain", failed.event_id("alert.firing"))
    assert "a message to people: sent" in out
    assert "unmatched" not in out
    [message] = failed.json("explain", failed.event_id("alert.firing"))
    assert (message["state"], message["delivery"]["hook"]) == ("sent", "alerting.people")


def test_explain_before_the_relay_was_there(lake: Lake) -> None:
    """A rule asks for it, and nobody has looked at it yet: that is no answer of the rule's."""
    runtime = lake.runtime()
    lake.deliver = lambda runtime=None: None  # type: ignore[method-assign,assignment,misc]
    lake.run()
    outcomes = {each["rule"]: each for each in lake.json("explain", lake.event_id("ingestion.end"))}
    assert outcomes["failures"]["outcome"] == "undecided"
    assert "the relay has yet to look at it" in outcomes["failures"]["reason"]
    assert (outcomes["customers only"]["outcome"], outcomes["customers only"]["kept"]) == ("unmatched", False)
    assert runtime.catalog.known_keys == {"orders", "customers"}


def test_explain_while_the_receiver_is_down(lake: Lake) -> None:
    """The message waits, and its delivery says what the receiver answered."""
    lake.receiver.always(Fault.answer(503, b"down for maintenance"))
    lake.run()
    [failures] = [
        each for each in lake.json("explain", lake.event_id("ingestion.end")) if each["rule"] == "failures"
    ]
    [notice] = failures["notices"]
    assert (notice["state"], notice["delivery"]["state"]) == ("waiting", "retrying")
    assert "503" in notice["delivery"]["last_error"]
    # Once, or more often: the first pause is any up to five seconds.
    said = lake.out("explain", lake.event_id("ingestion.end"))
    assert re.search(r"delivery retrying after \d+: ", said)


def test_explain_an_event_that_is_not_there(failed: Lake) -> None:
    """An error that says where ids come from."""
    assert "phlo-hooks events list has the ids" in failed.error("explain", "nope")


# -- incidents -------------------------------------------------------------------------------------


def test_incidents(lake: Lake) -> None:
    """Open ones, then, once it is right again, those of the past."""
    lake.run()
    lake.run()
    [mine] = lake.json("incidents", "--rule", "failures")
    assert (mine["key"], mine["state"], mine["severity"]) == ("asset orders", "open", "ERROR")
    assert (mine["count"], mine["untold"]) == (2, 1)
    assert mine["told"]["people"]["sent"] == 1
    row = next(line for line in lake.out("incidents").splitlines() if mine["id"] in line)
    assert "failures" in row
    lake.run(broken=False)
    assert lake.json("incidents", "--rule", "failures") == []
    [over] = lake.json("incidents", "--all", "--rule", "failures")
    assert (over["id"], over["state"]) == (mine["id"], "resolved")


def test_an_incident_in_full(failed: Lake) -> None:
    """Its causes with their errors, what followed from it, and its messages; the id may be cut short."""
    [mine] = failed.json("incidents", "--rule", "failures")
    [whole] = failed.json("incidents", mine["id"][:8])
    [cause] = whole["causes"]
    assert (cause["title"], cause["error"]) == (FAILED, "ValueError: no exchange rate for March")
    assert whole["also"] == ["Job nightly failed"]
    assert [(each["recipient"], each["state"]) for each in whole["notices"]] == [("people", "sent")]
    out = failed.out("incidents", mine["id"][:8])
    assert "ValueError: no exchange rate for March" in out
    assert "because of it: Job nightly failed" in out
    assert "begin with ''" in failed.error("incidents", "")
    assert "no incident 'zzz'" in failed.error("incidents", "zzz")


# -- mute ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["failures", "asset:orders", "all"])
def test_mute(lake: Lake, target: str) -> None:
    """Nothing is sent while it lasts, and the explanation says so; afterwards it is."""
    lake.run(broken=False)
    assert "muted until" in lake.out("mute", target, "--for", "2h", "--reason", "we know")
    lake.run()
    assert lake.titles() == []
    out = lake.out("explain", lake.event_id("ingestion.end", 1))
    assert "failures: muted: muted until" in out and "we know" in out
    assert "unmuted" in lake.out("unmute", target)
    assert "was not muted" in lake.out("unmute", target)
    lake.run()
    assert lake.titles() == [FAILED]


def test_what_is_muted_is_listed(lake: Lake) -> None:
    """With the rule, and whatever else is."""
    lake.run(broken=False)
    lake.out("mute", "failures", "--until", "2999-01-01", "--reason", "a new source")
    lake.out("mute", "asset:orders", "--for", "1d")
    [listed] = lake.json("list")
    assert [rule["muted_until"] for rule in listed["rules"]] == ["2999-01-01T00:00:00Z", None, None]
    assert [each["target"] for each in listed["mutes"]] == ["asset:orders", "rule:failures"]
    assert "muted: rule:failures until 2999-01-01 00:00:00 (a new source)" in lake.out("list")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("failure", "--for", "2h"), "did you mean 'failures'?", id="rule"),
        pytest.param(("asset:order", "--for", "2h"), "did you mean 'orders'?", id="asset"),
        pytest.param(("all",), "for how long?", id="no time"),
        pytest.param(("all", "--for", "2h", "--until", "2999-01-01"), "one of them", id="two times"),
        pytest.param(("all", "--until", "2020-01-01"), "is over already", id="past"),
    ],
)
def test_a_mute_that_would_do_nothing(failed: Lake, arguments: tuple[str, ...], message: str) -> None:
    """Is refused."""
    assert message in failed.error("mute", *arguments)


# -- list, test ------------------------------------------------------------------------------------


def test_list(failed: Lake) -> None:
    """The rules in their order, the channels, and a hint of what nobody would hear."""
    [listed] = failed.json("list")
    assert [rule["name"] for rule in listed["rules"]] == ["failures", "customers only", "grouped"]
    assert listed["channels"] == {"people": "HttpChannel", "terminal": "ConsoleChannel"}
    assert "check.failed" in listed["unheard"] and "asset.failure" not in listed["unheard"]
    out = failed.out("list")
    assert "channels: terminal (Console), people (Http)" in out
    assert "no rule listens for: run.canceled" in out
    assert unheard((Rule(name="all", on=["*"]),)) == ()


def test_a_sample_is_sent(lake: Lake) -> None:
    """Signed, through the real channel, and marked."""
    lake.run(broken=False)
    assert lake.out("test", "failures") == "people: sent: Test: Sample failed\n"
    assert lake.titles() == ["Test: Sample failed"]
    assert lake.receiver.requests[0].headers["webhook-signature"]
    [trial] = lake.json("test", "failures", "--to", "terminal")
    assert (trial["recipient"], trial["error"]) == ("terminal", "")
    assert "no channel 'terminl'" in lake.error("test", "failures", "--to", "terminl")


def test_a_sample_that_does_not_arrive(lake: Lake) -> None:
    """Ends with 1; what was answered is shown, secrets are not."""
    lake.receiver.always(Fault.answer(500, f"you said {SECRET}".encode()))
    result = lake.alerts("test", "failures", code=1)
    assert "people: failed: " in result.stdout and "500" in result.stdout
    assert SECRET not in result.output


# -- simulate, check -------------------------------------------------------------------------------

TRIED = """
rules:
  - name: every time
    on: [asset.failure]
    to: [people, "terminal"]
    window: 0s
"""


def test_simulate_is_what_was_sent(failed: Lake) -> None:
    """The same messages, to the same people; and nothing is sent again."""
    before = failed.titles()
    *messages, totals = failed.json("simulate", "--since", "1d")
    assert [each["title"] for each in messages if each["recipient"] == "people"] == before
    assert (totals["by_rule"], totals["most_in_an_hour"]) == ({"failures": 1, "grouped": 1}, 1)
    assert failed.titles() == before
    assert "2 messages, at most 1 in an hour" in failed.out("simulate", "--since", "1d")


def test_simulate_the_rules_of_a_file(failed: Lake) -> None:
    """With the deployed channels, which the file does not have."""
    (failed.folder / "tried.yaml").write_text(TRIED)
    *_, totals = failed.json("simulate", "--since", "1d", "--rules", str(failed.folder / "tried.yaml"))
    assert totals["by_rule"] == {"every time": 2}
    assert totals["by_recipient"] == {"people": 1, "terminal": 1}


def test_check(failed: Lake) -> None:
    """With definitions: channels and assets are those that there are."""
    path = failed.folder / "tried.yaml"
    path.write_text(TRIED)
    assert "is valid: 1 rules (every time)" in failed.out("check", str(path))
    path.write_text(TRIED.replace("window", "assets: group:sale\n    window"))
    assert "selects no asset" in failed.error("check", str(path))
    path.write_text(TRIED.replace("asset.failure", "asset.failur"))
    assert "did you mean 'asset.failure'?" in failed.error("check", str(path))


def test_check_without_definitions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file has to bring its channels, then; its secrets need not be there."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "rules.yaml"
    path.write_text(TRIED)
    result = CliRunner().invoke(cli, ["alerts", "check", str(path)])
    assert result.exit_code == 1 and "no channel 'people'" in result.output
    path.write_text(TRIED + "console: [{name: people}, {name: terminal}]\n")
    result = CliRunner().invoke(cli, ["alerts", "check", str(path), "--json"])
    assert json.loads(result.stdout)["channels"] == ["people", "terminal"]


# -- which resource --------------------------------------------------------------------------------


def test_one_of_several_resources(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has rules and a memory of its own."""
    monkeypatch.setenv("SECOND", "1")
    lake.run(broken=False)
    assert [each["resource"] for each in lake.json("list")] == ["alerting", "second"]
    assert [each["resource"] for each in lake.json("list", "--resource", "second")] == ["second"]
    lake.out("mute", "all", "--for", "1h", "--resource", "second")
    assert [each["mutes"] != [] for each in lake.json("list")] == [False, True]
    assert "did you mean 'second'?" in lake.error("list", "--resource", "secnd")


def test_several_locations(failed: Lake) -> None:
    """Each has a memory of its own: what was wrong in one is nothing to the other."""
    path = failed.folder / "two.yaml"
    entries = [
        {"python_file": {"relative_path": f"{MODULE}.py", "location_name": name}}
        for name in (f"{MODULE}.py", "other")
    ]
    path.write_text(json.dumps({"load_from": entries}))
    environment = {"DAGSTER_HOME": failed.instance.root_directory}

    def run(*arguments: str) -> list[dict[str, Any]]:
        command = ["alerts", *arguments, "-w", str(path), "--json"]
        result = CliRunner().invoke(cli, command, env=environment)
        return [json.loads(line) for line in result.stdout.splitlines()]

    assert [each["location"] for each in run("list")] == [f"{MODULE}.py", "other"]
    explained = run("explain", failed.event_id("ingestion.end"))
    outcomes = {each["location"]: each["outcome"] for each in explained if each["rule"] == "failures"}
    assert outcomes == {f"{MODULE}.py": "notified", "other": "undecided"}
    assert any("but another location decided" in each["reason"] for each in explained)


def test_definitions_without_alerts(lake: Lake) -> None:
    """Are an error that says what to add."""
    lake.run(broken=False)
    path = Path(lake.file)
    path.write_text(path.read_text().replace('"alerting": alerting,', ""))
    assert "no AlertingResource is among the resources" in lake.error("list")
