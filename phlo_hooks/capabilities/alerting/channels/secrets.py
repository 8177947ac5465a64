"""Secrets of channels: read when they are used, shown nowhere."""

from __future__ import annotations

import os

import dagster as dg

from phlo_hooks.errors import ConfigurationError


def known(text: str | None) -> str | None:
    """A value, unless it stands for an environment variable, whose value may differ where alerts are sent."""
    return None if isinstance(text, dg.EnvVar) else text


def given(text: str | None, variable: str | None) -> bool:
    """Whether a field, or the field that names its environment variable, is set."""
    return text is not None or variable is not None


def check_one(field: str, text: str | None, variable: str | None) -> None:
    """Refuse a value that is there twice, or is empty.

    Raises:
        ConfigurationError: names the fields, not the value.
    """
    if text is not None and variable is not None:
        raise ConfigurationError(f"it has both {field} and {field}_env: leave one of them out")
    if known(text) is not None and not str(text).strip():
        raise ConfigurationError(f"{field} is empty: leave it out, or set it")


def read(field: str, text: str | None, variable: str | None = None) -> str:
    """What a field holds now: the value itself, or that of its environment variable.

    Raises:
        ConfigurationError: the variable is not set; the message names it.
    """
    name = text.env_var_name if isinstance(text, dg.EnvVar) else variable
    if name is None:
        return (text or "").strip()
    value = os.environ.get(name, "").strip()
    if not value:
        raise ConfigurationError(f"{field}: the environment variable {name} is not set where alerts are sent")
    return value
