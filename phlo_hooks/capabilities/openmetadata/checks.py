"""What an OpenMetadataResource can never work with, refused when built; and what stands for a variable."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from phlo_hooks import variables
from phlo_hooks.capabilities.openmetadata.fqn import is_name
from phlo_hooks.capabilities.openmetadata.mapping import TableMapping
from phlo_hooks.capabilities.openmetadata.places import CUSTOM, SERVICE_TYPES
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.urls import check_url

if TYPE_CHECKING:
    from phlo_hooks.capabilities.openmetadata.resource import OpenMetadataResource

_WHO = "OpenMetadataResource"
_API = "/api/v1"


def check_fields(resource: OpenMetadataResource) -> None:
    """Refuse what can never work; what stands in a variable is looked at where the relay runs.

    Raises:
        ConfigurationError: a field, its value, and what to do about it.
    """
    if not _is_variable(resource.url):
        api_url(resource.url)
    if not _is_variable(resource.token):
        bearer(resource.token)
    check_page(resource.webserver_url)
    if not (resource.timeout > 0 and math.isfinite(resource.timeout)):
        raise ConfigurationError(f"{_WHO}: timeout {resource.timeout!r}: use seconds, above 0")
    check_pipeline_service(resource.pipeline_service)
    _check_service_type(resource.service_type)
    table_mapping(_literals(resource.mapping), _literals(resource.services)).check()


def api_url(url: str) -> str:
    """The URL that requests go to: that of the server, which may have the API's own path at its end.

    Raises:
        ConfigurationError: no request can be sent to it.
    """
    try:
        check_url(url, instead="token=EnvVar(…)")
    except ConfigurationError as exc:
        raise ConfigurationError(f"{_WHO}: {exc}") from None
    if urlsplit(url).query or urlsplit(url).fragment:
        raise ConfigurationError(f"{_WHO}: url has a ? or #: give that of the server, http://host:8585")
    return re.sub(r"/api(/v1)?$", "", url.rstrip("/")) + _API


def bearer(token: str) -> str:
    """The value of the header that `token` goes into.

    Raises:
        ConfigurationError: it cannot be one; the message shows nothing of it.
    """
    bare = re.sub(r"^bearer\s+", "", token.strip(), flags=re.IGNORECASE)
    if not bare or not bare.isascii() or re.search(r"[\x00-\x20\x7f]", bare):
        raise ConfigurationError(
            f"{_WHO}: token is empty, or holds what no token has: copy the JWT of a bot from Settings > Bots"
        )
    return f"Bearer {bare}"


def check_page(url: str | None) -> None:
    """Refuse an address of the Dagster UI that no link can be made of, or that holds a password.

    Raises:
        ConfigurationError: it is in each link, for everybody to see.
    """
    if url is None or _is_variable(url):
        return
    try:
        check_url(url, instead="or nowhere: it is in every link")
    except ConfigurationError as exc:
        raise ConfigurationError(f"{_WHO}: webserver_{exc}") from None


def check_pipeline_service(name: str) -> None:
    """Refuse what OpenMetadata takes for no name.

    Raises:
        ConfigurationError: it is empty, too long, or holds `::`.
    """
    if _is_variable(name):
        return
    if not is_name(name):
        raise ConfigurationError(
            f"{_WHO}: pipeline_service {name!r} is no name of a service: "
            "use 1 to 256 characters, without :: and quotation marks"
        )


def table_mapping(
    patterns: Mapping[str, str | None], services: Mapping[str, str], **options: Any
) -> TableMapping:
    """The mapping that these fields make.

    Raises:
        ConfigurationError: a name in them can never be one.
    """
    mapping = TableMapping(patterns, services, **options)
    try:
        mapping.check()
    except ConfigurationError as exc:
        raise ConfigurationError(f"{_WHO}: {exc}") from None
    return mapping


def looked_up(text: str | None, field: str) -> str | None:
    """A field's value, or that of the variable that it names; see `variables.looked_up`."""
    return variables.looked_up(text, f"{_WHO}: {field}")


def resolved(values: Mapping[str, Any], field: str) -> dict[str, Any]:
    """With every `EnvVar` in it looked up."""
    return {key: looked_up(value, f"{field}[{key!r}]") for key, value in values.items()}


def _check_service_type(name: str | None) -> None:
    """Not against all that there are: a newer server has more."""
    known = {each.lower(): each for each in (*SERVICE_TYPES.values(), CUSTOM)}
    meant = known.get(name.lower()) if name and not _is_variable(name) else name
    if name == "" or (meant and meant != name):
        raise ConfigurationError(f"{_WHO}: service_type {name!r}: OpenMetadata writes it {meant or CUSTOM!r}")


def _literals(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if not _is_variable(value)}


def _is_variable(value: object) -> bool:
    return variables.variable_of(value) is not None
