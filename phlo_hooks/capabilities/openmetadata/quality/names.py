"""Names of test definitions, suites and cases: what OpenMetadata takes, whatever Dagster allows."""

from __future__ import annotations

import re
from hashlib import sha256

# Of an entity, in characters.
LONGEST = 256
_HASH = 10


def name_of(text: str) -> str:
    """A name like `text`: without `::` and quotes, and short enough; what was changed ends with a hash."""
    name = re.sub(":{2,}", ":", text.replace('"', "'"))
    if name == text and len(name) <= LONGEST:
        return name
    digest = sha256(text.encode()).hexdigest()[:_HASH]
    return f"{name[: LONGEST - _HASH - 1]}_{digest}"
