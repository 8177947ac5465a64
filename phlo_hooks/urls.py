"""URLs that requests go to: whether one can, and which parts of them are secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from phlo_hooks.errors import ConfigurationError

# A piece of a path as long as this is a name that was given out, not a word.
_SECRET_PIECE = 12
_USER = re.compile(r"(?<=//)[^/?#]*@")


def check_url(url: str, *, instead: str = "headers={'Authorization': EnvVar(…)}") -> None:
    """Refuse what no request can be sent to; the message shows none of it but the scheme and the host.

    Args:
        url: absolute.
        instead: how to give what no URL should hold.

    Raises:
        ConfigurationError: what is wrong.
    """
    if not url.isascii() or re.search(r"[\x00-\x20\x7f]", url):
        raise ConfigurationError(
            "url has spaces, control or non-ASCII characters: percent-encode them (in a host: punycode)"
        )
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ConfigurationError("url has no valid host or port: use https://host[:port]/path") from None
    if parts.scheme not in ("http", "https"):
        raise ConfigurationError(f"url has the scheme {parts.scheme!r}: use https://, or http://")
    if not host:
        raise ConfigurationError("url has no host: use https://host[:port]/path")
    if "@" in parts.netloc:
        raise ConfigurationError(
            f"url has a user or password before {host!r}: send it as a header, {instead}"
        )


def origin(url: str) -> str:
    """Scheme, host and port: the part of a URL that is never a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def link(url: str) -> str | None:
    """A URL without user and password, for everybody to see; None of what cannot be read as one.

    Not with [redacted] in their place: brackets stand around an IPv6 address, and Python refuses any other.
    """
    public = _USER.sub("", url, count=1)
    try:
        urlsplit(public)
    except ValueError:
        return None
    return public


def secret_pieces(url: str) -> Iterator[str]:
    """What nobody may see of a URL: many receivers are known by their path or query alone.

    They repeat it in the page that says that they are not there.
    """
    parts = urlsplit(url)
    yield parts.query
    yield from (piece for piece in parts.path.split("/") if len(piece) >= _SECRET_PIECE)
