"""What Dagster says of a table: the definitions, and the last materialization that told its columns."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from phlo_hooks.assets import AssetInfo
from phlo_hooks.capabilities.openmetadata import fqn
from phlo_hooks.capabilities.openmetadata.known_tables import KnownTables
from phlo_hooks.capabilities.openmetadata.places import service_type
from phlo_hooks.capabilities.openmetadata.setup import Setup
from phlo_hooks.capabilities.openmetadata.tables.columns import Columns, wanted_columns
from phlo_hooks.capabilities.openmetadata.tables.tags import wanted_tags


@dataclass(frozen=True)
class WantedTable:
    """A table as Dagster has it.

    Args:
        names: of the service, the database, the schema and the table.
        owned: whether Dagster computes it. Of one that it only reads, no more is written than what nobody
            else has said.
        columns: none where nobody says them.
        tags: their fully qualified names.
    """

    asset: str
    names: tuple[str, ...]
    service_type: str
    owned: bool = True
    columns: Columns | None = None
    description: str | None = None
    source_url: str | None = None
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def fqn(self) -> str:
        """Its fully qualified name."""
        return fqn.joined(*self.names)

    @property
    def about(self) -> str:
        """For errors, and for who looks at what would be written."""
        return f"table {self.fqn}, for asset {self.asset}"


def wanted_table(setup: Setup, name: str, key: str) -> WantedTable:
    """What is known of an asset's table.

    Args:
        setup: where the definitions are, and what is remembered.
        name: of the table.
        key: of the asset.
    """
    info = setup.assets.asset(key) or AssetInfo(key)
    kind = info.storage_kind or setup.mapping.remembered(key).get("dagster/storage_kind")
    columns = KnownTables(setup.shared).columns(key) or info.columns
    page = setup.webserver_url
    return WantedTable(
        asset=key,
        names=fqn.parts(name),
        service_type=setup.service_type or service_type(kind),
        owned=info.executable,
        columns=wanted_columns(columns, info.columns) if columns else None,
        description=info.description,
        source_url=f"{page}/assets/{quote(key)}" if page else None,
        owners=info.owners,
        tags=wanted_tags(info),
    )
