"""WebhookResource: one hook for each endpoint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import Any, ClassVar

import dagster as dg
from pydantic import ConfigDict, Field

from phlo_hooks.capabilities.webhook.checks import check, check_names
from phlo_hooks.capabilities.webhook.fields import EndpointFields, WebhookEndpoint
from phlo_hooks.capabilities.webhook.sender import Sender
from phlo_hooks.circuit import CircuitBreaker
from phlo_hooks.errors import ConfigurationError, MissingExtraError
from phlo_hooks.filters import HookFilter
from phlo_hooks.registration import HookRegistration, Ordering
from phlo_hooks.retry import RetryPolicy

_FIELDS = tuple(EndpointFields.model_fields)
_BATCH_SIZE = 100
# A name server may take its time, and a relay gives up a call that our own deadline does not end.
_MARGIN = 5.0


class WebhookResource(dg.ConfigurableResource, EndpointFields):  # type: ignore[type-arg]
    """Posts events as CloudEvents, signed as Standard Webhooks 1.0.0 says.

    For one endpoint, its fields stand here; for several, each has them in `endpoints`. Certificates are
    always checked, redirects never followed, and no secret or header value is ever logged. A receiver may
    get an event twice, always with the same `webhook-id`.

    Raises:
        ConfigurationError: an endpoint cannot work; the message names it and says what to do.
        MissingExtraError: `pip install 'phlo-hooks[webhook]'`.
    """

    endpoints: list[WebhookEndpoint] = Field(default=[], description="Several endpoints, one hook each.")

    # A validator's message would come with the values that it looked at.
    model_config: ClassVar[ConfigDict] = {"hide_input_in_errors": True}

    def __init__(self, **data: Any) -> None:
        super().__init__(**data)
        if find_spec("httpcore2") is None:
            raise MissingExtraError("httpcore2", "webhook")
        self._check()

    def get_hooks(self) -> Iterable[HookRegistration]:
        """One hook for each endpoint, under its name."""
        return [_registration(endpoint) for endpoint in self._all()]

    def _all(self) -> Sequence[WebhookEndpoint]:
        # The fields here are those of an endpoint: one more of them, and no other case.
        return self.endpoints or [WebhookEndpoint(**{name: getattr(self, name) for name in _FIELDS})]

    def _check(self) -> None:
        both = [name for name in _FIELDS if self.endpoints and not self._is_default(name)]
        if both:
            raise ConfigurationError(
                f"WebhookResource has endpoints, and {both[0]} beside them: move it into each WebhookEndpoint"
            )
        check_names(self._all())
        for endpoint in self._all():
            check(endpoint)
        # A filter, schedule or name that cannot work.
        self.get_hooks()

    def _is_default(self, name: str) -> bool:
        return bool(getattr(self, name) == EndpointFields.model_fields[name].default)


def _registration(endpoint: EndpointFields) -> HookRegistration:
    batched = endpoint.format == "batch"
    return HookRegistration(
        endpoint.name,
        Sender(endpoint),
        filters=_filters(endpoint),
        retry=RetryPolicy(schedule=tuple(endpoint.retry_schedule), max_age=endpoint.max_age),
        circuit=_circuit(endpoint),
        timeout=endpoint.timeout + _MARGIN,
        batch_size=(endpoint.batch_size or _BATCH_SIZE) if batched else None,
        batch_wait=endpoint.batch_wait or 0.0,
        ordering=Ordering(endpoint.ordering) if endpoint.ordering else None,
    )


def _filters(endpoint: EndpointFields) -> HookFilter:
    return HookFilter(
        event_types=endpoint.event_types,
        asset_keys=endpoint.asset_keys,
        tags=endpoint.tags,
        groups=endpoint.groups,
        kinds=endpoint.kinds,
        owners=endpoint.owners,
        jobs=endpoint.jobs,
        status=endpoint.status,
        min_severity=endpoint.min_severity,
    )


def _circuit(endpoint: EndpointFields) -> CircuitBreaker | None:
    if endpoint.circuit_failures is None:
        return None
    return CircuitBreaker(
        failures=endpoint.circuit_failures,
        cooldown=endpoint.circuit_cooldown,
        max_cooldown=endpoint.circuit_max_cooldown,
        max_consecutive_failures=endpoint.max_consecutive_failures,
        reenable=endpoint.reenable,  # type: ignore[arg-type]  # checked there
    )
