"""Warnings that are logged once, and not for each event."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from hashlib import sha256

from phlo_hooks.state import StateChange, StateStore

logger = logging.getLogger("phlo_hooks.openmetadata")


@dataclass(frozen=True)
class Notices:
    """The memory of them.

    Args:
        state: keeps it, for one code location.
        dry: nothing is remembered.
    """

    state: StateStore
    dry: bool = False

    def once(self, text: str) -> None:
        """Log a warning that was not logged yet."""
        key = f"notice/{sha256(text.encode()).hexdigest()}"
        if self.state.get(key) is None:
            logger.warning("%s", text)
            if not self.dry:
                self.state.commit([StateChange(key, True)])
