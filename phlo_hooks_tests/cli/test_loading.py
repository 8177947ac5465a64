"""How a command finds the definitions it is about: files, modules and workspaces, as Dagster reads them."""

from __future__ import annotations

import sys
from pathlib import Path

import dagster as dg
import pytest

from phlo_hooks.cli.loading import load_locations, open_instance
from phlo_hooks.errors import ConfigurationError

HOOKED = """
import dagster as dg
from phlo_hooks import with_hooks

@dg.asset(name={name!r})
def made() -> None: ...

{target}
"""
OBJECT = "defs = with_hooks(dg.Definitions(assets=[made]), plugins=False)"
FUNCTION = """
@dg.definitions
def defs() -> dg.Definitions:
    return with_hooks(dg.Definitions(assets=[made]), plugins=False)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two files of definitions; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("sales_defs", "finance_defs", "lazy_defs"):
        monkeypatch.delitem(sys.modules, name, raising=False)
        target = FUNCTION if name == "lazy_defs" else OBJECT
        text = HOOKED.format(name=name.removesuffix("_defs"), target=target)
        (tmp_path / f"{name}.py").write_text(text)
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "nested_defs.py").write_text(HOOKED.format(name="nested", target=OBJECT))
    return tmp_path


def found(**names: str | None) -> list[tuple[str, list[str]]]:
    """The locations, each with its assets."""
    options = {"module": None, "file": None, "workspace": None, **names}
    locations = load_locations(**options)
    return [(each.name, sorted(each.runtime.catalog.assets)) for each in locations]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param({"module": "sales_defs"}, ("sales_defs", ["sales"]), id="module"),
        pytest.param({"file": "sales_defs.py"}, ("sales_defs.py", ["sales"]), id="file"),
        pytest.param({"file": "code/nested_defs.py"}, ("nested_defs.py", ["nested"]), id="file elsewhere"),
        pytest.param({"file": "lazy_defs.py"}, ("lazy_defs.py", ["lazy"]), id="function"),
    ],
)
def test_one_location(names: dict[str, str], expected: tuple[str, list[str]]) -> None:
    """Under the name that `dagster dev` gives it for the same option."""
    assert found(**names) == [expected]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param("python_file: sales_defs.py", ("sales_defs.py", ["sales"]), id="file"),
        pytest.param(
            "python_file: {relative_path: code/nested_defs.py}", ("nested_defs.py", ["nested"]), id="path"
        ),
        pytest.param(
            "python_file: {relative_path: sales_defs.py, location_name: sales}",
            ("sales", ["sales"]),
            id="name",
        ),
        pytest.param("python_module: sales_defs", ("sales_defs", ["sales"]), id="module"),
        pytest.param(
            "python_module: {module_name: nested_defs, working_directory: code}",
            ("nested_defs", ["nested"]),
            id="module elsewhere",
        ),
        pytest.param(
            "python_module: {module_name: sales_defs, location_name: sales}",
            ("sales", ["sales"]),
            id="renamed",
        ),
    ],
)
def test_the_entries_of_a_workspace(
    folder: Path, monkeypatch: pytest.MonkeyPatch, entry: str, expected: tuple[str, list[str]]
) -> None:
    """Paths are relative to the workspace's folder, not to this one."""
    monkeypatch.delitem(sys.modules, "nested_defs", raising=False)
    (folder / "workspace.yaml").write_text(f"load_from:\n  - {entry}\n")
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    assert found(workspace="../workspace.yaml") == [expected]


def test_a_workspace_of_several(folder: Path) -> None:
    """All of its locations, in its order; it is found without being named."""
    entries = "load_from:\n  - python_file: sales_defs.py\n  - python_module: finance_defs\n"
    (folder / "workspace.yaml").write_text(entries)
    assert found() == [("sales_defs.py", ["sales"]), ("finance_defs", ["finance"])]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "has no list under 'load_from'", id="empty"),
        pytest.param("load_from: sales_defs.py", "has no list under 'load_from'", id="no list"),
        pytest.param("load_from: []", "has no list under 'load_from'", id="no entry"),
        pytest.param("load_from: [", "is not YAML", id="not YAML"),
        pytest.param(
            "load_from:\n  - grpc_server: {host: localhost}",
            "cannot be loaded here; use python_module",
            id="grpc",
        ),
        pytest.param(
            "load_from:\n  - sales_defs.py", "cannot be loaded here; use python_module", id="bare name"
        ),
        pytest.param(
            "load_from:\n  - python_file: {location_name: a}", "has no 'relative_path'", id="no path"
        ),
        pytest.param(
            "load_from:\n  - python_module: {location_name: a}", "has no 'module_name'", id="no module"
        ),
        pytest.param("load_from:\n  - python_file: nowhere.py", "nowhere.py' is not there", id="no file"),
    ],
)
def test_a_workspace_that_cannot_be_used(folder: Path, text: str, message: str) -> None:
    """It is named, with what is wrong in it."""
    (folder / "workspace.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        found(workspace="workspace.yaml")


def test_definitions_that_break(folder: Path) -> None:
    """An error in them is the user's own, and comes out as it is."""
    (folder / "breaks.py").write_text("1 / 0")
    with pytest.raises(ZeroDivisionError):
        found(file="breaks.py")


def test_a_module_that_misses_another_one(folder: Path) -> None:
    """The one that is missing is named."""
    (folder / "needs.py").write_text("import not_installed_anywhere")
    with pytest.raises(ConfigurationError, match=r"'needs' cannot be imported.*not_installed_anywhere"):
        found(module="needs")


def test_the_instance_of_dagster_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that the deployment uses."""
    home = folder / "home"
    home.mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    with open_instance() as instance:
        assert isinstance(instance, dg.DagsterInstance)
        assert Path(instance.root_directory) == home


@pytest.mark.parametrize(
    "home", [None, "", "relative", "/nowhere/at/all"], ids=["unset", "empty", "relative", "not there"]
)
def test_no_instance(monkeypatch: pytest.MonkeyPatch, home: str | None) -> None:
    """Never a temporary one: nothing would ever be found in it."""
    if home is not None:
        monkeypatch.setenv("DAGSTER_HOME", home)
    with pytest.raises(ConfigurationError, match="Set DAGSTER_HOME to the folder that your deployment uses"):
        open_instance()
