"""When a semantic layer is refreshed: the fields that its resource has beside its own."""

from __future__ import annotations

from pydantic import BaseModel, Field


class RefreshSettings(BaseModel):
    """A base of resources, beside Dagster's."""

    stages: list[str] = Field(
        default=["publish"],
        description="Which assets count as published: those of these stages.",
    )
    wait: float = Field(
        default=30.0,
        ge=0,
        description="Seconds from a publication to the refresh: what is published meanwhile joins it.",
    )
    poll_every: float = Field(default=5.0, gt=0, description="Seconds between two looks at a refresh.")
    give_up_after: float = Field(default=3600.0, gt=0, description="Seconds that a refresh may take.")
