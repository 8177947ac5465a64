"""How much was written, and how much was read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openlineage.client.generated.input_statistics_input_dataset import InputStatisticsInputDatasetFacet
from openlineage.client.generated.output_statistics_output_dataset import OutputStatisticsOutputDatasetFacet

from phlo_hooks.capabilities.openlineage.facets.values import count
from phlo_hooks.capabilities.openlineage.producer import PRODUCER

INPUT_ROWS_KEY = "openlineage/input_rows"


def output_statistics(metrics: Mapping[str, Any]) -> OutputStatisticsOutputDatasetFacet | None:
    """The rows, bytes and files of an event's metrics; None where it has none of them."""
    rows, size, files = (count(metrics.get(name)) for name in ("rows", "bytes", "files"))
    if rows is size is files is None:
        return None
    return OutputStatisticsOutputDatasetFacet(rowCount=rows, size=size, fileCount=files, producer=PRODUCER)


def input_statistics(metadata: Mapping[str, Any]) -> dict[str, InputStatisticsInputDatasetFacet]:
    """The rows read of each upstream asset, by its key, where a materialization says so.

    Args:
        metadata: with `{"openlineage/input_rows": {"raw/orders": 1200}}`.
    """
    stated = metadata.get(INPUT_ROWS_KEY)
    if not isinstance(stated, Mapping):
        return {}
    counts = {str(key): count(rows) for key, rows in stated.items()}
    return {
        key: InputStatisticsInputDatasetFacet(rowCount=rows, producer=PRODUCER)
        for key, rows in counts.items()
        if rows is not None
    }
