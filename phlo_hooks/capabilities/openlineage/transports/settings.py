"""What a resource says about its backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class TransportSettings:
    """Where to send to. What is left out comes from `openlineage.yml`, then from the environment.

    Args:
        url: of a backend that takes events over HTTP.
        endpoint: path at that url; `api/v1/lineage` by default.
        api_key: sent as a bearer token.
        transport: as under `transport:` in `openlineage.yml`; instead of `url`.
        config_file: path of an `openlineage.yml`; else `OPENLINEAGE_CONFIG`, the working directory, and
            `~/.openlineage` are searched.
        timeout: seconds that a transport waits for its backend, where its own configuration does not say it.
    """

    # A key may stand in any of the four: in a password, a path, a query, a header.
    url: str | None = field(default=None, repr=False)
    endpoint: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    transport: Mapping[str, Any] | None = field(default=None, repr=False)
    config_file: str | None = None
    timeout: float = 10.0
