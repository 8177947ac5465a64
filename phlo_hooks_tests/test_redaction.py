"""Secrets: what looks like one, or is known to be one, never leaves."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from phlo_hooks.envelope import redacted
from phlo_hooks.events import (
    ErrorInfo,
    ExternalEvent,
    IngestionEvent,
    RunEvent,
    ServiceLifecycleEvent,
    TelemetryEvent,
)
from phlo_hooks.redaction import MIN_SECRET_LENGTH, REDACTED, Redactor, looks_secret, redact_keys, redact_text
from phlo_hooks_tests.samples import every_event

CANARY = "canary-7f3a9"

SECRET = (
    "password",
    "db_passwd",
    "PASSPHRASE",
    "pass",
    "smtp_pass",
    "pwd",
    "client_secret",
    "secret_key",
    "access_token",
    "TOKEN",
    "api_key",
    "apiKey",
    "x-api-key",
    "aws_access_key_id",
    "private_key",
    "signing-key",
    "account_key",
    "credentials",
    "Authorization",
    "authorisation",
    "http_auth",
    "jwt",
    "sentry_dsn",
    "cookie",
    "connection_string",
    "sas",
    "bearer_value",
)
INNOCENT = (
    "rows",
    "passed",
    "pass_rate",
    "passengers",
    "bypass",
    "tokens_used",
    "author",
    "authors",
    "key",
    "primary_key",
    "partition_key",
    "asset_key",
    "cookies_sold",
    "compass",
    "dsn_count",
    "sas_rows",
)


@pytest.mark.parametrize("key", SECRET)
def test_looks_secret(key):
    """The names under which people keep secrets."""
    assert looks_secret(key)


@pytest.mark.parametrize("key", INNOCENT)
def test_looks_innocent(key):
    """Names that only resemble them: hiding these would hide the data."""
    assert not looks_secret(key)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"postgresql://u:{CANARY}@h/db", f"postgresql://u:{REDACTED}@h/db"),
        (f"see redis://:{CANARY}@h and x", f"see redis://:{REDACTED}@h and x"),
        ("https://example.com:8080/a@b", "https://example.com:8080/a@b"),
        ("no url at all: a:b@c", "no url at all: a:b@c"),
        (
            f"401 for https://h/v1?page=2&access_token={CANARY}.",
            f"401 for https://h/v1?page=2&access_token={REDACTED}",
        ),
        (
            f"s3://b/k?X-Amz-Signature={CANARY}&X-Amz-Date=1",
            f"s3://b/k?X-Amz-Signature={REDACTED}&X-Amz-Date=1",
        ),
        ("https://h/?design=a&tokens_used=3", "https://h/?design=a&tokens_used=3"),
    ],
    ids=[
        "user and password",
        "password only",
        "a port is none",
        "no url",
        "a token",
        "a signature",
        "other parameters",
    ],
)
def test_url_passwords(text, clean):
    """The password goes, the rest of the URL helps the reader."""
    assert clean == redact_text(text)


@pytest.mark.parametrize("value", [CANARY, 7, True, [CANARY], {"a": CANARY}], ids=repr)
def test_whatever_stands_under_a_secret_key(value):
    """Not only text is a secret."""
    assert {"a": [{"password": REDACTED}]} == redact_keys({"a": [{"password": value}]})


def test_nothing_is_no_secret():
    """That there is no password is worth knowing."""
    assert {"password": None} == redact_keys({"password": None})


HIDING_PLACES = {
    "metadata": IngestionEvent(event_type="ingestion.end", asset_key="a", metadata={"password": CANARY}),
    "nested metadata": IngestionEvent(
        event_type="ingestion.end", asset_key="a", metadata={"cfg": [{"deep": {"api_key": CANARY}}]}
    ),
    "metrics": IngestionEvent(event_type="ingestion.end", asset_key="a", metrics={"auth_token": CANARY}),
    "tags": RunEvent(event_type="run.start", tags={"dagster/secret": CANARY}),
    "payload": TelemetryEvent(event_type="telemetry.log", name="n", payload={"authorization": CANARY}),
    "value": TelemetryEvent(event_type="telemetry.log", name="n", value=[{"token": CANARY}]),
    "data": ExternalEvent(event_type="a.b", data={"headers": {"Cookie": CANARY}}),
    "url in metadata": ServiceLifecycleEvent(
        event_type="service.pre_start", service_name="s", metadata={"url": f"mysql://u:{CANARY}@h"}
    ),
    "url in an error": RunEvent(event_type="run.failure", error=f"cannot reach mysql://u:{CANARY}@h"),
    "url in a stack": RunEvent(
        event_type="run.failure", error=ErrorInfo(message="m", stack=f"connect('mysql://u:{CANARY}@h')")
    ),
    "url in a text field": TelemetryEvent(event_type="telemetry.log", name=f"GET http://u:{CANARY}@h"),
    "newer field": IngestionEvent(
        event_type="ingestion.end", asset_key="a", version="1.9", options={"secret": CANARY}
    ),
}


@pytest.mark.parametrize("event", HIDING_PLACES.values(), ids=HIDING_PLACES)
def test_no_canary_gets_out(event):
    """Neither by repr, nor by JSON, nor as a CloudEvent, nor in a dump."""
    for shown in (repr(event), str(event), event.to_json(), json.dumps(event.to_cloudevent())):
        assert CANARY not in shown
    assert CANARY not in str(event.model_dump())


KNOWN_PLACES = {
    "error": {"error": f"denied: {CANARY}"},
    "tag value": {"tags": {"note": CANARY}},
    "metadata value": {"metadata": {"note": [CANARY]}},
    "metadata key": {"metadata": {CANARY: 1}},
    "correlation": {"correlation": {"partition_key": CANARY}},
    "column": {"columns": [{"name": CANARY}]},
}


@pytest.mark.parametrize("changes", KNOWN_PLACES.values(), ids=KNOWN_PLACES)
def test_known_secret_goes_wherever_it_stands(changes):
    """A value known to be secret needs no telltale key."""
    event = IngestionEvent(event_type="ingestion.end", asset_key="a", **changes)
    assert CANARY in event.to_json()
    assert CANARY not in redacted(event, Redactor([CANARY])).to_json()


@given(st.text(min_size=MIN_SECRET_LENGTH, max_size=30))
def test_any_known_secret_goes(secret):
    """Quotes, line breaks and umlauts in a password do not save it, also in JSON."""
    event = TelemetryEvent(event_type="telemetry.log", name="n", payload={"note": f"<<{secret}>>"})
    written = redacted(event, Redactor([secret])).payload["note"]
    assert secret not in written or secret in f"<<{REDACTED}>>"


@pytest.mark.parametrize(
    "secret",
    ["event_", "failure", "status", "message", "correlation", "run_id", "ingestion", "2013-01", "123456"],
)
@pytest.mark.parametrize("event", every_event(), ids=lambda event: event.event_type)
def test_a_secret_that_is_also_one_of_our_words(event, secret):
    """Whoever has the password "status" must not lose events for it, nor get other ids."""
    clean = redacted(event, Redactor([secret]))
    assert type(event) is type(clean)
    assert (event.event_id, event.timestamp) == (clean.event_id, clean.timestamp)


def test_longest_secret_first():
    """A secret that contains another one leaves no rest."""
    assert f"x {REDACTED} y" == Redactor(["secret", "secret-and-more"]).text("x secret-and-more y")


def test_short_values_are_no_secrets():
    """A one-letter password would black out every text."""
    redactor = Redactor(["a", "12345"])
    assert not redactor
    assert "a 12345" == redactor.text("a 12345")


def test_redactor_does_not_show_what_it_knows():
    """It ends up in the repr of whatever holds it."""
    assert CANARY not in repr(Redactor([CANARY]))


def test_redactors_of_the_same_secrets_are_equal() -> None:
    """Whoever keeps what one has cleaned can tell when to do it again."""
    assert Redactor(["hunter-2", "hunter-3"]) == Redactor(["hunter-3", "hunter-2"])
    assert hash(Redactor(["hunter-2"])) == hash(Redactor(["hunter-2"]))
    assert Redactor(["hunter-2"]) != Redactor()
