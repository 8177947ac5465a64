"""What became of an event on its way to a hook: outcomes are values, one record for each delivery."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Outcome(str, Enum):
    """What became of a delivery in this process."""

    DELIVERED = "delivered"
    QUEUED = "queued"
    FAILED = "failed"
    IGNORED = "ignored"
    RAISED = "raised"
    DUPLICATE = "duplicate"


class Delivery(NamedTuple):
    """What became of one event on its way to one hook, named `plugin.hook_name`."""

    hook: str
    outcome: Outcome
    error: Exception | None = None
