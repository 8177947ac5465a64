"""Which of the assets of a failed step failed themselves, and why, where one step makes many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phlo_hooks.events import ErrorInfo
from phlo_hooks.producers.catalog import AssetFacts
from phlo_hooks.producers.dbt import dbt_error, node_of
from phlo_hooks.producers.dlt import dlt_failure, names_by_asset
from phlo_hooks.producers.failures import MAX_MESSAGE, cut, error_of, user_error
from phlo_hooks.producers.runlog import Recorded


def blame(end: Recorded, assets: Mapping[str, AssetFacts]) -> Mapping[str, ErrorInfo] | None:
    """The error of each asset that failed itself; the others were skipped on their account.

    Args:
        end: the record of the step's failure, or of its retry.
        assets: those that were planned and are not there.

    Returns:
        None where the error does not tell them apart: then all of them failed with it.
    """
    error = getattr(end.event.event_specific_data, "error", None)
    if error is None:
        return None
    dbt = _dbt(error, assets)
    return dbt if dbt is not None else _dlt(error, assets)


def is_dbt_failure(end: Recorded) -> bool:
    """Whether dbt told what went wrong. A test that crashed has a result then; an absent one was skipped."""
    error = getattr(end.event.event_specific_data, "error", None)
    return error is not None and dbt_error(_whole_message(error)) is not None


def step_error(record: Recorded) -> ErrorInfo | None:
    """The error of a failed step in the words of the tool that failed, not of what wraps it."""
    error = getattr(record.event.event_specific_data, "error", None)
    if error is None:
        return error_of(record)
    said, load = dbt_error(_whole_message(error)), dlt_failure(error)
    if said is not None:
        return ErrorInfo(message=cut(said.message, MAX_MESSAGE), error_class="DbtError")
    if load is not None:
        stack = user_error(error).stack
        return ErrorInfo(message=load.message, error_class=load.error_class, stack=stack)
    return error_of(record)


def _dbt(error: Any, assets: Mapping[str, AssetFacts]) -> Mapping[str, ErrorInfo] | None:
    nodes = {key: node_of(asset.metadata) for key, asset in assets.items()}
    planned = {key: node for key, node in nodes.items() if node is not None}
    said = dbt_error(_whole_message(error)) if planned else None
    if said is None:
        return None
    failed = said.failed_assets(planned)
    return {key: ErrorInfo(message=text, error_class="DbtError") for key, text in failed.items()}


def _dlt(error: Any, assets: Mapping[str, AssetFacts]) -> Mapping[str, ErrorInfo] | None:
    failure = dlt_failure(error)
    if failure is None:
        return None
    named = names_by_asset(next(iter(assets.values())).metadata) if assets else {}
    planned = {key: names for key, names in named.items() if key in assets}
    stack = user_error(error).stack
    info = ErrorInfo(message=failure.message, error_class=failure.error_class, stack=stack)
    return dict.fromkeys(failure.failed_assets(planned), info) if planned else None


def _whole_message(error: Any) -> str:
    messages = []
    while error is not None:
        messages.append(error.message)
        error = error.cause
    return "\n".join(messages)
