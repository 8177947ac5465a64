"""The client's environment variables, read as it reads them. Nothing is written into the environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from openlineage.client.utils import deep_merge_dicts

_PREFIX = "OPENLINEAGE__"
_TRANSPORT = f"{_PREFIX}TRANSPORT"
_CHILDREN = f"{_TRANSPORT}__TRANSPORTS"
_DEFAULT = "default_http"


def disabled(environ: Mapping[str, str]) -> bool:
    """Whether the user wants no OpenLineage events at all."""
    return environ.get("OPENLINEAGE_DISABLED", "").strip().lower() == "true"


def from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """The `OPENLINEAGE__…` variables as the mapping that `openlineage.yml` would hold."""
    config: dict[str, Any] = {}
    # Reversed, as the client does it: the variable of a whole section replaces those of its parts.
    for name in sorted((name for name in environ if name.startswith(_PREFIX)), reverse=True):
        _insert(config, name.removeprefix(_PREFIX).lower().split("__"), _value(environ[name]))
    return deep_merge_dicts(_aliases(environ), config)


def by_url(environ: Mapping[str, str]) -> dict[str, Any] | None:
    """The HTTP transport that `OPENLINEAGE_URL` stands for; None where it is not set."""
    return {"type": "http", **_address(environ)} if environ.get("OPENLINEAGE_URL") else None


def _insert(config: dict[str, Any], path: list[str], value: Any) -> None:
    for key in path[:-1]:
        config = config.setdefault(key, {})
    config[path[-1]] = value


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        # The client warns here where it looks like broken JSON, and shows it: it may be an API key.
        return text


def _aliases(environ: Mapping[str, str]) -> dict[str, Any]:
    """What `OPENLINEAGE_URL` adds to a composite, and to an `async_http` without a url of its own.

    The client writes this into `os.environ`, the key too, where every child process inherits it.
    """
    if not environ.get("OPENLINEAGE_URL") or _children_are_named(environ):
        return {}
    transport: dict[str, Any] = {"transports": {_DEFAULT: {"type": "http", **_address(environ)}}}
    if environ.get(f"{_TRANSPORT}__TYPE") == "async_http":
        transport.update(_address(environ))
    return {"transport": transport}


def _children_are_named(environ: Mapping[str, str]) -> bool:
    by_default = f"{_CHILDREN}__{_DEFAULT.upper()}"
    return any(name in (_TRANSPORT, _CHILDREN) or name.startswith(by_default) for name in environ)


def _address(environ: Mapping[str, str]) -> dict[str, Any]:
    key, endpoint = environ.get("OPENLINEAGE_API_KEY"), environ.get("OPENLINEAGE_ENDPOINT")
    return {
        "url": environ["OPENLINEAGE_URL"],
        **({"auth": bearer(key)} if key else {}),
        **({"endpoint": endpoint} if endpoint else {}),
    }


def bearer(api_key: str) -> dict[str, str]:
    """An API key as under `auth:` in `openlineage.yml`."""
    return {"type": "api_key", "apiKey": api_key}
