"""Find the definitions that a command is about, as Dagster's own commands do."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from phlo_hooks.errors import ConfigurationError
from phlo_hooks.producers.runtime import Runtime
from phlo_hooks.producers.step_hook import RESOURCE_KEY
from phlo_hooks.resources import BoundHooks


@dataclass(frozen=True)
class Location:
    """A code location: its name, as Dagster gives it, and what its definitions brought onto the bus."""

    name: str
    runtime: Runtime


def load_locations(module: str | None, file: str | None, workspace: str | None) -> list[Location]:
    """The code locations named on the command line; without one, those of `workspace.yaml` in this folder.

    Raises:
        ConfigurationError: there is none, or one of them is not on the bus.
    """
    if sum(given is not None for given in (module, file, workspace)) > 1:
        raise ConfigurationError("give one of -m, -f and -w, not several")
    if module:
        return [_location(module, _import_module(module))]
    if file:
        return [_location(Path(file).name, _import_file(Path(file)))]
    path = Path(workspace or "workspace.yaml")
    if not path.is_file():
        raise ConfigurationError(
            f"{path} is not there: name your definitions with -m MODULE, -f FILE or -w WORKSPACE"
        )
    return [_from_workspace(entry, path) for entry in _entries(path)]


def named(locations: list[Location], name: str | None) -> list[Location]:
    """The same code locations, under the name that the deployment gave them, where it gave one."""
    return [Location(name, each.runtime) for each in locations] if name else locations


def open_instance() -> dg.DagsterInstance:
    """The Dagster instance of `DAGSTER_HOME`.

    Raises:
        ConfigurationError: it is not set, or not a folder.
    """
    try:
        return dg.DagsterInstance.get()
    except Exception as exc:
        raise ConfigurationError(
            f"no Dagster instance: {exc} Set DAGSTER_HOME to the folder that your deployment uses"
        ) from exc


def _entries(path: Path) -> list[Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as exc:
        raise ConfigurationError(f"{path} is not YAML: {exc}") from exc
    entries = content.get("load_from") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries:
        raise ConfigurationError(f"{path} has no list under 'load_from'")
    return entries


def _from_workspace(entry: Any, path: Path) -> Location:
    for kind, name, load in (
        ("python_module", "module_name", _module_entry),
        ("python_file", "relative_path", _file_entry),
    ):
        if isinstance(entry, dict) and kind in entry:
            options = entry[kind] if isinstance(entry[kind], dict) else {name: entry[kind]}
            if not isinstance(options.get(name), str):
                raise ConfigurationError(f"{path}: {entry!r} has no {name!r}")
            return load(options, path.parent)
    raise ConfigurationError(
        f"{path}: {entry!r} cannot be loaded here; use python_module or python_file, or -m MODULE"
    )


def _module_entry(options: dict[str, Any], folder: Path) -> Location:
    sys.path.insert(0, str(folder / options.get("working_directory", ".")))
    name = options["module_name"]
    return _location(options.get("location_name") or name, _import_module(name))


def _file_entry(options: dict[str, Any], folder: Path) -> Location:
    path = folder / options["relative_path"]
    return _location(options.get("location_name") or path.name, _import_file(path))


def _import_module(name: str) -> Any:
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as exc:
        raise ConfigurationError(f"module {name!r} cannot be imported: {exc}") from exc


def _import_file(path: Path) -> Any:
    if not path.is_file():
        raise ConfigurationError(f"file {str(path)!r} is not there")
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"file {str(path)!r} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _location(name: str, module: Any) -> Location:
    definitions = _definitions(name, module)
    bound = (definitions.resources or {}).get(RESOURCE_KEY)
    if not isinstance(bound, BoundHooks):
        raise ConfigurationError(
            f"{name}: these definitions are not on the Hook Bus; wrap them: defs = with_hooks(defs)"
        )
    return Location(name, bound.runtime)


def _definitions(name: str, module: Any) -> dg.Definitions:
    found = [value for value in vars(module).values() if isinstance(value, dg.Definitions)]
    if not found and callable(getattr(module, "defs", None)):
        found = [module.defs()]
    if len(found) != 1:
        raise ConfigurationError(
            f"{name} has {len(found)} Definitions objects at its top level; it must have exactly one"
        )
    return found[0]
