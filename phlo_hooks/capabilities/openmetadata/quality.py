"""Checks as test cases, and what they found."""

from __future__ import annotations

from dataclasses import dataclass

from phlo_hooks.capabilities.openmetadata.setup import Setup
from phlo_hooks.events import HookEvent


@dataclass(frozen=True)
class QualityWriter:
    """Writes them."""

    setup: Setup

    def handle(self, event: HookEvent) -> None:
        """Deliver one event."""

    def sync(self) -> None:
        """Bring everything up to date that the definitions say."""
