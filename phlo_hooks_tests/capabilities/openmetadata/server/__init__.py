"""A strict OpenMetadata server on loopback, for tests."""

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
