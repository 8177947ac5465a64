"""What dbt has written: `semantic_manifest.json`, and `manifest.json` beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from phlo_hooks.errors import ConfigurationError

SEMANTIC_MANIFEST = "semantic_manifest.json"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Artifacts:
    """Both files, as they were at one time.

    Args:
        semantic_manifest: text of `semantic_manifest.json`.
        manifest: content of `manifest.json`.
        path: of `semantic_manifest.json`, for messages.
    """

    semantic_manifest: str
    manifest: Mapping[str, Any]
    path: Path

    @property
    def digest(self) -> str:
        """Changes with the semantic manifest."""
        return sha256(self.semantic_manifest.encode()).hexdigest()[:16]

    def file_of(self, kind: str, name: str) -> str | None:
        """The YAML file that a semantic model or a metric is defined in, relative to the project.

        Args:
            kind: `semantic_models` or `metrics`.
        """
        path = self.node(kind, name).get("original_file_path")
        return path if isinstance(path, str) else None

    def node(self, kind: str, name: str) -> Mapping[str, Any]:
        """What `manifest.json` says of a semantic model or a metric; nothing where it does not know it."""
        return self._by_name.get((kind, name), {})

    @cached_property
    def _by_name(self) -> Mapping[tuple[str, str], Mapping[str, Any]]:
        kinds = {kind: self.manifest.get(kind) or {} for kind in ("semantic_models", "metrics")}
        return {(kind, node["name"]): node for kind, nodes in kinds.items() for node in nodes.values()}


def version_of(folder: Path) -> tuple[int, ...]:
    """Changes when one of the files is written anew.

    Raises:
        ConfigurationError: one is not there; the message has the command that writes it.
    """
    stats = [_existing(folder, name).stat() for name in (SEMANTIC_MANIFEST, MANIFEST)]
    return tuple(number for stat in stats for number in (stat.st_mtime_ns, stat.st_size))


def read_artifacts(folder: Path) -> Artifacts:
    """Both files of a target folder.

    Raises:
        ConfigurationError: one is not there, or is not JSON.
    """
    semantic, manifest = (_existing(folder, name) for name in (SEMANTIC_MANIFEST, MANIFEST))
    content = _json(manifest, manifest.read_text(encoding="utf-8"))
    text = semantic.read_text(encoding="utf-8")
    _json(semantic, text)
    return Artifacts(text, content, semantic)


def _existing(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise ConfigurationError(
            f"dbt has not written {path} yet: run `dbt parse` in the project, "
            "or give the folder that it writes to as `manifest`"
        )
    return path


def _json(path: Path, text: str) -> Mapping[str, Any]:
    try:
        content = json.loads(text)
    except ValueError as exc:
        raise ConfigurationError(f"{path} is not JSON ({exc}); run `dbt parse` again") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path} is not an object; run `dbt parse` again")
    return content
