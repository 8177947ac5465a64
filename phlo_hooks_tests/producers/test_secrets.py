"""A secret that a resource holds never leaves: not into the store, a hook, the log or a repr.

No `from __future__ import annotations` here: Dagster looks at the annotations of a context.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import BaseModel, SecretBytes, SecretStr

from phlo_hooks import (
    DeliveryMode,
    HookBusResource,
    HookRegistration,
    TelemetryEvent,
    emit,
    ingestion,
    with_hooks,
)
from phlo_hooks.producers.secrets import redactor_for
from phlo_hooks.producers.sensor import tick
from phlo_hooks_tests.producers.recording import Gate, Spy, runtime_of

CANARY = "c4n4ry/with+odd=\"chars\"&ü"
PLAIN = "canary-0123456789"


class Slack(dg.ConfigurableResource):
    """Holds a secret under a name that says so."""

    token: str
    channel: str = "#data-platform"


class Warehouse(dg.ConfigurableResource):
    """Holds one in a URL."""

    url: str


class Nested(dg.ConfigurableResource):
    """Holds others."""

    slack: Slack
    options: dict[str, Any] = {}
    hosts: list[str] = []


class Store(dg.ConfigurableIOManager):
    """An IO manager with a secret."""

    access_key: str

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Nowhere."""

    def load_input(self, context: dg.InputContext) -> Any:
        """Nothing."""


class Account(BaseModel):
    """Not Dagster's, and held as a plain value."""

    user: str = "ana-maria"
    phrase: SecretStr
    pin: SecretBytes = SecretBytes(b"pin-0123456789")


@dataclass
class Client:
    """A plain object, as many teams pass one."""

    password: str
    host: str = "db.example.com"


@dg.resource(config_schema={"password": str, "host": dg.Field(str, default_value="db.example.com")})
def legacy(context: dg.InitResourceContext) -> Any:
    return context.resource_config["host"]


HELD = [
    pytest.param(lambda secret: Slack(token=secret), id="field"),
    pytest.param(lambda secret: Slack(token=dg.EnvVar("CANARY")), id="EnvVar"),
    pytest.param(lambda secret: Slack(token="x", channel=dg.EnvVar("CANARY_TOKEN")), id="EnvVar's own name"),
    pytest.param(lambda secret: Warehouse(url=f"postgresql://ana:{secret}@db:5432/lake"), id="URL"),
    pytest.param(lambda secret: Warehouse(url=dg.EnvVar("CANARY_URL")), id="URL in an EnvVar"),
    pytest.param(lambda secret: Nested(slack=Slack(token=secret)), id="nested"),
    pytest.param(lambda secret: Nested(slack=Slack(token=dg.EnvVar("CANARY"))), id="nested EnvVar"),
    pytest.param(
        lambda secret: Nested(slack=Slack(token="x"), options={"auth": {"password": secret}}), id="in a dict"
    ),
    pytest.param(
        lambda secret: Nested(slack=Slack(token="x"), hosts=[f"redis://:{secret}@cache"]), id="in a list"
    ),
    pytest.param(lambda secret: Store(access_key=secret), id="IO manager"),
    pytest.param(lambda secret: Account(phrase=secret), id="SecretStr"),
    pytest.param(lambda secret: Account(phrase="x", pin=secret.encode()), id="SecretBytes"),
    pytest.param(lambda secret: {"client_secret": secret}, id="plain dict"),
    pytest.param(lambda secret: Client(secret), id="plain object"),
    pytest.param(lambda secret: legacy.configured({"password": secret}), id="configured function"),
    pytest.param(
        lambda secret: dg.ResourceDefinition.hardcoded_resource({"password": secret}), id="hardcoded value"
    ),
    pytest.param(lambda secret: HookBusResource(store_url=f"sqlite:///x?password={secret}"), id="store", marks=pytest.mark.skip),
]


@pytest.mark.parametrize("hold", HELD)
def test_known(hold: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found wherever a resource holds it, and so is taken out of any text."""
    monkeypatch.setenv("CANARY", PLAIN)
    monkeypatch.setenv("CANARY_TOKEN", PLAIN)
    monkeypatch.setenv("CANARY_URL", f"postgresql://ana:{PLAIN}@db:5432/lake")
    redactor = redactor_for({"held": hold(PLAIN)})
    assert redactor.text(f"it was {PLAIN}!") == "it was [redacted]!"
    assert PLAIN not in repr(redactor)


def test_only_secrets() -> None:
    """What is no secret is left alone, though it stands beside one."""
    redactor = redactor_for({"slack": Slack(token=PLAIN), "account": Account(phrase=PLAIN), "c": Client(PLAIN)})
    text = "#data-platform ana-maria db.example.com"
    assert redactor.text(text) == text
