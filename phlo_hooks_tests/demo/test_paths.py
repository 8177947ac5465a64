"""Where the demo keeps its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from phlo_hooks.demo.paths import DEFAULT_HOME, HOME_VARIABLE, DemoHome


def test_the_variable_names_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It wins over the current directory."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "elsewhere"))
    assert DemoHome.from_env().root == tmp_path / "elsewhere"


@pytest.mark.parametrize("value", [None, ""], ids=["unset", "empty"])
def test_by_default_it_lies_in_the_current_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str | None
) -> None:
    """And it stays there when something changes the directory later, as dbt does."""
    if value is not None:
        monkeypatch.setenv(HOME_VARIABLE, value)
    monkeypatch.chdir(tmp_path)
    home = DemoHome.from_env()
    monkeypatch.chdir("/")
    assert home.warehouse == tmp_path / DEFAULT_HOME / "warehouse.duckdb"


def test_nothing_is_created(tmp_path: Path) -> None:
    """To know the places is not to use them."""
    home = DemoHome(tmp_path / "home")
    assert {home.warehouse, home.published, home.pipelines, home.dbt}
    assert not home.root.exists()
