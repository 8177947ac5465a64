"""When a semantic layer is refreshed: the fields that its resource has beside its own."""

from __future__ import annotations

from pydantic import BaseModel, Field, field_validator

_STAGES = ("ingestion", "transform", "publish")


class RefreshSettings(BaseModel):
    """A base of resources, beside Dagster's."""

    stages: list[str] = Field(
        default=["publish"],
        description="Which assets count as published: those of these stages.",
    )
    wait: float = Field(
        default=30.0,
        ge=0,
        allow_inf_nan=False,
        description="Seconds from a publication to the refresh: what is published meanwhile joins it.",
    )
    poll_every: float = Field(
        default=5.0, gt=0, allow_inf_nan=False, description="Seconds between two looks at a refresh."
    )
    give_up_after: float = Field(
        default=3600.0, gt=0, allow_inf_nan=False, description="Seconds that a refresh may take."
    )

    @field_validator("stages")
    @classmethod
    def _are_stages(cls, stages: list[str]) -> list[str]:
        unknown = [stage for stage in stages if stage not in _STAGES]
        if unknown or not stages:
            named = ", ".join(map(repr, unknown)) or "none"
            raise ValueError(f"stages names {named}: use one or more of {', '.join(_STAGES)}")
        return stages
