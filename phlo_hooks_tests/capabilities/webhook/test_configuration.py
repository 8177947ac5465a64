"""What cannot work is refused where it is defined, by name and with the next step, and without the secret."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import dagster as dg
import pytest
from pydantic import ValidationError

from phlo_hooks import HookFilter
from phlo_hooks.capabilities import WebhookEndpoint, WebhookResource
from phlo_hooks.capabilities.webhook import resource
from phlo_hooks.circuit import CircuitBreaker
from phlo_hooks.errors import ConfigurationError, MissingExtraError, PhloHooksError, UnknownEventTypeError
from phlo_hooks.registration import Ordering
from phlo_hooks.retry import RetryPolicy
from phlo_hooks_tests.capabilities.webhook.helpers import SECRET, secret_of

URL = "https://hooks.example.com/in"
CANARY = "canary-0123456789"

REFUSED: list[Any] = [
    pytest.param({"secret": SECRET}, "'post': there is no url: use url='https://…'", id="no url"),
    pytest.param({"url": "ftp://a/b"}, "has the scheme 'ftp': use https://", id="scheme"),
    pytest.param({"url": "hooks.example.com"}, "has the scheme ''", id="no scheme"),
    pytest.param({"url": "https:///in"}, "has no host", id="no host"),
    pytest.param({"url": "https://a:99999/"}, "no valid host or port", id="port"),
    pytest.param({"url": f"https://me:{CANARY}@a.example/"}, "before 'a.example': send it as a header", id="password"),
    pytest.param({"url": f"https://{CANARY}@a.example/"}, "before 'a.example': send it as a header", id="user"),
    pytest.param({"url": "https://a.example/a b"}, "percent-encode", id="space"),
    pytest.param({"url": "https://bücher.example/"}, "punycode", id="not ASCII"),
    pytest.param({"secret": None}, "no secret to sign with: use secret=EnvVar(…), secret_env='…', or unsigned=True", id="no secret"),
    pytest.param({"secret": CANARY}, "begins with 'whsec_'; make one:", id="secret"),
    pytest.param({"secret": f"{SECRET} whsec_{CANARY}"}, "is base64", id="second secret"),
    pytest.param({"secrets": [secret_of("c", 8)]}, "24 to 64 bytes, this one has 8", id="short secret"),
    pytest.param({"secret": " "}, "a secret is empty", id="empty secret"),
    pytest.param({"unsigned": True}, "has a secret and is unsigned", id="unsigned"),
    pytest.param({"headers": {"A b": "x"}}, "header 'A b' is not a name", id="header name"),
    pytest.param({"headers": {"A": f"{CANARY}\r\nB: c"}}, "header 'A' has a line break", id="header value"),
    pytest.param({"headers": {"Webhook-Id": "x"}}, "'Webhook-Id' is set by the webhook itself", id="our header"),
    pytest.param({"headers": {"host": "x"}}, "'host' is set by the webhook itself", id="host"),
    pytest.param({"headers": {"A": "x"}, "headers_env": {"a": "X"}}, "header 'a' is there twice", id="header twice"),
    pytest.param({"format": "binary"}, "format 'binary' is unknown; use 'structured' or 'batch'", id="format"),
    pytest.param({"batch_size": 10}, "batch_size=10 needs format='batch'", id="batch size"),
    pytest.param({"batch_wait": 1.0}, "batch_wait=1.0 needs format='batch'", id="batch wait"),
    pytest.param({"event_types": ["ingestion.ended"]}, "ingestion.ended", id="event type"),
    pytest.param({"min_severity": "warning"}, "min_severity 'warning' is unknown", id="severity"),
    pytest.param({"ordering": "table"}, "ordering 'table' is unknown; use 'asset' or 'run'", id="ordering"),
    pytest.param({"name": "a b"}, "hook_name 'a b' is not a name", id="name"),
    pytest.param({"retry_schedule": [-1]}, "retry schedule", id="schedule"),
    pytest.param({"reenable": "never"}, "reenable 'never' is unknown", id="reenable"),
    pytest.param({"circuit_failures": None, "max_consecutive_failures": 9}, "max_consecutive_failures=9 needs circuit_failures", id="no circuit"),
    pytest.param(
        {"endpoints": [WebhookEndpoint(url=URL, secret=SECRET)]},
        "WebhookResource has endpoints, and url beside them: move it into each WebhookEndpoint",
        id="both forms",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "message"), REFUSED)
def test_refused(fields: dict[str, Any], message: str) -> None:
    """At construction, in our own words."""
    base = {} if "there is no url" in message else {"url": URL, "secret": SECRET}
    with pytest.raises((ConfigurationError, PhloHooksError)) as info:
        WebhookResource(**{**base, **fields})
    assert message in str(info.value)
    assert CANARY not in str(info.value)
    assert SECRET not in str(info.value)


def test_refused_by_type() -> None:
    """Pydantic's words, without what was given."""
    with pytest.raises(ValidationError, match="timeout") as info:
        WebhookResource(url=URL, secret=SECRET, timeout=0, headers={"A": [CANARY]})
    assert CANARY not in str(info.value)


def test_two_of_one_name() -> None:
    """Their deliveries could not be told apart."""
    endpoint = WebhookEndpoint(url=URL, secret=SECRET)
    with pytest.raises(ConfigurationError, match="two webhook endpoints are called 'post': give each a name"):
        WebhookResource(endpoints=[endpoint, endpoint])


def test_the_endpoint_is_named() -> None:
    """Among several, the one that is wrong."""
    good = WebhookEndpoint(name="catalog", url=URL, secret=SECRET)
    bad = WebhookEndpoint(name="pager", url="x://", secret=SECRET)
    with pytest.raises(ConfigurationError, match="webhook endpoint 'pager': url has the scheme 'x'"):
        WebhookResource(endpoints=[good, bad])


def test_an_unknown_type_is_found_by_its_own_class() -> None:
    """As for any other hook."""
    with pytest.raises(UnknownEventTypeError, match="ingestion.end"):
        WebhookResource(url=URL, secret=SECRET, event_types=["ingestion.ende"])


FULL = {
    "event_types": ["*.end"],
    "asset_keys": ["marts/*"],
    "tags": {"team": "data"},
    "groups": ["marts"],
    "kinds": ["dbt"],
    "owners": ["team:data"],
    "jobs": ["nightly"],
    "status": ["failure"],
    "min_severity": "WARN",
    "format": "batch",
    "batch_size": 20,
    "batch_wait": 2.0,
    "ordering": "asset",
    "timeout": 7.0,
    "retry_schedule": [1.0, 2.0],
    "max_age": 3600.0,
    "circuit_failures": 3,
    "circuit_cooldown": 10.0,
    "circuit_max_cooldown": 20.0,
    "max_consecutive_failures": 9,
    "reenable": "probe",
}


@pytest.mark.parametrize("form", ["simple", "endpoints"])
def test_every_option_reaches_its_hook(form: str) -> None:
    """In either form."""
    fields = {"name": "catalog", "url": URL, "secret": SECRET, **FULL}
    webhook = (
        WebhookResource(**fields)
        if form == "simple"
        else WebhookResource(endpoints=[WebhookEndpoint(**fields)])
    )
    (hook,) = webhook.get_hooks()
    assert "catalog" == hook.hook_name
    assert HookFilter(
        event_types={"*.end"}, asset_keys={"marts/*"}, tags={"team": "data"}, groups={"marts"}, kinds={"dbt"},
        owners={"team:data"}, jobs={"nightly"}, status={"failure"}, min_severity="WARN",
    ) == hook.filters  # fmt: skip
    assert RetryPolicy(schedule=(1, 2), max_age=3600) == hook.retry
    assert CircuitBreaker(3, 10.0, 20.0, 9, "probe") == hook.circuit
    assert (20, 2.0, Ordering.ASSET) == (hook.batch_size, hook.batch_wait, hook.ordering)
    assert 7.0 < hook.timeout <= 15.0


def test_defaults() -> None:
    """Those of Standard Webhooks, where it has any."""
    (hook,) = WebhookResource(url=URL, secret=SECRET).get_hooks()
    assert timedelta(days=3) < hook.retry.horizon < timedelta(days=4)
    assert (None, None, CircuitBreaker()) == (hook.batch_size, hook.ordering, hook.circuit)
    (unbroken,) = WebhookResource(url=URL, secret=SECRET, circuit_failures=None).get_hooks()
    assert unbroken.circuit is None


def test_environment_variables_are_not_looked_into() -> None:
    """What loads the definitions need not have them."""
    nowhere = dg.EnvVar("PHLO_HOOKS_TEST_NOT_SET")
    webhook = WebhookResource(url=nowhere, secret=nowhere, headers={"A": nowhere})
    assert ["post"] == [hook.hook_name for hook in webhook.get_hooks()]


def test_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said when it is defined."""
    monkeypatch.setattr(resource, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'phlo-hooks\[webhook\]'"):
        WebhookResource(url=URL, secret=SECRET)
