"""The SQL of a model: where dbt left it, onto its output, and back out of its metadata."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from phlo_hooks.producers import dbt_sql
from phlo_hooks.producers.dbt_sql import MOST, SQL_KEY, sql_of, with_compiled_sql

RUN = "8e3e6cb1-0000-0000-0000-000000000000"
FILE = Path("compiled", "shop", "models", "orders.sql")
NODES = {
    "model.shop.orders": {"resource_type": "model"},
    "model.shop.scored": {"resource_type": "model", "language": "python"},
    "seed.shop.countries": {"resource_type": "seed"},
    "snapshot.shop.history": {"resource_type": "snapshot"},
}
SQL = "select '```' as fence\n\n"


class Invocation:
    """As a function beneath `@dbt_assets` holds one."""

    __module__ = "dagster_dbt.core.dbt_cli_invocation"

    def __init__(self, target_path: Path) -> None:
        self.target_path = target_path

    def get_artifact(self) -> None: ...


class Project:
    """As a spec has it."""

    __module__ = "dagster_dbt.dbt_project"

    def __init__(self, folder: Path) -> None:
        self.project_dir = folder


def spec_metadata(folder: Path | None = None) -> dict[str, Any]:
    """What dagster-dbt puts on a spec."""
    where = {"package_name": "shop", "original_file_path": "models\\orders.sql"}
    nodes = {unique_id: {**where, **node} for unique_id, node in NODES.items()}
    manifest = {"dagster_dbt/manifest": SimpleNamespace(manifest={"nodes": nodes})}
    return manifest if folder is None else {**manifest, "dagster_dbt/project": Project(folder)}


def write(folder: Path, sql: str = SQL, age: float = 0) -> None:
    """As dbt leaves it."""
    file = folder / FILE
    file.parent.mkdir(parents=True)
    file.write_text(sql, encoding="utf-8")
    os.utime(file, (file.stat().st_atime, file.stat().st_mtime - age))


def output(unique_id: str = "model.shop.orders") -> dg.Output[None]:
    """As dagster-dbt yields it."""
    return dg.Output(None, "orders", metadata={"unique_id": unique_id, "rows": 1})


def built(folder: Path) -> Iterator[Any]:
    """The usual one."""
    build = Invocation(folder)
    yield output()
    assert build


def told(outputs: Any, metadata: dict[str, Any], clean: Callable[[str], str] = str) -> str | None:
    """The SQL of the only output."""
    (found,) = with_compiled_sql(outputs, metadata, RUN, clean)
    assert found.metadata["rows"].value == 1
    return sql_of(found.metadata)


def test_of_the_invocation_in_hand(tmp_path: Path) -> None:
    """Wherever its target folder is; read back to the letter."""
    write(tmp_path / "anywhere")
    assert told(built(tmp_path / "anywhere"), spec_metadata()) == SQL


def test_of_the_newest_folder_of_the_run(tmp_path: Path) -> None:
    """Where nobody holds the invocation: a run may have several, and there are those of other runs."""
    for name, age in (("shop-8e3e6cb-1234567", 9.0), ("shop-8e3e6cb-7654321", 0.0), ("shop-1111111-1", -9.0)):
        write(tmp_path / "target" / name, f"select '{name}'", age)
    assert told([output()], spec_metadata(tmp_path)) == "select 'shop-8e3e6cb-7654321'"


def test_another_target_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DBT_TARGET_PATH moves them."""
    monkeypatch.setenv("DBT_TARGET_PATH", "built")
    write(tmp_path / "built" / "shop-8e3e6cb-1234567")
    assert told([output()], spec_metadata(tmp_path)) == SQL


@pytest.mark.parametrize(
    "unique_id",
    ["model.shop.scored", "seed.shop.countries", "snapshot.shop.history", "model.shop.unknown", "raw orders"],
)
def test_what_is_no_sql_model(tmp_path: Path, unique_id: str) -> None:
    """It has no SQL, though there is a file of its name."""
    write(tmp_path / "target" / "shop-8e3e6cb-1")
    assert told([output(unique_id)], spec_metadata(tmp_path)) is None


def test_nothing_there(tmp_path: Path) -> None:
    """dbt has not written any, or nobody knows where."""
    assert told([output()], spec_metadata(tmp_path)) is None
    assert told([output()], spec_metadata()) is None
    assert told([output()], {}) is None


def test_what_is_no_output() -> None:
    """Passed on as it is."""
    result = dg.AssetCheckResult(passed=True, asset_key="orders", check_name="unique")
    assert list(with_compiled_sql([result], spec_metadata(), RUN, str)) == [result]


def test_what_cannot_be_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The step goes on, and the log says why."""
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).write_bytes(b"select '\xff'")
    assert told(built(tmp_path), spec_metadata()) is None
    assert "output orders: its compiled SQL could not be read" in caplog.text


def test_a_long_statement(tmp_path: Path) -> None:
    """Cut where a character ends, and says so."""
    write(tmp_path, "é" * MOST)
    found = told(built(tmp_path), spec_metadata()) or ""
    assert found == "é" * (MOST // 2) + f"\n-- cut: {2 * MOST} bytes in all"


def test_no_secret_is_left_in_it(tmp_path: Path) -> None:
    """Dagster's log keeps it, too."""
    write(tmp_path, "select 'canary-7f3a9c'")
    clean = lambda text: text.replace("canary-7f3a9c", "[redacted]")  # noqa: E731
    assert told(built(tmp_path), spec_metadata(), clean) == "select '[redacted]'"


def test_it_is_markdown(tmp_path: Path) -> None:
    """So that Dagster's page shows it as code."""
    write(tmp_path, "select 1")
    (found,) = with_compiled_sql(built(tmp_path), spec_metadata(), RUN, str)
    assert found.metadata[SQL_KEY] == dg.MetadataValue.md("```sql\nselect 1\n```")
    assert dbt_sql.sql_of({}) is None
