"""The one way out for OpenLineage events."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Any

from openlineage.client.client import OpenLineageConfig

from phlo_hooks.answers import excerpt
from phlo_hooks.capabilities.openlineage.transports.client import Client
from phlo_hooks.capabilities.openlineage.transports.config import resolved
from phlo_hooks.capabilities.openlineage.transports.failures import as_delivery_error, name_of
from phlo_hooks.capabilities.openlineage.transports.preparation import prepared
from phlo_hooks.capabilities.openlineage.transports.secrets import LogRedaction, secrets_in
from phlo_hooks.capabilities.openlineage.transports.settings import TransportSettings
from phlo_hooks.capabilities.openlineage.transports.tree import build
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.redaction import Redactor

if TYPE_CHECKING:
    from openlineage.client.event_v2 import DatasetEvent, JobEvent, RunEvent


class Outlet:
    """Sends OpenLineage events. It keeps none, tries each once, and may be used by several threads.

    Args:
        settings: where to.

    Raises:
        ConfigurationError: nothing can be sent so; what is wrong, and what to do about it.
    """

    def __init__(self, settings: TransportSettings) -> None:
        config = resolved(settings, os.environ)
        transport = prepared(config["transport"], settings.timeout)
        # Datadog's key may come from the environment, and is not in the configuration then.
        self._secrets = tuple(secrets_in({**config, "transport": transport, "api_key": _datadog_key()}))
        redactor = Redactor(self._secrets)
        logs = LogRedaction(redactor)
        logs.install()
        self._forget_logs = weakref.finalize(self, logs.remove)
        try:
            self._client = Client(OpenLineageConfig.from_dict(config), build(transport))
        except Exception as exc:  # noqa: BLE001  # so may what reads their configuration
            self._forget_logs()
            what = f"OpenLineage transport {transport['type']!r} cannot be set up"
            raise ConfigurationError(f"{what}{excerpt(redactor.text(_reason(exc)))}") from None

    def __repr__(self) -> str:
        return f"Outlet({name_of(self._client.transport)})"

    def send(self, event: RunEvent | JobEvent | DatasetEvent) -> None:
        """Send one event; when this returns, the backend has it, or a filter of the user's kept it back.

        Raises:
            PermanentError: the backend will never take it.
            RetryLater: it asked to be left alone for a while.
            DeliveryError: anything else; another attempt may work.
        """
        try:
            self._client.emit(event)
        except Exception as exc:  # noqa: BLE001  # a transport, filter or transformer may raise anything
            # Without its cause: that quotes what the backend sent, which may be what it was sent.
            raise as_delivery_error(exc, self._client.transport, self._secrets) from None

    def close(self) -> None:
        """Let go of the connections."""
        try:
            self._client.close()
        finally:
            self._forget_logs()


def _datadog_key() -> str | None:
    return os.environ.get("DD_API_KEY")


def _reason(error: Exception) -> str:
    # Of a KeyError, `str` is the text in quotes.
    arguments: tuple[Any, ...] = error.args
    return str(arguments[0]) if isinstance(error, KeyError) and arguments else str(error)
