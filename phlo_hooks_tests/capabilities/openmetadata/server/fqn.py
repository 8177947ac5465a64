"""Fully qualified names: parts joined by dots, and a part that has a dot itself in double quotes."""

from __future__ import annotations

import re

from .errors import bad_request

LONGEST = 3072
_PART = re.compile(r'"[^"]*"|[^."]+')
_NAME = re.compile(r'^"([^"]+)"$|^([^"]*)$', re.DOTALL)


def quote(name: str) -> str:
    """The name as a part; a quotation mark within it is refused, as the server's own quoteName does."""
    match = _NAME.match(name)
    if match is None:
        raise bad_request(f"Invalid name {name}")
    plain = match.group(1) or match.group(2)
    return f'"{plain}"' if "." in plain else plain


def build(*names: str) -> str:
    return ".".join(quote(name) for name in names)


def add(parent: str, name: str) -> str:
    """The name of a child; too long a name is refused."""
    fqn = f"{parent}.{quote(name)}"
    if len(fqn) > LONGEST:
        raise bad_request(f"[fullyQualifiedName size must be between 1 and {LONGEST}]")
    return fqn


def split(fqn: str) -> list[str]:
    """The parts as they stand, quotes and all."""
    parts = _PART.findall(fqn)
    if ".".join(parts) != fqn:
        raise bad_request(f"Invalid fully qualified name {fqn}")
    return parts


def parent(fqn: str) -> str:
    return ".".join(split(fqn)[:-1])


def same(left: str, right: str) -> bool:
    """Whether both name one thing, also where one has quotes that it does not need."""
    return normal(left) == normal(right)


def normal(fqn: str) -> str:
    return build(*split(fqn))
