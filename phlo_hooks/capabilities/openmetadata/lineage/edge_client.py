"""One edge of lineage between two tables, on the server."""

from __future__ import annotations

from dataclasses import dataclass

from phlo_hooks.capabilities.openmetadata.client import Entity, OpenMetadataClient
from phlo_hooks.capabilities.openmetadata.lineage.edges import Details
from phlo_hooks.errors import PermanentError


@dataclass(frozen=True)
class EdgeClient:
    """An edge from a table to one that was computed from it.

    Args:
        client: of the server.
        upstream, table: as the server has them.
        asset_key: whose table it is, for errors.
    """

    client: OpenMetadataClient
    upstream: Entity
    table: Entity
    asset_key: str

    def read(self) -> Details | None:
        """What it says; None where there is none. By id, since by name no server before 2.0 can."""
        found = self.client.read(f"/lineage/getLineageEdge/{self.upstream['id']}/{self.table['id']}")
        return None if found is None else found.get("edge") or {}

    def put(self, details: Details) -> None:
        """Write it: in place of all that it says.

        Raises:
            PermanentError: the server refuses it; the message names the asset.
            DeliveryError: anything else; another attempt may work.
        """
        try:
            self._send(details)
        except PermanentError:
            # An edge goes on naming a pipeline that was deleted, and is refused when it is repeated.
            if not self._names_a_deleted_pipeline(details):
                raise
            self._send({key: value for key, value in details.items() if key != "pipeline"})

    def _names_a_deleted_pipeline(self, details: Details) -> bool:
        pipeline = details.get("pipeline") or {}
        return pipeline.get("type") == "pipeline" and self.client.read(f"/pipelines/{pipeline['id']}") is None

    def _send(self, details: Details) -> None:
        edge = {
            "fromEntity": {"id": self.upstream["id"], "type": "table"},
            "toEntity": {"id": self.table["id"], "type": "table"},
            "lineageDetails": details,
        }
        self.client.write("PUT", "/lineage", {"edge": edge}, self._about)

    def delete(self) -> None:
        """Remove it."""
        path = f"/lineage/table/{self.upstream['id']}/table/{self.table['id']}"
        self.client.write("DELETE", path, None, self._about)

    @property
    def _about(self) -> str:
        ends = " to ".join(table["fullyQualifiedName"] for table in (self.upstream, self.table))
        return f"lineage {ends}, for asset {self.asset_key}"
