"""AlertingResource: one hook that sees the events, and one for each channel."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from os import PathLike
from typing import Any, ClassVar

import dagster as dg
from pydantic import ConfigDict, Field

from phlo_hooks.capabilities.alerting import templates
from phlo_hooks.capabilities.alerting.channels import (
    AppriseChannel,
    Channel,
    ConsoleChannel,
    EmailChannel,
    HttpChannel,
    PagerDutyChannel,
    SlackChannel,
    TeamsChannel,
)
from phlo_hooks.capabilities.alerting.evaluator import Evaluator
from phlo_hooks.capabilities.alerting.ledger import RULES
from phlo_hooks.capabilities.alerting.plan import Plan, make_plan
from phlo_hooks.capabilities.alerting.rules import Rule
from phlo_hooks.capabilities.alerting.sending import Sender
from phlo_hooks.capabilities.alerting.strict import check_names
from phlo_hooks.capabilities.alerting.yaml_file import read_settings
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.events import AlertEvent, HookEvent
from phlo_hooks.filters import HookFilter
from phlo_hooks.memory import memory_host
from phlo_hooks.registration import HookRegistration, Ordering
from phlo_hooks.retry import RetryPolicy
from phlo_hooks.state import Host

# The fields that hold channels; one without a name is called so.
CHANNEL_TYPES = ("console", "slack", "teams", "email", "pagerduty", "webhook", "apprise")
# People wait for it: soon at first. And for as long as a receiver may be down over a weekend.
_SEND = RetryPolicy(schedule=(5, 15, 30, 60, 120, 300, 600, 1800, *([3600] * 24), *([10_800] * 16)))
_COUNT = RetryPolicy(schedule=(1, 5, 15, 60, 300, 900, 3600, 10_800, 43_200, 86_400))
_BATCH = 100
# A channel ends a call itself before that.
_TIMEOUT = 60.0


class AlertingResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Rules that turn events into messages to people.

    Nothing is lost: a message that cannot be sent is sent later, and what is not sent, because it was told
    already, is counted. `phlo-hooks alerts explain EVENT_ID` says what became of any event.

    Raises:
        ConfigurationError: a rule, channel or owner that cannot work, named with what to do about it.
        MissingExtraError: `pip install 'phlo-hooks[alerting]'`.
    """

    rules: list[Rule] = Field(description="In their order.")
    match: str = Field(
        default="all", description="Every rule that asks for an event takes it, or the `first`."
    )
    default_to: list[str] = Field(default=[], description="For rules without `to`.")
    owners: dict[str, list[str]] = Field(
        default={}, description="Who is reached how: {'team:data': ['slack:#data']}."
    )
    default_owner: str | None = Field(default=None, description="Of assets whose owner is not known.")
    webserver_url: str | None = Field(default=None, description="Of the Dagster UI, for links.")

    console: list[ConsoleChannel] = Field(default=[], description="Prints.")
    slack: list[SlackChannel] = Field(default=[], description="Slack, by webhook or bot token.")
    teams: list[TeamsChannel] = Field(default=[], description="Microsoft Teams, by workflow URL.")
    email: list[EmailChannel] = Field(default=[], description="Mail, by SMTP.")
    pagerduty: list[PagerDutyChannel] = Field(default=[], description="PagerDuty Events API v2.")
    webhook: list[HttpChannel] = Field(default=[], description="Any HTTP receiver, as JSON.")
    apprise: list[AppriseChannel] = Field(default=[], description="The services that Apprise knows.")

    # A validator's message would come with the values that it looked at.
    model_config: ClassVar[ConfigDict] = {"hide_input_in_errors": True}

    def __init__(self, **data: Any) -> None:
        super().__init__(**data)
        if self.match not in ("all", "first"):
            raise ConfigurationError(f"AlertingResource: match {self.match!r}: use 'all' or 'first'")
        for rule in self.rules:
            if rule.template:
                templates.check(rule.template, f"rule {rule.name!r}")
        for channel in self.channels.values():
            channel.check()
        self.plan()

    @classmethod
    def from_yaml(cls, path: str | PathLike[str], **more: Any) -> AlertingResource:
        """A resource with the settings of a YAML file: the fields of this class, `${NAME}` for a secret.

        Args:
            path: of the file.
            more: fields that are not in it.

        Raises:
            ConfigurationError: names the file, and what is wrong with it.
        """

        def make(settings: dict[str, Any]) -> AlertingResource:
            check_names(settings, cls.model_fields, "the file")
            return cls(**{**settings, **more})

        return read_settings(path, make)

    @property
    def channels(self) -> Mapping[str, Channel]:
        """The channels, by name.

        Raises:
            ConfigurationError: two have the same one.
        """
        found: dict[str, Channel] = {}
        for kind in CHANNEL_TYPES:
            for channel in getattr(self, kind):
                name = channel.name or kind
                if name in found or name == RULES:
                    raise ConfigurationError(
                        f"AlertingResource: a second channel is called {name!r}: give it a name of its own"
                    )
                found[name] = channel
        return found

    def plan(
        self,
        select_assets: Callable[[str], frozenset[str]] = lambda selection: frozenset(),
        location: str = "",
        plugin: str = "",
    ) -> Plan:
        """What rules, channels and owners come to; see `make_plan`."""
        return make_plan(
            self.rules,
            self.channels,
            owners=self.owners,
            default_owner=self.default_owner,
            default_to=self.default_to,
            first_match=self.match == "first",
            webserver_url=_looked_up(self.webserver_url),
            location=location,
            plugin=plugin,
            select_assets=select_assets,
        )

    def check(self, select_assets: Callable[[str], frozenset[str]]) -> None:
        """Refuse rules about assets that there are not; see `HostedHookProvider`."""
        self.plan(select_assets)

    def get_hooks(self) -> Iterable[HookRegistration]:
        """`rules`, and one hook for each channel, under its name."""
        return self.hooks_on(memory_host())

    def hooks_on(self, host: Host) -> Iterable[HookRegistration]:
        """The same hooks, with the incidents kept by `host`."""
        plan = self.plan(host.select_assets, host.location, host.plugin)
        yield HookRegistration(
            RULES,
            Evaluator(plan, host),
            filters=HookFilter(event_types=plan.event_types),
            not_before=_due,
            retry=_COUNT,
            circuit=None,
            batch_size=_BATCH,
            ordering=Ordering.ASSET,
        )
        for name in plan.channels:
            yield HookRegistration(
                name,
                Sender(plan, host),
                filters=HookFilter(event_types=AlertEvent.event_types, when=_is_for(name)),
                retry=_SEND,
                timeout=_TIMEOUT,
                not_before=_due,
            )


def _is_for(channel: str) -> Callable[[Any], bool]:
    return lambda event: bool(event.channel == channel)


def _due(event: HookEvent) -> datetime | None:
    return event.due if isinstance(event, AlertEvent) else None


def _looked_up(text: str | None) -> str | None:
    return os.environ.get(text.env_var_name) if isinstance(text, dg.EnvVar) else text
