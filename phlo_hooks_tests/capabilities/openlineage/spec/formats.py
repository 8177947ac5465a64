"""The formats that the spec names. JSON Schema alone does not check them: jsonschema's own are optional, or lax."""

from __future__ import annotations

import re
from datetime import datetime

from jsonschema import FormatChecker

# RFC 3339: with seconds, and with a zone.
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:[Zz]|([+-](?:[01]\d|2[0-3]):[0-5]\d))", re.ASCII
)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+", re.ASCII)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


def time_of(text: str) -> datetime:
    """A date-time with its zone.

    Raises:
        ValueError: it is none, or has no zone.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no RFC 3339 date-time with a zone")
    day, clock, fraction, offset = found.groups()
    return datetime.fromisoformat(f"{day}T{clock}.{(fraction or '0')[:6]:0<6}{offset or '+00:00'}")


def _is_time(value: object) -> bool:
    return not isinstance(value, str) or bool(time_of(value))


def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or _URI.fullmatch(value) is not None


def _is_uuid(value: object) -> bool:
    return not isinstance(value, str) or _UUID.fullmatch(value) is not None


FORMATS = FormatChecker(formats=())
FORMATS.checks("date-time", raises=ValueError)(_is_time)
FORMATS.checks("uri")(_is_uri)
FORMATS.checks("uuid")(_is_uuid)
