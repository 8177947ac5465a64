"""A facet as it is sent, and facts to make one of."""

import json

from openlineage.client.serde import Serde

from phlo_hooks.capabilities.openlineage.facts import DatasetFacts, DatasetName, Symlink
from phlo_hooks.capabilities.openlineage.producer import PRODUCER
from phlo_hooks.events import HookCorrelation, QualityResultEvent

TABLE = DatasetName("postgres://db:5432", "shop.marts.orders")
ASSET = Symlink(DatasetName("dagster://shop", "marts/orders"), "DAGSTER_ASSET")


def sent(facet):
    """What a backend gets, without the two fields that all facets have; strict JSON or an error."""
    written = json.loads(json.dumps(Serde.to_dict(facet), allow_nan=False))
    assert written.pop("_producer") == PRODUCER
    assert written.pop("_schemaURL").startswith("https://")
    return written


def facts(**known):
    return DatasetFacts(**{"key": "marts/orders", "name": TABLE, "symlinks": (ASSET,)} | known)


def result(event_type="quality.result", **known):
    fields = {"asset_key": "marts/orders", "check_name": "no_orphans", "passed": True, "severity": "ERROR"}
    return QualityResultEvent(
        event_type=event_type, correlation=HookCorrelation(run_id="r"), **fields | known
    )
