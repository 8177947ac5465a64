"""What Dagster knows and the specification has no facet for. Schemas: `docs/schemas/openlineage/`."""

from __future__ import annotations

import attr
from openlineage.client.generated.base import DatasetFacet, RunFacet

SCHEMA_BASE = "https://raw.githubusercontent.com/phlo-hooks/phlo-hooks/main/docs/schemas/openlineage/"
FACET_VERSION = "1-0-0"

RUN_KEY = "phlo_dagsterRun"
ASSET_KEY = "phlo_dagsterAsset"


def schema_file(name: str) -> str:
    """The file, in the folder of the schemas, that describes a facet."""
    return f"{name}.{FACET_VERSION}.json"


def _schema_url(name: str) -> str:
    return f"{SCHEMA_BASE}{schema_file(name)}#/$defs/{name}"


# The names in a facet are those of OpenLineage's own: camelCase.
@attr.define
class PhloDagsterRunFacet(RunFacet):
    """The Dagster run, and the step of it, behind an OpenLineage run.

    Args:
        runId: Dagster's, which OpenLineage's is made from.
        attempt: of the step, from 1.
        launchedBy: such as `schedule:nightly`.
        status: Dagster's own word, where OpenLineage has no such state: `skipped`, `no_data`.
        url: of the run's page.
    """

    runId: str  # noqa: N815
    jobName: str | None = attr.field(default=None)  # noqa: N815
    stepKey: str | None = attr.field(default=None)  # noqa: N815
    attempt: int | None = attr.field(default=None)
    partitionKey: str | None = attr.field(default=None)  # noqa: N815
    backfillId: str | None = attr.field(default=None)  # noqa: N815
    launchedBy: str | None = attr.field(default=None)  # noqa: N815
    status: str | None = attr.field(default=None)
    url: str | None = attr.field(default=None)

    @staticmethod
    def _get_schema() -> str:
        return _schema_url("PhloDagsterRunFacet")


@attr.define
class PhloDagsterAssetFacet(DatasetFacet):
    """The Dagster asset that a dataset is.

    Args:
        assetKey: path joined with `/`.
        codeLocation: the name of the one that has it.
        inputVersions: the data version of each upstream asset, by asset key.
        truncated: what of the materialization was cut to keep it within its size, such as `column_lineage`.
        url: of the asset's page.
    """

    assetKey: str  # noqa: N815
    group: str | None = attr.field(default=None)
    kinds: list[str] | None = attr.field(default=None)
    codeLocation: str | None = attr.field(default=None)  # noqa: N815
    codeVersion: str | None = attr.field(default=None)  # noqa: N815
    inputVersions: dict[str, str] | None = attr.field(default=None)  # noqa: N815
    truncated: list[str] | None = attr.field(default=None)
    url: str | None = attr.field(default=None)

    @staticmethod
    def _get_schema() -> str:
        return _schema_url("PhloDagsterAssetFacet")


OWN_FACETS: dict[str, type[RunFacet | DatasetFacet]] = {
    RUN_KEY: PhloDagsterRunFacet,
    ASSET_KEY: PhloDagsterAssetFacet,
}
