"""Settings in a YAML file, with secrets by the name of their environment variable."""

from __future__ import annotations

import re
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg
import yaml
from pydantic import ValidationError

from phlo_hooks.errors import ConfigurationError

T = TypeVar("T")
_BOOL = "tag:yaml.org,2002:bool"
_VARIABLE = re.compile(r"\$\{(\w+)\}")


class _Loader(yaml.SafeLoader):
    """As YAML 1.2 has it: `on` is a word, and only true and false are truth values."""

    yaml_implicit_resolvers = {  # noqa: RUF012  # PyYAML's own
        first: [(tag, pattern) for tag, pattern in found if tag != _BOOL]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver(_BOOL, re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def read_settings(path: str | PathLike[str], make: Callable[[dict[str, Any]], T]) -> T:
    """What `make` gives for the settings in a file.

    Raises:
        ConfigurationError: the file cannot be read, is not a mapping, or `make` refuses it.
    """
    try:
        settings = yaml.load(Path(path).read_text(encoding="utf-8"), _Loader)  # noqa: S506  # it is a safe one
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise ConfigurationError(f"{path} cannot be read: {exc}") from None
    if not isinstance(settings, dict):
        raise ConfigurationError(f"{path} holds a {type(settings).__name__}, not settings: begin with rules:")
    try:
        return make(_with_variables(settings, str(path)))
    except ConfigurationError as exc:
        raise ConfigurationError(f"{path}: {exc}") from None
    except ValidationError as exc:
        raise ConfigurationError(f"{path}: {_explain(exc)}") from None


def _with_variables(value: Any, where: str) -> Any:
    """`${NAME}` as what is looked up when it is needed."""
    if isinstance(value, dict):
        return {str(key): _with_variables(item, f"{where}: {key}") for key, item in value.items()}
    if isinstance(value, list):
        return [_with_variables(item, where) for item in value]
    if not isinstance(value, str) or not (found := _VARIABLE.search(value)):
        return value
    if found[0] != value:
        raise ConfigurationError(f"{where}: ${{{found[1]}}} must be the whole value: put all of it there")
    return dg.EnvVar(found[1])


def _explain(exc: ValidationError) -> str:
    lines = []
    for error in exc.errors(include_url=False, include_input=False):
        place = ".".join(str(part) for part in error["loc"])
        lines.append(f"{place}: {error['msg']}")
    return "; ".join(lines)
