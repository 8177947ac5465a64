"""What an endpoint's `EnvVar`s and environment variables hold at this moment."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import dagster as dg

from phlo_hooks.capabilities.webhook.fields import EndpointFields
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.headers import check_header
from phlo_hooks.redaction import Redactor
from phlo_hooks.signing import signing_keys
from phlo_hooks.urls import check_url, secret_pieces


@dataclass(frozen=True)
class Credentials:
    """Where a request goes and what proves who sends it. Lives as long as the request; shows nothing."""

    url: str = field(repr=False)
    keys: list[bytes] = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    redactor: Redactor


def credentials(endpoint: EndpointFields) -> Credentials:
    """Look everything up.

    Raises:
        ConfigurationError: a variable is not set, or holds what cannot work; the message names it alone.
    """
    url = _value(endpoint.url, "url")
    check_url(url)
    secrets = list(_secrets(endpoint))
    headers = dict(_headers(endpoint))
    for name, value in headers.items():
        check_header(name, value)
    return Credentials(
        url,
        [key for secret in secrets for key in signing_keys(secret)],
        headers,
        Redactor(_hidden(secrets, headers.values(), url)),
    )


def _hidden(secrets: Iterable[str], headers: Iterable[str], url: str) -> Iterator[str]:
    for secret in secrets:
        yield from secret.split()
    for value in headers:
        # `Bearer abc`: the receiver may repeat the second word alone. The first is none.
        yield from (value, *value.split()[1:])
    yield from secret_pieces(url)


def _secrets(endpoint: EndpointFields) -> Iterator[str]:
    for secret in (endpoint.secret, *endpoint.secrets):
        if secret is not None:
            yield _value(secret, "secret")
    if endpoint.secret_env:
        yield _variable(endpoint.secret_env, "secret_env")


def _headers(endpoint: EndpointFields) -> Iterator[tuple[str, str]]:
    for name, value in endpoint.headers.items():
        yield name.lower(), _value(value, f"header {name!r}")
    for name, variable in endpoint.headers_env.items():
        yield name.lower(), _variable(variable, f"header {name!r}")


def _value(text: str | None, what: str) -> str:
    return _variable(text.env_var_name, what) if isinstance(text, dg.EnvVar) else text or ""


def _variable(name: str, what: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise ConfigurationError(f"{what}: the environment variable {name} is not set where the relay runs")
    return value
