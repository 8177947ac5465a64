"""Where the demo keeps its files: one folder, which may be deleted whenever nothing runs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

HOME_VARIABLE = "PHLO_HOOKS_DEMO_HOME"
DEFAULT_HOME = ".phlo_hooks_demo"


@dataclass(frozen=True)
class DemoHome:
    """The folder and what lies in it. Nothing is created until something is written there."""

    root: Path

    @classmethod
    def from_env(cls) -> DemoHome:
        """The folder that PHLO_HOOKS_DEMO_HOME names, else `.phlo_hooks_demo` in the current directory.

        It is made absolute at once, because dbt runs in a directory of its own.
        """
        return cls(Path(os.environ.get(HOME_VARIABLE) or DEFAULT_HOME).absolute())

    @property
    def warehouse(self) -> Path:
        """Raw, staging and marts. dbt takes the database's name, `warehouse`, from the file's."""
        return self.root / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """What consumers read: another database, so that a rebuild of the marts does not disturb them."""
        return self.root / "published.duckdb"

    @property
    def events(self) -> Path:
        """Every event, as a CloudEvent a line."""
        return self.root / "events.jsonl"

    @property
    def lineage(self) -> Path:
        """Every OpenLineage event, one a line."""
        return self.root / "lineage.jsonl"

    @property
    def log(self) -> Path:
        """What dlt and dbt print while `phlo-hooks demo` runs."""
        return self.root / "demo.log"

    @property
    def dagster(self) -> Path:
        """Where `phlo-hooks demo` keeps its Dagster instance."""
        return self.root / "dagster"

    @property
    def pipelines(self) -> Path:
        """dlt's working folders."""
        return self.root / "dlt"

    @property
    def dbt(self) -> Path:
        """All that dbt writes: the project itself lies in the package, which may be read-only."""
        return self.root / "dbt"
