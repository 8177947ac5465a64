"""The SQL that dbt compiled of a model, put on the output that Dagster records of it.

dbt writes it into the target folder of its invocation, but an output does not say which that is. The function
beneath `@dbt_assets` knows: it holds the invocation. Where it does not, the folder is one that dagster-dbt
has named after the run, in the project's.
"""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from phlo_hooks.producers.dbt import manifest_of
from phlo_hooks.producers.metadata import first, text

logger = logging.getLogger("phlo_hooks.dbt")

SQL_KEY = "phlo_hooks/sql"
# An event has 256 KiB for all it says; a statement that is longer has been generated.
MOST = 64 * 1024
# Dagster's page shows Markdown in a dialog, with its line breaks.
_BEFORE, _AFTER = "```sql\n", "\n```"


def sql_of(metadata: Mapping[str, Any]) -> str | None:
    """The statement that a materialization says it was computed by."""
    said = text(first(metadata, SQL_KEY))
    return said.removeprefix(_BEFORE).removesuffix(_AFTER) if said else None


def with_compiled_sql(
    outputs: Iterable[Any], spec_metadata: Mapping[str, Any], run_id: str, clean: Callable[[str], str]
) -> Iterator[Any]:
    """What a function beneath `@dbt_assets` yields, with the SQL of each model among its metadata.

    Args:
        outputs: what it yields; its generator, where there is one.
        spec_metadata: of one of its assets.
        run_id: of the run.
        clean: leaves out what is secret: Dagster keeps it as it is.
    """
    for output in outputs:
        sql = _sql(outputs, output, spec_metadata, run_id)
        if sql is None:
            yield output
        else:
            said = dg.MetadataValue.md(f"{_BEFORE}{_cut(clean(sql))}{_AFTER}")
            yield output.with_metadata({**output.metadata, SQL_KEY: said})


def _sql(outputs: Any, output: Any, spec_metadata: Mapping[str, Any], run_id: str) -> str | None:
    if not isinstance(output, dg.Output):
        return None
    try:
        file = _compiled_file(output.metadata, manifest_of(spec_metadata))
        folders = _target_folders(outputs, spec_metadata.get("dagster_dbt/project"), run_id)
        return None if file is None else _newest(folder / file for folder in folders)
    except Exception:
        # The table is built: the step must not fail over what is said of it.
        logger.exception("output %s: its compiled SQL could not be read", output.output_name)
        return None


def _compiled_file(metadata: Mapping[str, Any], manifest: Mapping[str, Any]) -> Path | None:
    """Where dbt writes it beneath a target folder; None of what is no model, or is written in Python."""
    node = manifest.get("nodes", {}).get(text(first(metadata, "unique_id")))
    if node is None or node.get("resource_type") != "model" or node.get("language", "sql") != "sql":
        return None
    # On Windows dbt writes backslashes.
    return Path("compiled", node["package_name"], node["original_file_path"].replace("\\", "/"))


def _target_folders(outputs: Any, project: Any, run_id: str) -> Iterator[Path]:
    held = inspect.getgeneratorlocals(outputs).values() if inspect.isgenerator(outputs) else ()
    known = [each for each in (*held, project) if type(each).__module__.startswith("dagster_dbt.")]
    invocations = [each for each in known if hasattr(each, "get_artifact")]
    if invocations:
        yield from (Path(each.target_path) for each in invocations)
        return
    for folder in {Path(each.project_dir) for each in known if hasattr(each, "project_dir")}:
        yield from (folder / os.getenv("DBT_TARGET_PATH", "target")).glob(f"*-{run_id[:7]}-*")


def _newest(files: Iterable[Path]) -> str | None:
    there = [file for file in files if file.is_file()]
    return max(there, key=lambda file: file.stat().st_mtime).read_text("utf-8") if there else None


def _cut(sql: str) -> str:
    written = sql.encode()
    if len(written) <= MOST:
        return sql
    return f"{written[:MOST].decode(errors='ignore')}\n-- cut: {len(written)} bytes in all"
