"""What is wrong with an endpoint, said when it is defined and not when the first event is lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import dagster as dg

from phlo_hooks.capabilities.webhook.fields import EndpointFields
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.headers import check_header
from phlo_hooks.signing import signing_keys
from phlo_hooks.urls import check_url


def check(endpoint: EndpointFields) -> None:
    """Refuse what cannot work, as far as it is known now: an `EnvVar` is not looked into.

    Raises:
        ConfigurationError: the endpoint, what is wrong with it, and what to do about it.
    """
    who = f"webhook endpoint {endpoint.name!r}"
    try:
        _check_url(endpoint.url)
        _check_secrets(endpoint)
        _check_headers(endpoint)
        _check_options(endpoint)
    except ConfigurationError as exc:
        raise ConfigurationError(f"{who}: {exc}") from None


def known(text: str | None) -> str | None:
    """A text, unless it stands for an environment variable."""
    return None if isinstance(text, dg.EnvVar) else text


def _check_url(url: str | None) -> None:
    if url is None:
        raise ConfigurationError("there is no url: use url='https://…', or url=EnvVar(…)")
    if known(url) is not None:
        check_url(url)


def _check_secrets(endpoint: EndpointFields) -> None:
    given = [secret for secret in (endpoint.secret, *endpoint.secrets) if secret is not None]
    if endpoint.unsigned and (given or endpoint.secret_env):
        raise ConfigurationError("it has a secret and is unsigned: leave one of them out")
    if not (given or endpoint.secret_env or endpoint.unsigned):
        raise ConfigurationError(
            "there is no secret to sign with: use secret=EnvVar(…), secret_env='…', or unsigned=True"
        )
    for secret in filter(known, given):
        signing_keys(secret)
    if any(known(secret) is not None and not secret.strip() for secret in given):
        raise ConfigurationError("a secret is empty: leave it out")


def _check_headers(endpoint: EndpointFields) -> None:
    for name, value in endpoint.headers.items():
        check_header(name, known(value))
    for name in endpoint.headers_env:
        check_header(name, None)
    double = _doubles(name.lower() for each in (endpoint.headers, endpoint.headers_env) for name in each)
    if double:
        raise ConfigurationError(f"header {double!r} is there twice: leave one of them out")


def _doubles(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    return next((name for name in names if name in seen or seen.add(name)), None)  # type: ignore[func-returns-value]


def _check_options(endpoint: EndpointFields) -> None:
    if endpoint.format not in ("structured", "batch"):
        raise ConfigurationError(f"format {endpoint.format!r} is unknown; use 'structured' or 'batch'")
    if endpoint.ordering not in (None, "asset", "run"):
        raise ConfigurationError(f"ordering {endpoint.ordering!r} is unknown; use 'asset' or 'run'")
    wanted: Mapping[str, object] = {"batch_size": endpoint.batch_size, "batch_wait": endpoint.batch_wait}
    for name, value in wanted.items():
        if value is not None and endpoint.format != "batch":
            raise ConfigurationError(f"{name}={value!r} needs format='batch'")
    if endpoint.circuit_failures is None and endpoint.max_consecutive_failures is not None:
        most = endpoint.max_consecutive_failures
        raise ConfigurationError(f"max_consecutive_failures={most} needs circuit_failures")


def check_names(endpoints: Iterable[EndpointFields]) -> None:
    """Refuse two endpoints of one name: their deliveries could not be told apart.

    Raises:
        ConfigurationError: the name.
    """
    double = _doubles(endpoint.name for endpoint in endpoints)
    if double:
        raise ConfigurationError(
            f"two webhook endpoints are called {double!r}: give each a name of its own, name='…'"
        )
