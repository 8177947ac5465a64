"""Owners of an asset as OpenMetadata knows them: `team:x` by its name, an address by its user."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from phlo_hooks.capabilities.openmetadata.client import Entity, OpenMetadataClient
from phlo_hooks.capabilities.openmetadata.fqn import quoted
from phlo_hooks.capabilities.openmetadata.notices import Notices

_TEAM = "team:"
# The only kind of team that may own anything.
_OWNING = "Group"
# A table has one team, or so many users; the server refuses anything else.
_MOST = 5


@dataclass(frozen=True)
class Owners:
    """Looks them up.

    Args:
        notices: told of those that there are not.
    """

    client: OpenMetadataClient
    notices: Notices

    def references(self, owners: tuple[str, ...], asset: str) -> list[dict[str, Any]]:
        """Those that OpenMetadata has; one that it has not is a warning, once.

        Args:
            owners: as Dagster says them.
            asset: whose.
        """
        found = list(self._references(owners, asset))
        chosen = _allowed(found)
        if len(chosen) < len(found):
            self.notices.once(
                f"asset {asset} has {len(found)} owners, and OpenMetadata takes one team or {_MOST} users: "
                f"its table gets the first {len(chosen)}; say fewer owners"
            )
        return chosen

    def _references(self, owners: tuple[str, ...], asset: str) -> Iterator[dict[str, Any]]:
        for owner in owners:
            is_team = owner.startswith(_TEAM)
            found = self._team(owner.removeprefix(_TEAM)) if is_team else self._user(owner)
            if found is None:
                what = f"a team of type {_OWNING} with this name" if is_team else "a user with this address"
                self.notices.once(
                    f"owner {owner} of asset {asset} is not in OpenMetadata: create {what}, and its "
                    "table gets it at the next materialization"
                )
                continue
            yield {"id": found["id"], "type": "team" if is_team else "user"}

    def _team(self, name: str) -> Entity | None:
        found = self.client.find("teams", quoted(name))
        return found if found and found.get("teamType", _OWNING) == _OWNING else None

    def _user(self, email: str) -> Entity | None:
        """Users are mostly called as their address begins; somebody else may be called so, too."""
        for name in dict.fromkeys((email.partition("@")[0], email)):
            # In small letters, as the server has the names of users.
            found = self.client.find("users", quoted(name.lower()))
            if found is not None and str(found.get("email", "")).lower() == email.lower():
                return found
        return None


def _allowed(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that a table may have at once: of the kind of the first one."""
    if not found or found[0]["type"] == "team":
        return found[:1]
    return [each for each in found if each["type"] == "user"][:_MOST]
