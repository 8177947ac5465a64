"""A strict OpenMetadata server on loopback, for tests: routes, answers and rules as in 1.12 and in 2.0.

    with OpenMetadataServer("2.0.6") as server:
        server.seed("databaseService", {"name": "warehouse", "serviceType": "Postgres"})
        ...                                          # the client pushes to server.url with server.token
        server.fail("PUT", r"^lineage$", 429, headers={"Retry-After": "1"})
        ...
        assert server.entity("table", "warehouse.shop.main.orders")["version"] == 0.1
        assert [edge.to_fqn for edge in server.edges()] == ["warehouse.shop.main.orders"]

What it does was read in the server's sources, as far as they could be had, and in the client's models. It is stricter than
they are in this: a field that is in no schema is an error everywhere, and a name has 256 characters at most.
What it leaves out: search beyond people's addresses, versions of entities, derived tags, bulk writes of tables,
and the lineage between services that the real one derives from that between their tables.
"""

from __future__ import annotations

from .catalog import Change
from .faults import Fault
from .permissions import Principal
from .server import EdgeView, OpenMetadataServer, Write
from .views import COLUMN_PROFILE, RESULT, STATUS, TABLE_PROFILE

__all__ = [
    "COLUMN_PROFILE",
    "RESULT",
    "STATUS",
    "TABLE_PROFILE",
    "Change",
    "EdgeView",
    "Fault",
    "OpenMetadataServer",
    "Principal",
    "Write",
]
