"""What an OpenLineageResource can never work with, refused when built; and what stands for a variable."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from phlo_hooks import variables
from phlo_hooks.capabilities.openlineage.namespaces import NamespaceTemplate
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.urls import check_url

if TYPE_CHECKING:
    from phlo_hooks.capabilities.openlineage.resource import OpenLineageResource

_WHO = "OpenLineageResource"
# In the place of a variable that nobody may read yet: good for whatever is checked of it.
_ANY = "http://variable"


def check_fields(resource: OpenLineageResource) -> None:
    """Refuse what can never work; what stands in a variable is looked at where the relay runs.

    Raises:
        ConfigurationError: a field, and what to do about it.
    """
    if resource.url is not None and resource.transport is not None:
        raise ConfigurationError(f"{_WHO} has a url and a transport: give one of them")
    if resource.url is not None and not isinstance(resource.url, dg.EnvVar):
        check_url(resource.url, instead="set api_key=EnvVar(…)")
    check_page(resource.webserver_url)
    if resource.runless not in ("run", "dataset"):
        raise ConfigurationError(f"{_WHO}: runless {resource.runless!r}: use 'run' or 'dataset'")
    if not (resource.timeout > 0 and math.isfinite(resource.timeout)):
        raise ConfigurationError(f"{_WHO}: timeout {resource.timeout!r}: use seconds, above 0")
    _check_names(resource)
    _check_transport(resource)


def check_page(url: str | None) -> None:
    """Refuse an address of the Dagster UI that no link can be made of, or that holds a password.

    Raises:
        ConfigurationError: it is in each event, for everybody to see.
    """
    if url is None or isinstance(url, dg.EnvVar):
        return
    try:
        check_url(url, instead="or nowhere: it is in every event")
    except ConfigurationError as exc:
        raise ConfigurationError(f"{_WHO}: webserver_{exc}") from None


def looked_up(text: str | None, field: str) -> str | None:
    """A field's value, or that of the variable that it names; see `variables.looked_up`."""
    return variables.looked_up(text, f"{_WHO}: {field}")


def longest(transport: Mapping[str, Any], timeout: float) -> float:
    """Seconds that a transport may take for one event: the transports in it take theirs one after the other.

    Args:
        transport: as configured.
        timeout: of one that does not say its own.
    """
    within = transport.get("transports") or [transport.get("transport")]
    children = [each for each in (within.values() if isinstance(within, Mapping) else within) if each]
    if not children:
        stated = transport.get("timeout")
        return float(stated) if isinstance(stated, (int, float)) else timeout
    return sum(longest(each, timeout) for each in children)


def resolved(value: Any, field: str) -> Any:
    """With every `EnvVar` in it looked up."""
    if isinstance(value, Mapping):
        return {key: resolved(item, f"{field}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [resolved(item, f"{field}[{at}]") for at, item in enumerate(value)]
    return looked_up(value, field) if isinstance(value, str) else value


def _check_names(resource: OpenLineageResource) -> None:
    for field in ("job_namespace", "dataset_namespace"):
        text = getattr(resource, field)
        if not isinstance(text, dg.EnvVar):
            NamespaceTemplate(text, field)
    sources = {kind: text for kind, text in resource.data_sources.items() if not isinstance(text, dg.EnvVar)}
    if sources:
        from phlo_hooks.capabilities.openlineage.sources import read_sources

        read_sources(sources)


def _check_transport(resource: OpenLineageResource) -> None:
    if resource.transport is None:
        return
    from phlo_hooks.capabilities.openlineage.transports import TransportSettings
    from phlo_hooks.capabilities.openlineage.transports.check import check

    check(
        TransportSettings(
            transport=_without_variables(resource.transport),
            endpoint=None if resource.endpoint is None else _ANY,
            api_key=None if resource.api_key is None else _ANY,
        )
    )


def _without_variables(value: Any) -> Any:
    # As Dagster hands on a variable within a dict, to a step that asks for the resource.
    if isinstance(value, dg.EnvVar) or (isinstance(value, Mapping) and value.keys() == {"env"}):
        return _ANY
    if isinstance(value, Mapping):
        return {key: _without_variables(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_variables(item) for item in value]
    return value
