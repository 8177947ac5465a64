"""Where data is, as a URL says it, without what must not be told: user, password, query and fragment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

# A scheme of one letter is a drive of Windows.
_SCHEME = re.compile(r"(?:jdbc:)?([A-Za-z][A-Za-z0-9.\-]+)(?:\+[A-Za-z0-9_.+\-]+)?:(.*)", re.DOTALL)
_JDBC_OPTIONS = re.compile(r";\w+=.*", re.DOTALL)
# Of these, what stands before the @ is a container, and no user.
_CONTAINERS = frozenset({"abfs", "abfss", "wasb", "wasbs"})


@dataclass(frozen=True)
class Place:
    """The parts of a URL that may be told.

    Args:
        scheme: in small letters, without a driver: `postgresql+psycopg2` is `postgresql`.
        authority: host and port as they were written; of several hosts, the first.
        path: with its slashes.
    """

    scheme: str
    authority: str
    host: str
    port: int | None
    path: str

    @property
    def segments(self) -> tuple[str, ...]:
        """The path's, decoded."""
        return tuple(unquote(piece) for piece in self.path.split("/") if piece)


def place(url: str) -> Place | None:
    """The place that a URL means; None of what is no URL, or could hide a password where nobody looks."""
    found = _SCHEME.fullmatch(url.strip())
    if found is None:
        return None
    scheme = found[1].lower()
    try:
        return _place(scheme, f"{scheme}:{found[2]}")
    except ValueError:
        return None


def _place(scheme: str, url: str) -> Place | None:
    # urlsplit takes a ? and # off any scheme; a password that holds one ends up in the query.
    parts = urlsplit(url)
    authority = parts.netloc
    if _may_hide_a_password(parts):
        return None
    path = _JDBC_OPTIONS.sub("", parts.path)
    if scheme not in _CONTAINERS:
        authority = authority.rpartition("@")[2].split(",")[0]
    host, port = _host_and_port(authority)
    return Place(scheme, authority, host, port, path)


def _may_hide_a_password(parts: SplitResult) -> bool:
    """In user:12/34@host, 12 looks like a port, and the rest like a path; JDBC has host;password=1234."""
    if ";" in parts.netloc:
        return True
    if ":" not in parts.netloc or "@" in parts.netloc:
        return False
    return "@" in parts.path or (not parts.path and "@" in parts.query + parts.fragment)


def _host_and_port(authority: str) -> tuple[str, int | None]:
    """Raises ValueError for a port that is no number: half a password, most likely."""
    parts = urlsplit(f"//{authority}")
    host = parts.netloc.rpartition("@")[2]
    port = parts.port
    return (host if port is None else host.rpartition(":")[0]), port
