"""Resource, file and environment in one mapping, as `openlineage.yml` would hold it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openlineage.client.utils import deep_merge_dicts

from phlo_hooks.capabilities.openlineage.transports.config_file import from_file
from phlo_hooks.capabilities.openlineage.transports.environment import (
    bearer,
    by_url,
    disabled,
    from_environment,
)
from phlo_hooks.capabilities.openlineage.transports.settings import TransportSettings
from phlo_hooks.errors import ConfigurationError

_HTTP = ("http", "async_http")


def resolved(settings: TransportSettings, environ: Mapping[str, str]) -> dict[str, Any]:
    """All that the client has to know. The resource wins over the file, the file over the environment.

    Raises:
        ConfigurationError: there is no transport, or it contradicts itself.
    """
    if disabled(environ):
        return {"transport": {"type": "noop"}}
    config = deep_merge_dicts(from_environment(environ), from_file(settings.config_file, environ))
    return {**config, "transport": _transport(settings, config.get("transport"), environ)}


def explicit(settings: TransportSettings) -> dict[str, Any]:
    """The `transport=` of a resource, with its other fields.

    Raises:
        ConfigurationError: it has no type, or they do not go together.
    """
    return _with_fields(_explicit(settings, {}) or {}, settings)


def _transport(settings: TransportSettings, configured: Any, environ: Mapping[str, str]) -> dict[str, Any]:
    if settings.url is not None and settings.transport is not None:
        raise ConfigurationError("url= and transport= are both set: leave one of them out")
    chosen = _explicit(settings, environ) or _configured(configured) or by_url(environ)
    if chosen is None:
        raise ConfigurationError(
            "no OpenLineage transport is configured: set url=…, transport={'type': …}, "
            "an openlineage.yml, or OPENLINEAGE_URL"
        )
    return _with_fields(chosen, settings)


def _explicit(settings: TransportSettings, environ: Mapping[str, str]) -> dict[str, Any] | None:
    if settings.transport is not None:
        if not settings.transport.get("type"):
            raise ConfigurationError("transport= has no type: use transport={'type': 'http', 'url': …}")
        return _mapping(settings.transport)
    if settings.url is None:
        return None
    if not settings.url.strip():
        raise ConfigurationError("url= is empty: set it, or leave it out")
    # The key in the environment belongs to the url in the environment, and goes nowhere else.
    same = settings.url.strip() == environ.get("OPENLINEAGE_URL", "").strip()
    return (by_url(environ) if same else None) or {"type": "http", "url": settings.url}


def _configured(transport: Any) -> dict[str, Any] | None:
    if transport and not isinstance(transport, dict):
        raise ConfigurationError("transport in openlineage.yml, or OPENLINEAGE__TRANSPORT, is no mapping")
    return _mapping(transport) if transport and transport.get("type") else None


def _with_fields(transport: dict[str, Any], settings: TransportSettings) -> dict[str, Any]:
    fields: dict[str, Any] = {
        **({"endpoint": settings.endpoint} if settings.endpoint else {}),
        **({"auth": bearer(settings.api_key)} if settings.api_key else {}),
    }
    if fields and transport["type"] not in _HTTP:
        raise ConfigurationError(
            f"endpoint= and api_key= are for HTTP, the transport is {transport['type']!r}: leave them out"
        )
    return {**transport, **fields}


def _mapping(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copied(item) for key, item in value.items()}


def _copied(value: Any) -> Any:
    """As dicts and lists of our own: the client takes keys out of what it is given."""
    if isinstance(value, Mapping):
        return _mapping(value)
    return [_copied(item) for item in value] if isinstance(value, (list, tuple)) else value
