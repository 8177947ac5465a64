"""What a resource's rules, channels and owners come to, looked up once for the place where they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from phlo_hooks.capabilities.alerting.channels.channel import Channel
from phlo_hooks.capabilities.alerting.conditions import Conditions
from phlo_hooks.capabilities.alerting.facts import Facts
from phlo_hooks.capabilities.alerting.ledger import LOOK_AGAIN
from phlo_hooks.capabilities.alerting.routes import Recipient, Routes
from phlo_hooks.capabilities.alerting.rules import Rule
from phlo_hooks.errors import ConfigurationError


@dataclass(frozen=True)
class Plan:
    """Rules in their order, and how to reach people.

    Args:
        conditions: one for each rule.
        routes: how to reach people.
        channels: by name.
        default_to: where a rule's messages go that names nobody.
        first_match: whether an event is left to the first rule that asks for it.
        webserver_url: of the Dagster UI, for links.
    """

    conditions: tuple[Conditions, ...]
    routes: Routes
    channels: Mapping[str, Channel]
    default_to: tuple[str, ...] = ()
    first_match: bool = False
    webserver_url: str | None = None

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, in their order."""
        return tuple(each.rule for each in self.conditions)

    @property
    def event_types(self) -> frozenset[str]:
        """What the rules ask for, that a message was given up, and that it is time to look again."""
        own = (kind for rule in self.rules for kind in rule.event_types)
        return frozenset({"hook.dead_letter", LOOK_AGAIN, *own})

    def rule(self, name: str) -> Rule | None:
        """A rule by its name; None for one that is gone."""
        return next((rule for rule in self.rules if rule.name == name), None)

    def recipients(self, rule: Rule, facts: Facts) -> tuple[Recipient, ...]:
        """Whom a message goes to."""
        return self.routes.recipients(rule.to or self.default_to, facts)

    def escalation(self, rule: Rule, facts: Facts) -> tuple[Recipient, ...]:
        """Who is told when it lasts."""
        return self.routes.recipients(rule.escalate_to, facts)


def make_plan(
    rules: Sequence[Rule],
    channels: Mapping[str, Channel],
    *,
    owners: Mapping[str, Sequence[str]] | None = None,
    default_owner: str | None = None,
    default_to: Sequence[str] = (),
    first_match: bool = False,
    webserver_url: str | None = None,
    location: str = "",
    plugin: str = "",
    select_assets: Callable[[str], frozenset[str]] = lambda selection: frozenset(),
) -> Plan:
    """The plan of a resource.

    Raises:
        ConfigurationError: a name is there twice, or a rule or owner leads nowhere.
    """
    names = [rule.name for rule in rules]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigurationError(f"two rules are called {twice!r}: give one of them another name")
    routes = Routes(channels, owners or {}, default_owner, plugin)
    routes.check_owners()
    for rule in rules:
        routes.check(rule.to or default_to, f"rule {rule.name!r}")
        if rule.escalate_to:
            routes.check(rule.escalate_to, f"rule {rule.name!r}: escalate_to")
    return Plan(
        conditions=tuple(Conditions(rule, location, _named(rule, select_assets)) for rule in rules),
        routes=routes,
        channels=channels,
        default_to=tuple(default_to),
        first_match=first_match,
        webserver_url=webserver_url,
    )


def _named(rule: Rule, select: Callable[[str], frozenset[str]]) -> Callable[[str], frozenset[str]]:
    """`select`, with the rule's name before what it says of a selection that cannot work."""

    def look(selection: str) -> frozenset[str]:
        try:
            return select(selection)
        except ValueError as exc:
            raise ConfigurationError(f"rule {rule.name!r}: {exc}") from None

    return look
