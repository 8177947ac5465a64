"""The name of a table, as a warehouse writes it, in its parts."""

from __future__ import annotations

import re

# "a ""b""", `a`, [a], or what stands between two dots.
_PART = re.compile(
    r'\s*(?:"(?P<double>(?:[^"]|"")*)"|`(?P<back>(?:[^`]|``)*)`|\[(?P<square>(?:[^\]]|\]\])*)\]'
    r'|(?P<bare>[^."`\[\]]*[^."`\[\]\s]))\s*(?:\.(?=.)|$)',
    re.DOTALL,
)
_DOUBLED = {"double": '"', "back": "`", "square": "]"}


def table_parts(name: str) -> tuple[str, ...]:
    """The parts of `name` without their quotes, the table last; none where it cannot be read.

    BigQuery quotes all parts at once: `project.dataset.table`.
    """
    parts = _parts(name)
    if len(parts) == 1 and name.strip().startswith("`"):
        return _parts(parts[0]) or parts
    return parts


def _parts(name: str) -> tuple[str, ...]:
    found: list[str] = []
    at = 0
    while at < len(name):
        part = _PART.match(name, at)
        if part is None:
            return ()
        found.append(_unquoted(part))
        at = part.end()
    return tuple(found) if all(found) else ()


def _unquoted(part: re.Match[str]) -> str:
    kind = part.lastgroup or "bare"
    quote = _DOUBLED.get(kind)
    return part[kind].replace(quote * 2, quote) if quote else part[kind]
