"""OpenLineage events as they would go over the wire."""

from __future__ import annotations

import json
import os
from typing import Any

from openlineage.client.client import OpenLineageConfig
from openlineage.client.serde import Serde
from openlineage.client.transport import Transport

from phlo_hooks.capabilities.openlineage.compose import AnyEvent
from phlo_hooks.capabilities.openlineage.transports.client import Client
from phlo_hooks.capabilities.openlineage.transports.config import resolved
from phlo_hooks.capabilities.openlineage.transports.settings import TransportSettings


class Documents:
    """Does to events what an `Outlet` does, except that it sends none.

    Args:
        config_file: of the resource; its transport is not looked at, and there need be none.

    Raises:
        ConfigurationError: the file cannot be read.
    """

    def __init__(self, config_file: str | None) -> None:
        settings = TransportSettings(transport={"type": "console"}, config_file=config_file)
        self._kept = _Kept()
        self._client = Client(OpenLineageConfig.from_dict(resolved(settings, os.environ)), self._kept)

    def of(self, event: AnyEvent) -> list[dict[str, Any]]:
        """The document of an event; none, where a filter of the user's keeps it back."""
        self._kept.documents.clear()
        self._client.emit(event)
        return list(self._kept.documents)


class _Kept(Transport):
    """Keeps instead of sending."""

    kind = "preview"

    def __init__(self) -> None:
        self.documents: list[dict[str, Any]] = []

    def emit(self, event: Any) -> None:
        self.documents.append(json.loads(Serde.to_json(event)))
