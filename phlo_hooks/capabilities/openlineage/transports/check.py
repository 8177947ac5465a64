"""A transport of the resource's own, looked at before there is anything to send."""

from __future__ import annotations

from phlo_hooks.capabilities.openlineage.transports.config import explicit
from phlo_hooks.capabilities.openlineage.transports.preparation import prepared
from phlo_hooks.capabilities.openlineage.transports.settings import TransportSettings


def check(settings: TransportSettings) -> None:
    """Refuse what nothing can be sent by. Neither files nor the environment are read.

    Raises:
        ConfigurationError: the type is not known, something is missing, or a library is not installed.
    """
    prepared(explicit(settings), settings.timeout)
