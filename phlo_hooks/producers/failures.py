"""The user's own error, dug out of the wrappers that Dagster puts around it."""

from __future__ import annotations

from typing import Any

from phlo_hooks.events import ErrorInfo
from phlo_hooks.producers.dagster_private import SerializableErrorInfo
from phlo_hooks.producers.runlog import Recorded, T

# The events that carry an error keep a bounded one: a traceback's head and tail tell what happened.
MAX_STACK = 16_000
MAX_MESSAGE = 8_000

_INTERRUPTED = frozenset({"DagsterExecutionInterruptedError", "KeyboardInterrupt"})
_WRAPPERS = frozenset(
    {"RetryRequestedFromPolicy", "RetryRequested", "SensorExecutionError", "ScheduleExecutionError"}
)


def error_of(record: Recorded) -> ErrorInfo | None:
    """The error that a step failure, a retry or a run failure carries."""
    data: Any = record.event.event_specific_data
    error = getattr(data, "error", None)
    if error is None:
        return ErrorInfo(message=record.event.message) if record.event.message else None
    info = user_error(error)
    failure = getattr(data, "user_failure_data", None)
    if failure is not None and failure.description:
        return info.model_copy(update={"message": cut(failure.description, MAX_MESSAGE)})
    return info


def user_error(error: SerializableErrorInfo) -> ErrorInfo:
    """The innermost error that is not a wrapper of Dagster's around its cause."""
    while error.cause is not None and _is_wrapper(error.cls_name):
        error = error.cause
    return ErrorInfo(
        message=cut(_message(error), MAX_MESSAGE),
        error_class=error.cls_name,
        stack=cut("".join(error.stack), MAX_STACK) or None,
    )


def is_interruption(record: Recorded) -> bool:
    """Whether the step failed because its run was canceled."""
    if record.type is not T.STEP_FAILURE:
        return False
    error = getattr(record.event.event_specific_data, "error", None)
    while error is not None:
        if error.cls_name in _INTERRUPTED:
            return True
        error = error.cause
    return False


def cut(text: str, limit: int) -> str:
    """`text` with its middle taken out when it is longer than `limit` characters."""
    if len(text) <= limit:
        return text
    half = (limit - 40) // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters cut …\n{text[-half:]}"


def _is_wrapper(cls_name: str | None) -> bool:
    return cls_name is not None and (cls_name.startswith("Dagster") or cls_name in _WRAPPERS)


def _message(error: SerializableErrorInfo) -> str:
    # Python writes "module.Class: text"; the class has a field of its own.
    head, separator, text = error.message.strip().partition(": ")
    is_class = separator and head.rsplit(".", 1)[-1] == error.cls_name
    return text if is_class else error.message.strip()
