"""Files, one writer at a time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from openlineage.client.transport.file import FileConfig, FileTransport

if TYPE_CHECKING:
    from openlineage.client.client import Event


class File(FileTransport):
    """The client's own names a file by the microsecond: two threads could write to one."""

    def __init__(self, config: FileConfig) -> None:
        super().__init__(config)
        self._lock = threading.Lock()

    def emit(self, event: Event) -> None:
        """Write it, and close the file."""
        with self._lock:
            super().emit(event)
