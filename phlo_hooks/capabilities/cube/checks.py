"""What a CubeSemanticLayerResource can never work with, refused when it is built."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import dagster as dg

from phlo_hooks.errors import ConfigurationError
from phlo_hooks.urls import check_url

if TYPE_CHECKING:
    from phlo_hooks.capabilities.cube.resource import CubeSemanticLayerResource

WHO = "CubeSemanticLayerResource"


def check_fields(resource: CubeSemanticLayerResource) -> None:
    """Refuse what can never work; what stands in a variable is looked at where the relay runs.

    Raises:
        ConfigurationError: a field, and what to do about it.
    """
    if not isinstance(resource.url, dg.EnvVar):
        check_cube_url(resource.url)
    if not resource.base_path.startswith("/") or resource.base_path.endswith("/"):
        raise ConfigurationError(
            f"{WHO}: base_path {resource.base_path!r}: use one that begins with a slash, such as /cubejs-api"
        )
    if resource.token is not None and resource.secret is not None:
        raise ConfigurationError(f"{WHO} has a token and a secret: give one of them")
    if not (resource.timeout > 0 and math.isfinite(resource.timeout)):
        raise ConfigurationError(f"{WHO}: timeout {resource.timeout!r}: use seconds, above 0")
    _check_models(resource.models)
    _check_contexts(resource.contexts)
    _check_timezones(resource.timezones)


def check_cube_url(url: str) -> None:
    """Refuse a URL that no request can be sent to.

    Raises:
        ConfigurationError: what is wrong; none of it but the scheme and the host is shown.
    """
    try:
        check_url(url, instead="secret=EnvVar(…), or token=EnvVar(…)")
    except ConfigurationError as exc:
        raise ConfigurationError(f"{WHO}: {exc}") from None


def _check_models(models: Mapping[str, list[str]]) -> None:
    if not models:
        raise ConfigurationError(
            f"{WHO} has no models: name the assets of each cube, models={{'orders': ['marts/orders']}}"
        )
    for model, patterns in models.items():
        if not model.strip() or "." in model:
            raise ConfigurationError(f"{WHO}: models names {model!r}: use the name of a cube or view")
        if not patterns or not all(pattern.strip() for pattern in patterns):
            raise ConfigurationError(
                f"{WHO}: models[{model!r}] names no asset: use keys or patterns, such as 'marts/orders'"
            )


def _check_contexts(contexts: list[dict[str, Any]]) -> None:
    for context in contexts:
        if context.keys() != {"securityContext"} or not isinstance(context["securityContext"], Mapping):
            raise ConfigurationError(
                f"{WHO}: a context is no {{'securityContext': {{…}}}}, which is all that Cube takes"
            )
        try:
            json.dumps(context, allow_nan=False)
        except (TypeError, ValueError) as exc:
            raise ConfigurationError(f"{WHO}: a securityContext is no JSON: {exc}") from None
    if not contexts:
        raise ConfigurationError(
            f"{WHO}: contexts is empty: Cube needs one, such as [{{'securityContext': {{}}}}]"
        )


def _check_timezones(timezones: list[str]) -> None:
    if not timezones:
        raise ConfigurationError(
            f"{WHO}: timezones is empty: use those of CUBEJS_SCHEDULED_REFRESH_TIMEZONES"
        )
    for name in timezones:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ConfigurationError(
                f"{WHO}: no time zone {name!r}: use an IANA name such as Europe/Berlin, or pip install tzdata"
            ) from None
