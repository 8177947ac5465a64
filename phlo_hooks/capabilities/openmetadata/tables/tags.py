"""Tags of an asset, and its group, as tags of the classification `Dagster`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from phlo_hooks.assets import AssetInfo
from phlo_hooks.capabilities.openmetadata import fqn
from phlo_hooks.capabilities.openmetadata.client import OpenMetadataClient

CLASSIFICATION = "Dagster"
_ABOUT = "What Dagster says of an asset: its tags, and the group that it is in. Written by phlo-hooks."


def wanted_tags(info: AssetInfo) -> tuple[str, ...]:
    """Their fully qualified names. Kinds are none: the service and the pipeline say them."""
    names = [f"{key}:{value}" if value else key for key, value in sorted(info.tags.items())]
    if info.group and info.group != "default":
        names.append(f"group:{info.group}")
    return tuple(fqn.joined(CLASSIFICATION, name) for name in names if fqn.is_name(name))


def ensure_tags(client: OpenMetadataClient, tags: Iterable[str], asset: str) -> None:
    """Create those that are missing, and the classification."""
    for tag in tags:
        if client.find("tags", tag) is not None:
            continue
        about = f"tag {tag}, for asset {asset}"
        if client.find("classifications", CLASSIFICATION) is None:
            client.put("classifications", {"name": CLASSIFICATION, "description": _ABOUT}, about)
        _, name = fqn.parts(tag)
        body = {"name": name, "classification": CLASSIFICATION, "description": f"{name}, in Dagster"}
        client.put("tags", body, about)


def label(tag: str) -> dict[str, Any]:
    """A tag, as it stands on a table."""
    return {"tagFQN": tag, "source": "Classification", "labelType": "Automated", "state": "Confirmed"}
