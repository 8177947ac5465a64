"""OpenMetadata's REST API, as far as it is used here: entities by name, and writes that are counted.

Source: https://docs.open-metadata.org/latest/api-reference and the JSON Schemas of OpenMetadata.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from phlo_hooks.capabilities.openmetadata.fqn import quoted
from phlo_hooks.errors import DeliveryError, RetryLater
from phlo_hooks.rest import RestClient

Entity = dict[str, Any]
_PATCH = {"content-type": "application/json-patch+json"}
_PAGE = 1000
# Ids of what a dry run pretends to have made.
_DRY = uuid.UUID("6f1f0b5e-2c3a-4b0c-9a53-0d9e8b1f7c11")
# To a request that says which version it is about: it was changed, or deleted.
_CONFLICTS = (HTTPStatus.PRECONDITION_FAILED, HTTPStatus.NOT_FOUND)


class ConflictError(RetryLater):
    """An entity is no longer as it was read, or not there: look again."""


@dataclass(frozen=True)
class Change:
    """A write, made or (in a dry run) to be made.

    Args:
        about: what it changes and for which asset: `table shop.public.orders, for asset marts/orders`.
        created: whether the server says that it was not there before.
    """

    method: str
    path: str
    body: Any
    about: str
    created: bool = False


@dataclass
class OpenMetadataClient:
    """Reads and writes entities. A collection is a path such as `tables` or `services/databaseServices`.

    Args:
        rest: sends the requests; its URL ends with `/api/v1`.
        dry: keep the writes back, and pretend that they were made.
    """

    rest: RestClient
    dry: bool = False
    changes: list[Change] = field(default_factory=list)
    # In a dry run, what would be there by now: what refers to it can be shown, too.
    _pretended: dict[tuple[str, str], Entity] = field(default_factory=dict)

    @cached_property
    def version(self) -> tuple[int, int]:
        """Of the server: major and minor.

        Raises:
            DeliveryError: it does not say, or cannot be reached.
        """
        data = self.rest.send("GET", "/system/version").data
        major, _, rest = str((data or {}).get("version", "")).partition(".")
        minor = rest.partition(".")[0]
        if not (major.isdigit() and minor.isdigit()):
            raise DeliveryError(
                f"{self.rest.who}: {self.rest.url}/system/version names no version ({data!r}): "
                "set url to that of the OpenMetadata server"
            )
        return int(major), int(minor)

    def find(self, collection: str, fqn: str, *fields: str, deleted: bool = False) -> Entity | None:
        """An entity by its name; None where there is none.

        Args:
            collection: where it is.
            fqn: its fully qualified name.
            fields: those to be told beside the usual ones.
            deleted: also one that was (softly) deleted.
        """
        params = {"include": "all" if deleted else "non-deleted"}
        if fields:
            params["fields"] = ",".join(fields)
        path = f"/{collection}/name/{quote(fqn, safe='')}"
        found: Entity | None = self.read(path, params)
        return found or self._pretended.get((collection, fqn))

    def read(self, path: str, params: Mapping[str, str | int | bool] | None = None) -> Any:
        """What is at a path; None for 404."""
        reply = self.rest.send("GET", path, params=params, allow=(HTTPStatus.NOT_FOUND,))
        return None if reply.status == HTTPStatus.NOT_FOUND else reply.data

    def pages(self, collection: str, params: Mapping[str, str | int | bool]) -> Iterator[Entity]:
        """All entities of a collection that `params` ask for, page by page."""
        after: dict[str, str] = {}
        while True:
            data = self.rest.send("GET", f"/{collection}", params={"limit": _PAGE, **params, **after}).data
            yield from data["data"]
            cursor = data.get("paging", {}).get("after")
            if not cursor:
                return
            after = {"after": cursor}

    def put(self, collection: str, body: Mapping[str, Any], about: str) -> Entity:
        """Create or update an entity, and give it back.

        Raises:
            ConflictError: somebody else has created it at the same time.
        """
        return self._entity("PUT", collection, body, about)

    def create(self, collection: str, body: Mapping[str, Any], about: str) -> Entity:
        """Create an entity, and give it back.

        Raises:
            ConflictError: it is there already. A PUT would empty what `body` does not speak of.
        """
        return self._entity("POST", collection, body, about)

    def _entity(self, method: str, collection: str, body: Mapping[str, Any], about: str) -> Entity:
        made: Entity = self.write(method, f"/{collection}", body, about) or {}
        if self.dry:
            name = _name(body)
            made |= {
                "id": str(uuid.uuid5(_DRY, f"{collection}/{name}")),
                "fullyQualifiedName": name,
            }
            self._pretended[collection, name] = made
        return made

    def patch(
        self, collection: str, entity: Mapping[str, Any], operations: Sequence[Mapping[str, Any]], about: str
    ) -> Entity:
        """Change an entity by JSON Patch (RFC 6902), as it was read.

        Raises:
            ConflictError: somebody has changed it since; read it again.
        """
        path = f"/{collection}/{entity['id']}"
        if_match = {"if-match": f'W/"{entity["version"]}"'} if "version" in entity else {}
        return self.write("PATCH", path, list(operations), about, if_match) or dict(entity)

    def write(
        self, method: str, path: str, body: Any, about: str, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Any other write; what the server answers.

        Raises:
            ConflictError: somebody else has written the same meanwhile.
        """
        if self.dry:
            self.changes.append(Change(method, path, body, about))
            return dict(body) if isinstance(body, Mapping) else None
        kind = _PATCH if method == "PATCH" else {}
        allow = _CONFLICTS if headers else (HTTPStatus.CONFLICT,)
        sent = {**kind, **(headers or {})}
        reply = self.rest.send(method, path, body, headers=sent, allow=allow, about=about)
        if reply.status in allow:
            raise ConflictError(f"{self.rest.who}: {about} was written by others meanwhile", after=1)
        self.changes.append(Change(method, path, body, about, reply.status == HTTPStatus.CREATED))
        return reply.data


# The fields that name what an entity is in.
_PARENTS = ("service", "database", "databaseSchema", "classification")


def _name(body: Mapping[str, Any]) -> str:
    """The fully qualified name of what a request creates."""
    above = [body[parent] for parent in _PARENTS if parent in body]
    return ".".join([*above, quoted(str(body.get("name", "")))])
