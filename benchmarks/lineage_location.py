"""The code location that `lineage.py` runs, and that `phlo-hooks relay` delivers for.

Set by the benchmark: BENCH_PORT is where the backend listens, BENCH_ASSETS the length of the chain.
"""

from __future__ import annotations

import os

import dagster as dg
from runs import chain

from phlo_hooks import with_hooks
from phlo_hooks.capabilities import OpenLineageResource

backend = OpenLineageResource(url=f"http://127.0.0.1:{os.environ.get('BENCH_PORT', '9')}")
defs = with_hooks(
    dg.Definitions.merge(
        chain(int(os.environ.get("BENCH_ASSETS", "10"))), dg.Definitions(resources={"openlineage": backend})
    )
)
