"""What a table is in: the service, the database and the schema."""

from __future__ import annotations

from phlo_hooks.capabilities.openmetadata import fqn
from phlo_hooks.capabilities.openmetadata.client import OpenMetadataClient
from phlo_hooks.errors import PermanentError

# Collection and the field that names what it is in, from the top down.
_LEVELS = (("services/databaseServices", ""), ("databases", "service"), ("databaseSchemas", "database"))
_WORDS = ("database service", "database", "schema")


def ensure_schema(client: OpenMetadataClient, names: tuple[str, ...], service_type: str, asset: str) -> None:
    """Create those of a service, a database and a schema that are missing.

    Args:
        client: of the server.
        names: of the three.
        service_type: of the service, should it be missing.
        asset: for which; for errors.

    Raises:
        PermanentError: one of them was deleted in OpenMetadata. To bring it back would bring back all that
            is in it.
    """
    missing = len(names)
    while missing and not _is_there(client, names[:missing], asset):
        missing -= 1
    for depth in range(missing, len(names)):
        _create(client, names[: depth + 1], service_type, asset)


def _is_there(client: OpenMetadataClient, names: tuple[str, ...], asset: str) -> bool:
    name = fqn.joined(*names)
    found = client.find(_LEVELS[len(names) - 1][0], name, deleted=True)
    if found is not None and found.get("deleted"):
        raise PermanentError(
            f"{_WORDS[len(names) - 1]} {name}, for asset {asset}, was deleted in OpenMetadata: restore it "
            "there, or map the asset to another one"
        )
    return found is not None


def _create(client: OpenMetadataClient, names: tuple[str, ...], service_type: str, asset: str) -> None:
    *above, name = names
    collection, parent = _LEVELS[len(above)]
    place = {parent: fqn.joined(*above)} if parent else {"serviceType": service_type}
    about = f"{_WORDS[len(above)]} {fqn.joined(*names)}, for asset {asset}"
    client.put(collection, {"name": name, **place}, about)
