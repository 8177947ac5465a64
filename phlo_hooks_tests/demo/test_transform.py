"""When the dbt project is parsed anew."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from phlo_hooks.demo.transform import PROJECT_FOLDER, fingerprint


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project that may be changed."""
    return Path(shutil.copytree(PROJECT_FOLDER, tmp_path / "project"))


@pytest.mark.parametrize(
    "file",
    [
        "dbt_project.yml",
        "profiles.yml",
        "macros/generate_schema_name.sql",
        "models/marts/carrier_delays.sql",
        "models/marts/semantic_models.yml",
        "models/staging/schema.yml",
    ],
)
def test_an_edit_is_noticed(project: Path, file: str) -> None:
    """In every kind of file that dbt reads."""
    before = fingerprint(project)
    with (project / file).open("a") as opened:
        opened.write("\n")
    assert fingerprint(project) != before


def test_what_dbt_leaves_behind_is_no_edit(project: Path) -> None:
    """Who runs dbt by hand finds `target` here; in it, folders are named like files."""
    before = fingerprint(project)
    compiled = project / "target" / "compiled" / "models" / "marts" / "schema.yml"
    compiled.mkdir(parents=True)
    (compiled / "not_null.sql").write_text("select 1")
    assert fingerprint(project) == before
