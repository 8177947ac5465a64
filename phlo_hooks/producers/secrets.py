"""The secret values that a deployment's resources hold, so that none of them ever leaves in an event."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import is_dataclass
from typing import Any
from urllib.parse import unquote

import dagster as dg
from pydantic import BaseModel, SecretBytes, SecretStr

from phlo_hooks.producers.dagster_private import made_of
from phlo_hooks.redaction import Redactor, looks_secret

_URL_PASSWORD = re.compile(r"://[^\s/:@]*:([^\s@/]+)@")

# A field of this ending, or a mapping under it, names environment variables.
_ENV = "_env"

Named = tuple[str, Any]


def redactor_for(resources: Iterable[Named]) -> Redactor:
    """A redactor for what these resources keep secret now; environment variables are read here."""
    return Redactor(secret for name, resource in resources for secret in _of_resource(resource, name))


def resolved(value: Any) -> Any:
    """What an `EnvVar` stands for; any other value as it is."""
    return value.get_value() if isinstance(value, dg.EnvVar) else value


def _of_resource(resource: Any, name: str) -> Iterator[str]:
    # A client of a team's own making has its secrets in attributes. Those of what it is made of in turn are
    # not looked at: a vendor's client reaches half of its library.
    holder = vars(resource) if _is_plain_object(resource) else resource
    yield from _secrets(holder, name)


def _is_plain_object(value: Any) -> bool:
    return hasattr(value, "__dict__") and not isinstance(
        value, (BaseModel, Mapping, dg.ResourceDefinition, str)
    )


def _secrets(holder: Any, name: str = "") -> Iterator[str]:
    if isinstance(holder, (SecretStr, SecretBytes)):
        yield _revealed(holder.get_secret_value())
    elif isinstance(holder, str):
        yield from _text_secrets(holder, name)
    else:
        for inner_name, value in _inside(holder, name):
            yield from _secrets(value, inner_name)


def _inside(holder: Any, name: str) -> Iterable[Named]:
    if isinstance(holder, BaseModel):
        return [(field, getattr(holder, field, None)) for field in type(holder).model_fields]
    if isinstance(holder, dg.ResourceDefinition):
        return [(name, made_of(holder))]
    if isinstance(holder, Mapping):
        suffix = _ENV if name.endswith(_ENV) else ""
        return [(f"{key}{suffix}", value) for key, value in holder.items()]
    if hasattr(holder, "_asdict"):
        return list(holder._asdict().items())
    if isinstance(holder, (list, tuple, set, frozenset)):
        return [(name, value) for value in holder]
    return vars(holder).items() if is_dataclass(holder) and not isinstance(holder, type) else ()


def _revealed(secret: str | bytes) -> str:
    return secret if isinstance(secret, str) else secret.decode(errors="replace")


def _text_secrets(text: str, name: str) -> Iterator[str]:
    if name.endswith(_ENV):
        # `secret_env` has the name of a variable, which is no secret; what it holds now is one.
        yield from _text_secrets(os.environ.get(text, ""), name.removesuffix(_ENV))
        name = ""
    value = resolved(text)
    if not value:
        return
    env_name = text.env_var_name if isinstance(text, dg.EnvVar) else ""
    if looks_secret(name) or looks_secret(env_name):
        yield value
    for password in _URL_PASSWORD.findall(value):
        yield from (password, unquote(password))
