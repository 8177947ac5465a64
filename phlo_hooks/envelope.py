"""What all events share: the envelope, where it happened, how it is built, read and written."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from functools import cache
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails
from typing_extensions import Self

from phlo_hooks.errors import EventError, InvalidEventError, UnsupportedVersionError
from phlo_hooks.identity import derive_event_id, random_event_id
from phlo_hooks.plain import plain_json
from phlo_hooks.redaction import Redactor, redact_keys

EVENT_VERSION = "1.0"
_MAJOR, _MINOR = (int(part) for part in EVENT_VERSION.split("."))


def utc_now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(timezone.utc)


# A naive datetime is refused rather than guessed at: one instant, one meaning, in every zone.
UtcDatetime = Annotated[AwareDatetime, AfterValidator(lambda value: value.astimezone(timezone.utc))]


class HookCorrelation(BaseModel):
    """Where an event belongs: the run, the step and the asset, and the events it follows from."""

    model_config = ConfigDict(frozen=True, extra="allow")

    run_id: str | None = Field(default=None, description="Dagster run id; None outside a run")
    job_name: str | None = None
    step_key: str | None = None
    attempt: int | None = Field(default=None, description="1 for a step's first attempt")
    asset_key: str | None = Field(default=None, description="path joined with '/'")
    partition_key: str | None = None
    check_name: str | None = None
    backfill_id: str | None = None
    parent_run_id: str | None = Field(default=None, description="the run this one retries or re-executes")
    correlation_id: str | None = Field(default=None, description="one for a run and all its retries")
    causation_id: str | None = Field(default=None, description="event_id of the event that led to this one")
    trace_id: str | None = Field(default=None, description="W3C trace context, 32 hex digits")
    span_id: str | None = Field(default=None, description="W3C trace context, 16 hex digits")


# These stand on the event, as in Phlo, and in its correlation: one value, written once.
SHARED_FIELDS = ("run_id", "job_name", "asset_key", "partition_key", "check_name")


class HookEvent(BaseModel):
    """An immutable, versioned fact: one thing that happened.

    An event that names a run takes its `event_id` from its coordinates; one that names no run gets a
    random one. `event_types` of a subclass lists what it may be called; the first is the default where
    there is only one. Values under keys that look secret never get in.

    Raises:
        InvalidEventError: a field is missing, unknown or of the wrong shape.
        UnsupportedVersionError: `version` has a major number this release does not know.
    """

    model_config = ConfigDict(frozen=True, extra="allow", ser_json_inf_nan="null")

    event_types: ClassVar[tuple[str, ...]] = ()
    identity: ClassVar[tuple[str, ...]] = ()

    event_id: str = Field(default="", description="UUID of the thing; the same whoever saw it")
    event_type: str
    version: str = Field(default=EVENT_VERSION, pattern=r"^\d+\.\d+$", description="major.minor")
    timestamp: UtcDatetime = Field(default_factory=utc_now, description="when it happened, UTC")
    producer: str = Field(default="phlo-hooks", min_length=1, description="who saw it; a URI reference")
    tags: dict[str, str] = Field(default_factory=dict)
    correlation: HookCorrelation = Field(default_factory=HookCorrelation)
    truncated: tuple[str, ...] = Field(default=(), description="fields cut to keep the size limit")

    def __init__(self, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as exc:
            raise _own_error(type(self), exc) from exc

    @model_validator(mode="before")
    @classmethod
    def _prepare(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        newer = _check_version(cls, data.get("version", EVENT_VERSION))
        if not newer:
            _check_fields(cls, data)
        if len(cls.event_types) == 1:
            data = {"event_type": cls.event_types[0], **data}
        return _share(cls, {key: _clean(value) for key, value in data.items()})

    @model_validator(mode="after")
    def _identify(self) -> Self:
        if self.event_types and self.event_type not in self.event_types:
            raise ValueError(_wrong_type(type(self), self.event_type))
        if not self.event_id:
            # Past the freeze, and not in model_fields_set: `placed` must know a derived id from a given one.
            self.__dict__["event_id"] = self._own_id()
        return self

    def _own_id(self, ordinal: int = 0) -> str:
        if self.correlation.run_id is None:
            return random_event_id()
        subject = (str(getattr(self, name)) for name in self.identity)
        return derive_event_id(self.event_type, self.correlation, *subject, ordinal=ordinal)

    @property
    def run_id(self) -> str | None:
        """The Dagster run this happened in; None outside a run."""
        return self.correlation.run_id

    def placed(self, correlation: HookCorrelation, ordinal: int = 0) -> Self:
        """This event at the place where it was emitted; what it says of itself wins.

        Args:
            correlation: where it was emitted.
            ordinal: how many such events were emitted there before.
        """
        where = correlation.model_copy(update=self.correlation.model_dump(exclude_none=True))
        updates: dict[str, Any] = {"correlation": where}
        for name in SHARED_FIELDS:
            if name in type(self).model_fields and getattr(self, name) is None:
                updates[name] = getattr(where, name)
        event = self.model_copy(update=updates)
        if "event_id" not in self.model_fields_set:
            event.__dict__["event_id"] = event._own_id(ordinal)  # noqa: SLF001  # it is one of us
        return event

    def to_json(self) -> str:
        """The event as JSON, without the fields that say nothing."""
        return self.model_dump_json(exclude_none=True, exclude_defaults=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> HookEvent:
        """The event of the class that `data["event_type"]` belongs to.

        Raises:
            InvalidEventError: `data` is not an event.
            UnsupportedVersionError: its major version is unknown here.
        """
        event_type = data.get("event_type")
        if not isinstance(event_type, str):
            raise InvalidEventError(f"not an event: no 'event_type' among {sorted(data)}")
        return class_for(event_type)(**dict(data))

    @classmethod
    def from_json(cls, text: str | bytes) -> HookEvent:
        """The event that `to_json` wrote.

        Raises:
            InvalidEventError: `text` is not JSON, or not an event.
        """
        from pydantic_core import from_json

        try:
            data = from_json(text)
        except ValueError as exc:
            raise InvalidEventError(f"not an event: not JSON: {exc}") from exc
        if not isinstance(data, dict):
            raise InvalidEventError(f"not an event: a JSON {type(data).__name__}, not an object")
        return cls.from_dict(data)

    def to_cloudevent(self) -> dict[str, Any]:
        """The event as a CloudEvents 1.0 JSON object; see `phlo_hooks.cloudevents`."""
        from phlo_hooks.cloudevents import to_cloudevent

        return to_cloudevent(self)

    @classmethod
    def from_cloudevent(cls, cloudevent: Mapping[str, Any]) -> HookEvent:
        """The event in a CloudEvents 1.0 JSON object; see `phlo_hooks.cloudevents`."""
        from phlo_hooks.cloudevents import from_cloudevent

        return from_cloudevent(cloudevent)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        for event_type in cls.__dict__.get("event_types", ()):
            _CLASSES[event_type] = cls


def redacted(event: HookEvent, redactor: Redactor) -> HookEvent:
    """`event`, or one like it without the secrets that `redactor` knows."""
    text = event.to_json()
    if not redactor.found_in(text):
        return event
    # Rebuilt from JSON, since an event is frozen; it stays the same thing, so it keeps its name.
    body = json.loads(text)
    kept = {name: body[name] for name in _NEVER_SECRET if name in body}
    return HookEvent.from_dict({**redactor.value(body, _words(type(event))), **kept})


_NEVER_SECRET = (
    "event_id",
    "event_type",
    "version",
    "timestamp",
    "last_heartbeat",
    "due",
    "started_at",
    "range_start",
    "range_end",
)


@cache
def _words(cls: type[HookEvent]) -> frozenset[str]:
    """The words of an event's own schema: with a password of "status" or "success" it must stay an event."""
    return frozenset(_schema_words(cls.model_json_schema()))


def _schema_words(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for item in schema:
            yield from _schema_words(item)
    if isinstance(schema, dict):
        yield from schema.get("properties", ())
        yield from schema.get("enum", ())
        for item in schema.values():
            yield from _schema_words(item)


_CLASSES: dict[str, type[HookEvent]] = {}


def known_event_types() -> tuple[str, ...]:
    """Every event type that a class has claimed, your own subclasses included, in order."""
    import phlo_hooks.events  # noqa: F401  # the catalogue registers itself when imported

    return tuple(sorted(_CLASSES))


def class_for(event_type: str) -> type[HookEvent]:
    """The class of an event type; `ExternalEvent` for one that nobody claimed."""
    from phlo_hooks.events import ExternalEvent

    return _CLASSES.get(event_type, ExternalEvent)


def suggest(name: str, known: tuple[str, ...] | list[str]) -> str:
    """The end of an error message about a misspelt `name`."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(sorted(known))}"


def plain_value(value: Any) -> Any:
    """What JSON can say of `value`, without what looks secret in it."""
    return redact_keys(plain_json(value))


def _clean(value: Any) -> Any:
    return plain_value(value) if isinstance(value, (dict, str)) else value


def _check_version(cls: type[HookEvent], version: Any) -> bool:
    try:
        major, minor = (int(part) for part in str(version).split("."))
    except ValueError:
        raise ValueError(f"version {version!r} is not 'major.minor'") from None
    if major != _MAJOR:
        raise UnsupportedVersionError(
            f"{cls.__name__} has version {version}, this release reads {_MAJOR}.x: "
            "upgrade phlo-hooks on the side that reads"
        )
    return minor > _MINOR


def _check_fields(cls: type[HookEvent], data: dict[str, Any]) -> None:
    unknown = data.keys() - cls.model_fields.keys() - set(SHARED_FIELDS)
    for name in sorted(unknown):
        raise ValueError(f"unknown field {name!r}{suggest(name, list(cls.model_fields))}")


def _share(cls: type[HookEvent], data: dict[str, Any]) -> dict[str, Any]:
    correlation = data.get("correlation") or {}
    if isinstance(correlation, HookCorrelation):
        correlation = correlation.model_dump(exclude_none=True)
    if not isinstance(correlation, dict):
        # A ValueError, which pydantic reports with the other ones.
        raise ValueError(f"correlation is a {type(correlation).__name__}, not a HookCorrelation")  # noqa: TRY004
    where = dict(correlation)
    for name in SHARED_FIELDS:
        given, known = data.pop(name, None), where.get(name)
        if given is not None and known is not None and given != known:
            raise ValueError(f"{name} is {given!r} here and {known!r} in its correlation")
        value = known if given is None else given
        if value is not None:
            where[name] = value
            if name in cls.model_fields:
                data[name] = value
    return {**data, "correlation": where}


def _wrong_type(cls: type[HookEvent], event_type: str) -> str:
    return f"event_type {event_type!r} is not one of {cls.__name__}{suggest(event_type, cls.event_types)}"


def _own_error(cls: type[HookEvent], exc: ValidationError) -> EventError:
    errors = exc.errors(include_url=False, include_input=False)
    for error in errors:
        cause = error.get("ctx", {}).get("error")
        if isinstance(cause, UnsupportedVersionError):
            return cause
    return InvalidEventError(_explain(cls, errors))


def _explain(cls: type[HookEvent], errors: list[ErrorDetails]) -> str:
    lines = []
    for error in errors:
        where = ".".join(str(part) for part in error["loc"])
        lines.append(f"{where}: {error['msg']}" if where else error["msg"])
    return f"invalid {cls.__name__}: " + "; ".join(lines).replace("Value error, ", "")
