"""`phlo-hooks alerts test`: a sample through a rule's real channels, right away."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import click

from phlo_hooks.capabilities.alerting.compose import Composer
from phlo_hooks.capabilities.alerting.facts import Facts
from phlo_hooks.capabilities.alerting.incident import Incident, Told
from phlo_hooks.capabilities.alerting.message import Kind, Message
from phlo_hooks.capabilities.alerting.plan import Plan
from phlo_hooks.capabilities.alerting.routes import Recipient
from phlo_hooks.capabilities.alerting.rules import Rule
from phlo_hooks.capabilities.alerting.signals import SIGNALS, Mood, Signal
from phlo_hooks.cli.alerts.setups import Setup, find_setups, setups_with
from phlo_hooks.cli.opening import StoreChoice
from phlo_hooks.cli.options import json_option, resource_option, store_options
from phlo_hooks.cli.output import first_line, print_json, printable
from phlo_hooks.envelope import utc_now

# Of a rule that listens for types of your own, which have no signal.
_ANY = Signal("sample", ("sample",), Mood.NOTICE, "INFO", "happened")
_SAMPLE = "Nothing is wrong: somebody tries whether this rule's messages arrive."


@dataclass(frozen=True)
class Trial:
    """How it went with one recipient; `error` is empty where it was sent."""

    recipient: str
    title: str
    error: str = ""


@click.command()
@click.argument("rule")
@click.option("--to", "to", metavar="CHANNEL", multiple=True, help="To slack, or slack:#data, instead.")
@resource_option
@json_option
@store_options
@click.pass_context
def test(
    context: click.Context,
    choice: StoreChoice,
    rule: str,
    to: tuple[str, ...],
    resource_key: str | None,
    as_json: bool,
) -> None:
    """Send a sample through the channels of a rule, whatever is muted. Ends with 1 if one of them failed.

    Owners are told as those of an asset that nobody owns, unless you say --to.
    """
    trials = []
    for setup in setups_with(find_setups(choice, resource_key), rule):
        for trial in _try(setup, rule, to):
            trials.append(trial)
            _print(trial, setup, as_json)
    context.exit(1 if any(trial.error for trial in trials) else 0)


def sample_facts(rule: Rule, now: datetime) -> Facts:
    """An event that a rule asks for."""
    heard = (signal for signal in SIGNALS if rule.listens_for(signal.name))
    signal = next(heard, _ANY)
    return Facts(
        event_id=str(uuid.uuid4()),
        event_type=signal.event_types[0],
        signal=signal.name,
        mood=signal.mood.value,
        severity=signal.severity,
        subject="sample",
        title=f"Sample {signal.verb}",
        timestamp=now.isoformat(),
        description=_SAMPLE,
    )


def sample_message(rule: Rule, plan: Plan, facts: Facts) -> Message:
    """The message that a rule would send of it, marked as a test."""
    incident = Incident(
        id=facts.event_id, rule=rule.name, key=facts.subject, first=facts.when, last=facts.when
    )
    incident.happened("sample", facts)
    composer = Composer(rule, plan.webserver_url, facts.event_id, facts.when)
    message = composer.message(incident, Told(), Kind.TEST)
    return replace(message, title=f"Test: {message.title}")


def _try(setup: Setup, name: str, to: Sequence[str]) -> list[Trial]:
    plan = setup.plan
    rule = plan.rule(name)
    assert rule is not None  # noqa: S101  # for the type checker; the setup was chosen by it
    plan.routes.check(to or rule.to or plan.default_to, "--to" if to else f"rule {name!r}")
    facts = sample_facts(rule, utc_now())
    message = sample_message(rule, plan, facts)
    recipients = plan.routes.recipients(to or rule.to or plan.default_to, facts)
    return [_send(setup, plan, message, each) for each in recipients]


def _send(setup: Setup, plan: Plan, message: Message, recipient: Recipient) -> Trial:
    try:
        plan.channels[recipient.channel].ready().send(message, target=recipient.target)
    except Exception as exc:  # whatever it is, the others are tried, too
        return Trial(str(recipient), message.title, setup.redactor.text(f"{type(exc).__name__}: {exc}"))
    return Trial(str(recipient), message.title)


def _print(trial: Trial, setup: Setup, as_json: bool) -> None:
    if as_json:
        print_json({"resource": setup.key, "location": setup.location, **vars(trial)})
        return
    said = f"failed: {first_line(trial.error)}" if trial.error else f"sent: {trial.title}"
    click.echo(printable(f"{trial.recipient}: {said}"))
