"""The demo is built once for each session, for real; a test that changes it works on a copy."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from phlo_hooks.demo.lakehouse import build_definitions
from phlo_hooks.demo.paths import HOME_VARIABLE, DemoHome
from phlo_hooks.demo.run import DemoRun, run_demo
from phlo_hooks.demo.transform import PROJECT_FOLDER


@dataclass(frozen=True)
class BuiltDemo:
    """The demo after one run of everything, with January and February published."""

    home: DemoHome
    instance: dg.DagsterInstance
    runs: list[DemoRun]
    progress: list[DemoRun]
    project_files_before: set[Path]


def project_files() -> set[Path]:
    """Every file in the packaged dbt project."""
    return {path for path in PROJECT_FOLDER.rglob("*") if path.is_file()}


@pytest.fixture(autouse=True)
def no_outer_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own environment does not decide a test."""
    monkeypatch.delenv(HOME_VARIABLE, raising=False)
    monkeypatch.delenv("PHLO_HOOKS_DEMO_BREAK", raising=False)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BuiltDemo]:
    """The whole demo, run once. Read it, do not change it."""
    home = DemoHome(tmp_path_factory.mktemp("demo") / "home")
    before, progress = project_files(), list[DemoRun]()
    with dg.instance_for_test() as instance:
        months = ["2013-01", "2013-02"]
        runs = run_demo(instance, build_definitions(home=home), months=months, on_progress=progress.append)
        yield BuiltDemo(home, instance, runs, progress, before)


@pytest.fixture
def copied_home(built: BuiltDemo, tmp_path: Path) -> DemoHome:
    """A home that holds the whole demo, and may be changed."""
    return DemoHome(shutil.copytree(built.home.root, tmp_path / "home"))


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance in memory."""
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral
