"""Which operations the principal may do: all, until a test takes one away."""

from __future__ import annotations

from dataclasses import dataclass, field

from .errors import forbidden

_BY_PATH = {
    "description": "EditDescription",
    "displayName": "EditDisplayName",
    "tags": "EditTags",
    "owners": "EditOwners",
    "extension": "EditCustomFields",
    "domains": "EditDomains",
}


@dataclass(frozen=True)
class Principal:
    """Who sends the requests; a bot does not overwrite what people wrote."""

    name: str
    bot: bool


@dataclass
class Permissions:
    """What is denied: an operation on every kind, or on one."""

    _denied: set[tuple[str, str | None]] = field(default_factory=set)

    def deny(self, operation: str, kind: str | None = None) -> None:
        self._denied.add((operation, kind))

    def allow(self, operation: str, kind: str | None = None) -> None:
        self._denied.discard((operation, kind))

    def check(self, principal: Principal, operation: str, kind: str) -> None:
        if {(operation, None), (operation, kind)} & self._denied:
            raise forbidden(principal.name, operation)


def of_patch(paths: list[str]) -> list[str]:
    """The operations that a patch of these paths needs."""
    needed = [_BY_PATH.get(_field(path), "EditAll") for path in paths]
    return list(dict.fromkeys(needed))


def _field(path: str) -> str:
    """Of `/tags/0`, and of `/columns/3/tags/-`: tags."""
    words = [part for part in path.split("/") if part and not part.isdecimal() and part != "-"]
    found = [word for word in words if word in _BY_PATH]
    return found[0] if found else words[0] if words else ""
