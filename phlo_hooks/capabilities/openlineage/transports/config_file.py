"""`openlineage.yml`: which one, and what is in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from phlo_hooks.errors import ConfigurationError

_NAME = "openlineage.yml"


def from_file(named: str | None, environ: Mapping[str, str]) -> dict[str, Any]:
    """What the file says; nothing where there is none.

    The client goes on without a file that it cannot read, and prints the events instead of sending them.

    Args:
        named: path that the user gave; else the client's places are searched.
        environ: may name the file, too.

    Raises:
        ConfigurationError: it cannot be read, is no YAML, or no mapping.
    """
    path = _path(named or environ.get("OPENLINEAGE_CONFIG"))
    if path is None:
        return {}
    content = _parsed(path, _text(path))
    if content is not None and not isinstance(content, dict):
        raise ConfigurationError(f"{path} holds no mapping: begin it with 'transport:'")
    return content or {}


def _path(named: str | None) -> Path | None:
    if named:
        return Path(named).expanduser()
    places = (Path.cwd() / _NAME, Path.home() / ".openlineage" / _NAME)
    return next((place for place in places if place.is_file()), None)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        why = getattr(exc, "strerror", None) or "it is not UTF-8"
        raise ConfigurationError(
            f"{path} cannot be read ({why}): correct config_file= or OPENLINEAGE_CONFIG"
        ) from None


def _parsed(path: Path, text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as exc:
        # Without its text, which quotes the line: there may be a key in it.
        mark = getattr(exc, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise ConfigurationError(f"{path} is no YAML{where}: correct it") from None
