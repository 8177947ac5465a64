"""The namespace of datasets that have no place of their own: a template over what Dagster knows of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from phlo_hooks.errors import ConfigurationError

# What the specification gives whoever names none.
DEFAULT_NAMESPACE = "default"

_TAG = "tag:"
_KNOWN = "{location}, {group}, {tag:KEY}"
_TOKEN = re.compile(r"\{([^{}]*)\}")
# The two slashes after a scheme are part of it: dagster://prod.
_SLASHES = re.compile(r"(?<!:)/+|(?<=:)/{3,}")
_NO_TAGS: Mapping[str, str] = MappingProxyType({})


class NamespaceTemplate:
    """Text with `{location}`, `{group}` and `{tag:KEY}` in it.

    Args:
        text: such as `dagster://{location}/{group}`.
        field: the name of the option that it comes from, for messages.

    Raises:
        ConfigurationError: it is empty, has an unknown token, a tag without a key, or a lone brace.
    """

    def __init__(self, text: str, field: str) -> None:
        self.text = text
        _check(text, field)

    def __repr__(self) -> str:
        return f"NamespaceTemplate({self.text!r})"

    @property
    def tag_keys(self) -> frozenset[str]:
        """The keys of the tags that it asks for."""
        tokens = _TOKEN.findall(self.text)
        return frozenset(token[len(_TAG) :].strip() for token in tokens if token.startswith(_TAG))

    def resolve(self, *, location: str, group: str | None = None, tags: Mapping[str, str] = _NO_TAGS) -> str:
        """The namespace of one asset; what nobody knows of it is left out.

        Args:
            location: the code location's name.
            group: the asset's.
            tags: the asset's.
        """
        values = {"location": location, "group": group or ""}
        filled = _TOKEN.sub(_filler(values, tags), self.text)
        return _tidy(filled) or DEFAULT_NAMESPACE


def _filler(values: Mapping[str, str], tags: Mapping[str, str]) -> Callable[[re.Match[str]], str]:
    def fill(found: re.Match[str]) -> str:
        token = found[1]
        return tags.get(token[len(_TAG) :].strip(), "") if token.startswith(_TAG) else values[token]

    return fill


def _tidy(text: str) -> str:
    """Without the slashes that an empty value leaves; a scheme with nothing behind it is nothing."""
    joined = _SLASHES.sub(lambda found: "//" if text[found.start() - 1 : found.start()] == ":" else "/", text)
    return joined.strip().strip("/").removesuffix(":")


def _check(text: str, field: str) -> None:
    if not text.strip():
        raise ConfigurationError(f"{field} is empty: give a namespace, such as 'dagster://{{location}}'")
    if re.search(r"[{}]", _TOKEN.sub("", text)):
        raise ConfigurationError(f"{field} {text!r} has a brace without its other half: known are {_KNOWN}")
    for token in _TOKEN.findall(text):
        _check_token(token, text, field)


def _check_token(token: str, text: str, field: str) -> None:
    if token in ("location", "group"):
        return
    if not token.startswith(_TAG):
        raise ConfigurationError(f"{field} {text!r} has the unknown token {{{token}}}: known are {_KNOWN}")
    if not token[len(_TAG) :].strip():
        raise ConfigurationError(f"{field} {text!r} has a tag without a key: write {{tag:KEY}}")
