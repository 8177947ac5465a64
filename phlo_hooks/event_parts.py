"""The pieces that events are made of: errors, columns, severities."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from phlo_hooks.envelope import plain_value

Status = Literal["started", "success", "failure", "skipped", "canceled", "no_data"]


_T = TypeVar("_T")
# Made plain before it is checked: what cannot be written would not come back, or stop the writing.
Plain = Annotated[_T, BeforeValidator(plain_value)]


class _Part(BaseModel):
    """A piece of an event: immutable, and open to fields that a newer minor version adds."""

    model_config = ConfigDict(frozen=True, extra="allow")


class ErrorInfo(_Part):
    """The user's own error, not the framework's wrapper around it."""

    message: Plain[str]
    error_class: str | None = Field(default=None, description="such as ValueError")
    stack: Plain[str | None] = Field(default=None, description="traceback, innermost call last")

    def __str__(self) -> str:
        return f"{self.error_class}: {self.message}" if self.error_class else self.message


def _as_error(value: Any) -> Any:
    """Phlo passes an error as text."""
    return {"message": value} if isinstance(value, str) else value


Error = Annotated[ErrorInfo, BeforeValidator(_as_error)]


# The name of the measurement that an observation of an asset is.
OBSERVATION = "dagster.observation"
SEVERITIES = ("INFO", "WARN", "ERROR", "CRITICAL")


def _severity(value: Any) -> Any:
    """Dagster says WARN, others warning; a severity nobody knows is an error here, not later."""
    name = str(value).upper() if value is not None else None
    name = "WARN" if name == "WARNING" else name
    if name is not None and name not in SEVERITIES:
        raise ValueError(f"severity {value!r} is not one of {', '.join(SEVERITIES)}")
    return name


Severity = Annotated[str, BeforeValidator(_severity), Field(json_schema_extra={"enum": list(SEVERITIES)})]


class Column(_Part):
    """One column of a table, in the order in which the table has it."""

    name: str
    type: str | None = Field(default=None, description="as the warehouse writes it, such as BIGINT")
    description: str | None = None
    nullable: bool | None = None
    tags: dict[str, str] = Field(default_factory=dict)


class ColumnChange(_Part):
    """A column whose type is no longer what it was."""

    name: str
    before: str | None
    after: str | None


class ColumnEdge(_Part):
    """One column of an asset that was computed from one column of an upstream asset."""

    column: str
    upstream_asset: str
    upstream_column: str


class FailedStep(_Part):
    """A step that ended a run's chance of success."""

    step_key: str
    error: Error | None = None
