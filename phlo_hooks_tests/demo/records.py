"""What an instance recorded of some runs, in the terms of the tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import dagster as dg
from dagster import DagsterEvent

from phlo_hooks.demo.run import DemoRun


def events_of(
    instance: dg.DagsterInstance, runs: Iterable[DemoRun], kind: dg.DagsterEventType
) -> Iterator[DagsterEvent]:
    """The events of one kind, in order."""
    for run in runs:
        for entry in instance.all_logs(run.run_id, of_type=kind):
            yield entry.get_dagster_event()


def materialized(instance: dg.DagsterInstance, runs: Iterable[DemoRun]) -> list[str]:
    """The assets that were materialized, as `raw/flights`; a partition follows after a colon."""
    events = events_of(instance, runs, dg.DagsterEventType.ASSET_MATERIALIZATION)
    return [_label(event.step_materialization_data.materialization) for event in events]


def _label(materialization: dg.AssetMaterialization) -> str:
    asset = materialization.asset_key.to_user_string()
    return f"{asset}:{materialization.partition}" if materialization.partition else asset


def evaluations(instance: dg.DagsterInstance, runs: Iterable[DemoRun]) -> list[dg.AssetCheckEvaluation]:
    """The results of the checks."""
    events = events_of(instance, runs, dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    return [event.asset_check_evaluation_data for event in events]


def failures(instance: dg.DagsterInstance, runs: Iterable[DemoRun]) -> dict[str, str]:
    """The steps that failed, each with all that Dagster recorded of its error."""
    events = events_of(instance, runs, dg.DagsterEventType.STEP_FAILURE)
    return {str(event.step_key): str(event.step_failure_data.error_display_string) for event in events}
