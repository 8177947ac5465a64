"""Who measures the flights: metrics of delays, cancellations and traffic on the marts."""

from __future__ import annotations

from phlo_hooks.capabilities.dbt_semantic_layer import DbtSemanticLayerResource
from phlo_hooks.demo.paths import DemoHome
from phlo_hooks.demo.transform import parsed_folder
from phlo_hooks.demo.warehouse import lock_file

# A mart is final when it is published: until then its metrics may be half built.
PUBLISHED = {
    "cancellations": ["published/cancellations"],
    "carrier_delays": ["published/carrier_delays"],
    "route_traffic": ["published/route_traffic"],
}


def build_semantics(home: DemoHome) -> DbtSemanticLayerResource:
    """Asks for each metric of a mart, once the mart is published."""
    return DbtSemanticLayerResource(
        manifest=str(parsed_folder(home) / "semantic_manifest.json"),
        assets=PUBLISHED,
        database=str(home.warehouse),
        lock_file=lock_file(str(home.warehouse)),
        # Nobody who tries the demo wants to wait for more to come.
        wait=0,
    )
