"""The project is parsed by dbt once for each session; a test works on a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from phlo_hooks.capabilities import DbtSemanticLayerResource
from phlo_hooks_tests.postgres import postgres_server  # noqa: F401 - a fixture

from .shop import TABLES, parse, write_project


@pytest.fixture(scope="session")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, its manifests as dbt writes them, and its DuckDB file. Read it, do not change it."""
    project = write_project(tmp_path_factory.mktemp("shop"))
    parse(project)
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        for statement in TABLES:
            connection.execute(statement)
    return project


@pytest.fixture
def project(parsed: Path, tmp_path: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(parsed, tmp_path / "shop"))


@pytest.fixture
def layer(project: Path) -> DbtSemanticLayerResource:
    """The layer of the copy, on its DuckDB file."""
    return DbtSemanticLayerResource(project_dir=str(project), database=str(project / "shop.duckdb"))
