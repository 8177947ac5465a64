"""The client, given all that it needs."""

from __future__ import annotations

from functools import cached_property

from openlineage.client import OpenLineageClient
from openlineage.client.client import OpenLineageConfig
from openlineage.client.transport import Transport

from phlo_hooks.urls import link


class Client(OpenLineageClient):
    """Filters, tags, facets and dataset trimmers as in `openlineage.yml`; it looks up nothing itself.

    Args:
        config: those sections.
        transport: to send with.
    """

    def __init__(self, config: OpenLineageConfig, transport: Transport) -> None:
        self._given = config
        super().__init__(transport=transport)

    @property
    def config(self) -> OpenLineageConfig:
        """What was given, instead of what the client would read."""
        return self._given

    def _alias_env_vars(self) -> None:
        """Nothing: the client's own writes the API key into `os.environ`, for every child process to see."""

    @cached_property
    def _source_code_location(self) -> dict[str, str | None] | None:
        """Of the working copy that the relay runs in: a CI job clones with its token in the URL."""
        found = super()._source_code_location
        return found and {**found, "url": link(found["url"] or "")}
