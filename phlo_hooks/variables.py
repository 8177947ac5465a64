"""Values that stand in the environment: a `dg.EnvVar` is looked up when it is needed, where it is needed."""

from __future__ import annotations

import os

from phlo_hooks.errors import DeliveryError


def variable_of(text: object) -> str | None:
    """The name of the variable that a field holds instead of a value; None of a value.

    Told by what a `dg.EnvVar` has, so that no framework is needed here.
    """
    name = getattr(text, "env_var_name", None)
    return name if isinstance(name, str) else None


def looked_up(text: str | None, field: str) -> str | None:
    """A field's value, or that of the variable that it names.

    Args:
        text: as configured.
        field: whose it is, with its object: `OpenMetadataResource: token`.

    Raises:
        DeliveryError: the variable is not set: nothing is lost until it is.
    """
    name = variable_of(text)
    if name is None:
        return text
    value = os.environ.get(name, "").strip()
    if not value:
        raise DeliveryError(f"{field}: the environment variable {name} is not set where the relay runs")
    return value
