"""What a LightdashResource can never work with, refused when it is built; and what stands for a variable."""

from __future__ import annotations

import math
import uuid
from typing import TYPE_CHECKING

from phlo_hooks import variables
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.urls import check_url

if TYPE_CHECKING:
    from phlo_hooks.capabilities.lightdash.resource import LightdashResource

WHO = "LightdashResource"


def check_fields(resource: LightdashResource) -> None:
    """Refuse what can never work; what stands in a variable is looked at where the relay runs.

    Raises:
        ConfigurationError: a field, and what to do about it.
    """
    for field, check in (("url", check_address), ("token", check_token), ("project", check_project)):
        value = getattr(resource, field)
        if variables.variable_of(value) is None:
            check(value)
    if not (resource.timeout > 0 and math.isfinite(resource.timeout)):
        raise ConfigurationError(f"{WHO}: timeout {resource.timeout!r}: use seconds, above 0")
    if not resource.explores:
        raise ConfigurationError(f"{WHO}: explores is empty: use {{'orders': ['marts/orders']}}")
    for explore, patterns in resource.explores.items():
        if not patterns:
            raise ConfigurationError(f"{WHO}: explores[{explore!r}] is empty: name the assets of the explore")


def check_address(url: str) -> None:
    """Refuse what no request can be sent to.

    Raises:
        ConfigurationError: what is wrong.
    """
    try:
        check_url(url, instead="token=EnvVar(…)")
    except ConfigurationError as exc:
        raise ConfigurationError(f"{WHO}: {exc}") from None


def check_token(token: str) -> None:
    """Refuse what is no token; the message shows nothing of it.

    Raises:
        ConfigurationError: what is wrong.
    """
    if not token or not token.isascii() or any(char.isspace() or not char.isprintable() for char in token):
        raise ConfigurationError(
            f"{WHO}: token is empty, or has characters that no token has: give it alone, without 'ApiKey'"
        )


def check_project(project: str) -> None:
    """Refuse what is no uuid.

    Raises:
        ConfigurationError: where to find it.
    """
    try:
        uuid.UUID(project)
    except ValueError:
        raise ConfigurationError(
            f"{WHO}: project {project!r} is no uuid: take what stands behind /projects/ in the project's URL"
        ) from None


def looked_up(text: str, field: str) -> str:
    """A field's value, or that of the variable that it names; see `variables.looked_up`."""
    return variables.looked_up(text, f"{WHO}: {field}") or ""
