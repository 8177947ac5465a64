"""Tables with their columns, descriptions, owners and tags."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from urllib.parse import quote

from phlo_hooks.capabilities.openmetadata.client import ConflictError, Entity
from phlo_hooks.capabilities.openmetadata.fqn import joined
from phlo_hooks.capabilities.openmetadata.notices import Notices
from phlo_hooks.capabilities.openmetadata.rounds import Rounds, write_all
from phlo_hooks.capabilities.openmetadata.setup import Setup
from phlo_hooks.capabilities.openmetadata.tables.merging import Merge
from phlo_hooks.capabilities.openmetadata.tables.owners import Owners
from phlo_hooks.capabilities.openmetadata.tables.profiles import profile_of
from phlo_hooks.capabilities.openmetadata.tables.services import ensure_schema
from phlo_hooks.capabilities.openmetadata.tables.tags import ensure_tags, label
from phlo_hooks.capabilities.openmetadata.tables.wanted import WantedTable, wanted_table
from phlo_hooks.capabilities.openmetadata.tables.written import Written, WrittenTables, written
from phlo_hooks.events import AssetEvent, DefinitionsEvent, HookEvent

_TABLES = "tables"
# Somebody who changes a table each time between our look and our write is a program.
_TRIES = 5


@dataclass(frozen=True)
class TableWriter:
    """Writes tables. What people wrote in OpenMetadata stays, and what is the same is not written again.

    Args:
        setup: where to, and what there is to write.
    """

    setup: Setup

    def handle(self, event: HookEvent) -> None:
        """Write the table that was materialized, or, when the definitions change, all of them.

        Raises:
            PermanentError: OpenMetadata refuses something; the message names the asset.
            DeliveryError: anything else; another attempt may work.
        """
        if isinstance(event, DefinitionsEvent):
            Rounds(_TABLES, self.setup.state).go(event.event_id, self.setup.assets.keys(), self.write)
        elif isinstance(event, AssetEvent) and event.asset_key and event.status in ("success", None):
            self.write(event.asset_key, event)

    def sync(self) -> None:
        """Write all tables of the definitions. One that is refused does not keep the others waiting.

        Raises:
            PermanentError: some were refused; all others are written.
            DeliveryError: OpenMetadata cannot be asked.
        """
        write_all(self.setup.assets.keys(), self.write)

    def write(self, key: str, event: AssetEvent | None = None) -> None:
        """Write one table.

        Args:
            key: of its asset.
            event: the end of a materialization, where there was one just now.
        """
        mapped = self.setup.mapped(key)
        if mapped.status == "unresolved":
            self._notices.once(f"asset {key} is no table of OpenMetadata yet: {mapped.advice}")
        if mapped.fqn is None:
            return
        wanted = wanted_table(self.setup, mapped.fqn, key)
        table = self._written(wanted, materialized=event is not None)
        if table is not None and event is not None and self.setup.profiles:
            self._profile(table, wanted, event)

    def _written(self, wanted: WantedTable, *, materialized: bool) -> Entity | None:
        """The table as it is there then; None where it is not to be there."""
        for _ in range(_TRIES):
            try:
                return self._write(wanted, materialized=materialized)
            except ConflictError as exc:
                conflict = exc
        raise conflict

    def _write(self, wanted: WantedTable, *, materialized: bool) -> Entity | None:
        table = self._find(wanted)
        if table is None:
            return self._created(wanted)
        if table.get("deleted"):
            if not (materialized and self._restored(table, wanted)):
                return None
            table = self._find(wanted) or table
        return self._updated(table, wanted)

    def _find(self, wanted: WantedTable) -> Entity | None:
        return self.setup.client.find(_TABLES, wanted.fqn, "owners", "tags", "columns", deleted=True)

    def _created(self, wanted: WantedTable) -> Entity | None:
        client = self.setup.client
        if not self.setup.create:
            self._notices.once(f"{wanted.about}, is not in OpenMetadata, and create is off")
            return None
        self._ensure_schema(wanted)
        ensure_tags(client, wanted.tags, wanted.asset)
        owners = self._owners.references(wanted.owners, wanted.asset)
        *above, name = wanted.names
        said = {
            "description": wanted.description,
            "sourceUrl": wanted.source_url,
            "owners": owners,
            "tags": [label(tag) for tag in wanted.tags],
        }
        body = {
            "name": name,
            "databaseSchema": joined(*above),
            "columns": wanted.columns or [],
            **{key: value for key, value in said.items() if value},
        }
        table = client.create(_TABLES, body, wanted.about)
        self._memory.note(wanted.fqn, written(table, wanted, Written(), owners, replaced=True))
        return table

    def _restored(self, table: Entity, wanted: WantedTable) -> bool:
        """Bring back a table that was deleted in OpenMetadata: it was written just now, so it is there."""
        if not self.setup.create:
            return False
        self._ensure_schema(wanted)
        self.setup.client.write("PUT", f"/{_TABLES}/restore", {"id": table["id"]}, wanted.about)
        return True

    def _updated(self, table: Entity, wanted: WantedTable) -> Entity:
        before = self._memory.of(wanted.fqn)
        before = before if before.id == table["id"] else Written()
        wanted = self._owned_once(wanted, before)
        owners = partial(self._owners.references, wanted.owners, wanted.asset)
        merge = Merge(table, wanted, before, owners)
        operations = merge.operations()
        if operations:
            ensure_tags(self.setup.client, merge.new_tags, wanted.asset)
            table = self.setup.client.patch(_TABLES, table, operations, wanted.about)
        self._memory.note(wanted.fqn, merge.written(table))
        return table

    def _owned_once(self, wanted: WantedTable, before: Written) -> WantedTable:
        """Of two assets with one table the first counts; each would overwrite the other without end."""
        other = before.asset
        if not wanted.owned or other in ("", wanted.asset) or self.setup.assets.asset(other) is None:
            return wanted
        if self.setup.mapped(other).fqn != wanted.fqn:
            return wanted
        self._notices.once(
            f"assets {other} and {wanted.asset} are both mapped to table {wanted.fqn}: what {other} says "
            "counts; map one of them to another table, or ignore it"
        )
        return replace(wanted, owned=False)

    def _ensure_schema(self, wanted: WantedTable) -> None:
        ensure_schema(self.setup.client, wanted.names[:-1], wanted.service_type, wanted.asset)

    def _profile(self, table: Entity, wanted: WantedTable, event: AssetEvent) -> None:
        profile = profile_of(event, table)
        if profile is None or self._is_there(profile["tableProfile"], wanted):
            return
        path = f"/{_TABLES}/{table['id']}/tableProfile"
        self.setup.client.write("PUT", path, profile, f"profile of {wanted.about}")

    def _is_there(self, profile: Entity, wanted: WantedTable) -> bool:
        """Whether a profile is there already: an event may come more than once."""
        at = profile["timestamp"]
        path = f"/{_TABLES}/{quote(wanted.fqn, safe='')}/tableProfile"
        found = self.setup.client.read(path, {"startTs": at - 1, "endTs": at + 1}) or {}
        return any(profile.items() <= each.items() for each in found.get("data") or [])

    @cached_property
    def _notices(self) -> Notices:
        return Notices(self.setup.state, self.setup.client.dry)

    @cached_property
    def _owners(self) -> Owners:
        return Owners(self.setup.client, self._notices)

    @cached_property
    def _memory(self) -> WrittenTables:
        return WrittenTables(self.setup.shared, self.setup.client.dry)
