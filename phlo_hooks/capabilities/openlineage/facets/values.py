"""What a user's metadata says, in the few types that a facet takes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from phlo_hooks.plain import plain_json

# What the databases of lineage backends keep as a whole number.
_LARGEST = 2**63 - 1
# A facet is no place for a table of failed rows.
_LONGEST = 2_000


def first(metadata: Mapping[str, Any], *keys: str) -> Any:
    """The value of the first of `keys` that has one."""
    return next((metadata[key] for key in keys if metadata.get(key) is not None), None)


def count(value: Any) -> int | None:
    """A whole number that can be a count; None of anything else."""
    found = number(value)
    if found is None or found != int(found) or not 0 <= found <= _LARGEST:
        return None
    return int(value)


def number(value: Any) -> float | int | None:
    """A finite number; None of anything else, text that looks like one too."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:
        return None


def text(value: Any) -> str | None:
    """Any value as a line of text, JSON of what is no text; None of None."""
    plain = plain_json(value)
    if plain is None:
        return None
    written = plain if isinstance(plain, str) else _json(plain)
    return written if len(written) <= _LONGEST else f"{written[: _LONGEST - 1]}…"


def words(value: Any) -> str | None:
    """Text that says something; None of anything else."""
    return plain_json(value) if isinstance(value, str) and value.strip() else None


def _json(plain: Any) -> str:
    try:
        return json.dumps(plain, ensure_ascii=False)
    except ValueError:
        # Python writes no more than 4,300 digits of a whole number.
        return "a number too large to write"


def owner_urn(owner: str) -> str:
    """An owner as the specification writes it: team:data as it is; an email address is a user's."""
    return owner if ":" in owner else f"user:{owner}"
