"""The secret values that a deployment's resources hold, so that none of them ever leaves in an event."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from pydantic import BaseModel, SecretBytes, SecretStr

from phlo_hooks.redaction import Redactor, looks_secret

_URL_PASSWORD = re.compile(r"://[^\s/:@]*:([^\s@/]+)@")


def redactor_for(resources: Mapping[str, Any]) -> Redactor:
    """A redactor for what these resources keep secret now; environment variables are read here."""
    return Redactor(secret for resource in resources.values() for secret in _secrets(resource))


def resolved(value: Any) -> Any:
    """What an `EnvVar` stands for; any other value as it is."""
    return value.get_value() if isinstance(value, dg.EnvVar) else value


def _secrets(holder: Any, name: str = "") -> Iterator[str]:
    if isinstance(holder, (SecretStr, SecretBytes)):
        yield str(holder.get_secret_value())
    elif isinstance(holder, str):
        yield from _text_secrets(holder, name)
    elif isinstance(holder, BaseModel):
        for field in type(holder).model_fields:
            yield from _secrets(getattr(holder, field, None), field)
    elif isinstance(holder, Mapping):
        for key, value in holder.items():
            yield from _secrets(value, str(key))
    elif isinstance(holder, (list, tuple, set, frozenset)):
        for value in holder:
            yield from _secrets(value, name)


def _text_secrets(text: str, name: str) -> Iterator[str]:
    value = resolved(text)
    if not value:
        return
    env_name = text.env_var_name if isinstance(text, dg.EnvVar) else ""
    if looks_secret(name) or looks_secret(env_name):
        yield value
    yield from _URL_PASSWORD.findall(value)
