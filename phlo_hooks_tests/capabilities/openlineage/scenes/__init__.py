"""Projects that a lineage producer must tell the truth about. Each function builds its definitions anew.

None is on the bus yet: wrap them in `with_hooks`. Each runs as its implicit asset job, in this process and without
a value going from asset to asset, unless its docstring says otherwise.
"""

from __future__ import annotations

from phlo_hooks_tests.capabilities.openlineage.scenes.checks import (
    a_standalone_check,
    crashing_check,
    several_checks,
)
from phlo_hooks_tests.capabilities.openlineage.scenes.columns import wide_schema
from phlo_hooks_tests.capabilities.openlineage.scenes.graphs import (
    external_deps,
    multi_asset,
    optional_output,
    retried,
    still_running,
    ten_assets,
)
from phlo_hooks_tests.capabilities.openlineage.scenes.partitions import (
    dynamic,
    mapped,
    multi,
    range_in_one_run,
    static,
    time_partitioned,
)
from phlo_hooks_tests.capabilities.openlineage.scenes.runless import (
    observable_source,
    observed_in_a_step,
    op_job,
    runless,
)
from phlo_hooks_tests.capabilities.openlineage.scenes.secrets import secrets

__all__ = [
    "a_standalone_check",
    "crashing_check",
    "dynamic",
    "external_deps",
    "mapped",
    "multi",
    "multi_asset",
    "observable_source",
    "observed_in_a_step",
    "op_job",
    "optional_output",
    "range_in_one_run",
    "retried",
    "runless",
    "secrets",
    "several_checks",
    "static",
    "still_running",
    "ten_assets",
    "time_partitioned",
    "wide_schema",
]
