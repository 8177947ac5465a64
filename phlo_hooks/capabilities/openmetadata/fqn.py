"""Fully qualified names, as OpenMetadata writes them: `service.database.schema.table`.

Source: the grammar `Fqn.g4` of OpenMetadata. A part that holds a dot or a quote stands in double quotes, a
quote within it is doubled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from phlo_hooks.errors import ConfigurationError

_NEEDS_QUOTES = re.compile(r'[."]')
_PART = re.compile(r'\.(?:"(?P<quoted>(?:[^"]|"")+)"|(?P<plain>[^."]+))(?=\.|$)')


def quoted(name: str) -> str:
    """One part of a name."""
    if not _NEEDS_QUOTES.search(name):
        return name
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def joined(*names: str) -> str:
    """The name that these parts make, each unquoted."""
    return ".".join(map(quoted, names))


def parts(fqn: str) -> tuple[str, ...]:
    """The parts of a name, unquoted.

    Raises:
        ConfigurationError: it cannot be read: an empty part, or quotes that do not end.
    """
    return tuple(_parts(fqn))


def _parts(fqn: str) -> Iterator[str]:
    rest = f".{fqn}"
    while rest:
        match = _PART.match(rest)
        if match is None:
            raise ConfigurationError(
                f"{fqn!r} is no name of OpenMetadata: write service.database.schema.table, and a part that "
                'holds a dot in double quotes, as in service."my.db".schema.table'
            )
        found = match["quoted"]
        yield match["plain"] if found is None else found.replace('""', '"')
        rest = rest[match.end() :]


# Service, database, schema and table.
_TABLE_PARTS = 4
_LONGEST = 256


def table_name(fqn: str) -> str:
    """A table's name, with quotes only where they are needed.

    Raises:
        ConfigurationError: it is no name, has not four parts, or one that the server refuses.
    """
    found = parts(fqn)
    if len(found) != _TABLE_PARTS:
        raise ConfigurationError(
            f"{fqn!r} has {len(found)} parts: a table's name has four, service.database.schema.table"
        )
    return joined_table(*found)


def joined_table(*names: str) -> str:
    """The name that a service, a database, a schema and a table make, each unquoted.

    Raises:
        ConfigurationError: the server refuses one of them.
    """
    for name in names:
        if not is_name(name):
            raise ConfigurationError(
                f"{name!r} is no name to OpenMetadata: it takes 1 to {_LONGEST} characters, without :: and "
                "quotation marks"
            )
    return joined(*names)


def is_name(name: str) -> bool:
    """Whether the server takes it for the name of anything."""
    return 0 < len(name) <= _LONGEST and "::" not in name and '"' not in name
