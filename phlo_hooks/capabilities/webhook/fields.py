"""What can be said about an endpoint."""

from __future__ import annotations

import dagster as dg
from pydantic import Field

# The schedule that Standard Webhooks recommends: 5 s, 5 min, 30 min, then 2, 5, 10, 14, 20 and 24 hours,
# so that an endpoint may be down over a long weekend.
SCHEDULE: tuple[float, ...] = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
# Four events of the largest size that an event may have.
MAX_BODY = 1024 * 1024


class EndpointFields(dg.Config):
    """Where events go, which, and how. Fields that may hold a secret are left out of the `repr`."""

    name: str = Field(default="post", description="Names the hook; deliveries are kept under it.")
    url: str | None = Field(
        default=None, repr=False, description="http or https; a secret part belongs into an EnvVar."
    )

    secret: str | None = Field(
        default=None,
        repr=False,
        description="whsec_ and the base64 of 24 to 64 bytes; while it is replaced, several, with spaces "
        "between them: every request is signed with each.",
    )
    secrets: list[str] = Field(default=[], repr=False, description="More of them.")
    secret_env: str | None = Field(
        default=None,
        description="An environment variable with one or several secrets, read at each request: a new key "
        "needs no restart.",
    )
    unsigned: bool = Field(default=False, description="Send without a signature; the receiver cannot check.")
    headers: dict[str, str] = Field(default={}, repr=False, description="Further headers.")
    headers_env: dict[str, str] = Field(
        default={},
        description="Further headers by environment variable, which is read at each request: "
        "{'Authorization': 'CATALOG_AUTH'}.",
    )

    event_types: list[str] | None = Field(
        default=None, description="Event types or patterns, such as ingestion.*; all by default."
    )
    asset_keys: list[str] | None = Field(default=None, description="Keys or patterns, such as marts/*.")
    tags: dict[str, str] | None = Field(default=None, description="All of them must stand on the event.")
    groups: list[str] | None = Field(default=None, description="Asset groups or patterns.")
    kinds: list[str] | None = Field(default=None, description="Kinds or patterns, such as dbt.")
    owners: list[str] | None = Field(default=None, description="Owners or patterns, such as team:data.")
    jobs: list[str] | None = Field(default=None, description="Job names or patterns.")
    status: list[str] | None = Field(default=None, description="success, failure, skipped …")
    min_severity: str | None = Field(
        default=None,
        description="INFO, WARN, ERROR or CRITICAL: the least that is sent; a failure counts as ERROR.",
    )

    format: str = Field(
        default="structured",
        description="structured: one CloudEvent a request (application/cloudevents+json); batch: an array of "
        "them (application/cloudevents-batch+json).",
    )
    batch_size: int | None = Field(
        default=None, ge=1, description="Events in a batch at most; 100 by default. For format='batch'."
    )
    batch_wait: float | None = Field(
        default=None,
        ge=0,
        description="Seconds to wait for a batch to fill; 0 by default. For format='batch'.",
    )
    ordering: str | None = Field(
        default=None, description="asset or run: keep the order of events of one asset, or of one run."
    )

    timeout: float = Field(
        default=15.0, gt=0, description="Seconds for a request, from connecting to the end of the answer."
    )
    max_body: int = Field(default=MAX_BODY, ge=1, description="Bytes of a request at most.")
    ca_file: str | None = Field(
        default=None,
        description="PEM file of a private certificate authority to trust, besides the public ones.",
    )

    retry_schedule: list[float] = Field(
        default=list(SCHEDULE), description="Seconds from each failure to the next attempt, at most."
    )
    max_age: float | None = Field(
        default=None, gt=0, description="Seconds after which an event is of no use; never, by default."
    )
    circuit_failures: int | None = Field(
        default=5, ge=1, description="Failures in a row after which the endpoint is left alone; None: never."
    )
    circuit_cooldown: float = Field(default=30.0, ge=0, description="Seconds it is left alone, at first.")
    circuit_max_cooldown: float = Field(default=600.0, ge=0, description="Seconds it is left alone, at most.")
    max_consecutive_failures: int | None = Field(
        default=None,
        ge=1,
        description="Failures in a row after which the hook is disabled; never, by default.",
    )
    reenable: str = Field(
        default="command",
        description="What ends that: command (phlo-hooks hooks enable), or probe (a delivery that works).",
    )


class WebhookEndpoint(EndpointFields):
    """One of several endpoints of a `WebhookResource`."""
