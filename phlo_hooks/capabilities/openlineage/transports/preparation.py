"""A transport's configuration, checked, and changed to what a relay needs of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from openlineage.client.transport import get_default_factory

from phlo_hooks.capabilities.openlineage.transports.http import NO_RETRIES
from phlo_hooks.errors import ConfigurationError

_LIBRARIES: dict[str, dict[str, str]] = {
    "amazon_datazone_api": {"boto3": "boto3"},
    "gcplineage": {"google.cloud.datacatalog_lineage_v1": "google-cloud-datacatalog-lineage"},
    "kafka": {"confluent_kafka": "confluent-kafka"},
    "msk-iam": {
        "confluent_kafka": "confluent-kafka",
        "aws_msk_iam_sasl_signer": "aws-msk-iam-sasl-signer-python",
    },
}


def prepared(config: Any, timeout: float) -> dict[str, Any]:
    """The configuration to build from, with that of the transports within.

    Args:
        config: of a transport, with its type.
        timeout: seconds, where the configuration does not say it.

    Raises:
        ConfigurationError: the type is not known, something is missing, or a library is not installed.
    """
    if not isinstance(config, dict) or not config.get("type"):
        raise ConfigurationError("an OpenLineage transport has no type: set type: to one of " + _known())
    kind = str(config["type"])
    _check_kind(kind)
    _check_libraries(kind)
    adapt = _ADAPTED.get(kind)
    return adapt(config, timeout) if adapt else config


def _known() -> str:
    return ", ".join(sorted(get_default_factory().transports))


def _check_kind(kind: str) -> None:
    if kind not in get_default_factory().transports and "." not in kind:
        raise ConfigurationError(
            f"OpenLineage transport type {kind!r} is unknown: use one of {_known()}, or the path of a class"
        )


def _check_libraries(kind: str) -> None:
    missing = [package for module, package in _LIBRARIES.get(kind, {}).items() if not _installed(module)]
    if missing:
        raise ConfigurationError(
            f"OpenLineage transport {kind!r} needs a library that is not installed. "
            f"Install it with: pip install {' '.join(missing)}"
        )


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _http(config: dict[str, Any], timeout: float) -> dict[str, Any]:
    _check_url(config.get("url"), config["type"])
    _check_auth(config.get("auth"), config["type"])
    # The client joins them as a browser would, and loses the last folder of a URL without a slash at its end.
    url = f"{str(config['url']).strip().rstrip('/')}/"
    _check_numbers(config)
    return {"timeout": timeout, **config, "url": url, "retry": NO_RETRIES}


def _check_numbers(config: dict[str, Any]) -> None:
    """What the client would find out with the first event, and each one after it."""
    seconds, compression = config.get("timeout", 1), config.get("compression")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < math.inf:
        raise ConfigurationError(
            f"OpenLineage transport {config['type']!r}: timeout {seconds!r}: use seconds, above 0"
        )
    if compression not in (None, "gzip"):
        raise ConfigurationError(
            f"OpenLineage transport {config['type']!r}: compression {compression!r}: use 'gzip', or none"
        )


def _check_url(url: Any, kind: str) -> None:
    if not url:
        raise ConfigurationError(f"OpenLineage transport {kind!r} has no url: set url to that of the backend")
    try:
        parts = urlsplit(str(url).strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or True)
    except ValueError:
        usable = False
    if not usable:
        # Not quoted: there may be a password in it.
        raise ConfigurationError(
            f"OpenLineage transport {kind!r} has no valid url: use https://host[:port], or http://"
        )


def _check_auth(auth: Any, kind: str) -> None:
    """The client takes what it does not understand for none, and sends events without a key."""
    if auth and not (isinstance(auth, dict) and auth.get("type")):
        raise ConfigurationError(
            f"OpenLineage transport {kind!r} has an auth without a type: "
            "use auth: {type: api_key, apiKey: …} (in an environment variable, as JSON)"
        )


def _datadog(config: dict[str, Any], timeout: float) -> dict[str, Any]:
    _check_numbers(config)
    return {"timeout": timeout, **config, "retry": NO_RETRIES, "async_transport_rules": {}}


def _file(config: dict[str, Any], timeout: float) -> dict[str, Any]:
    if not config.get("log_file_path"):
        raise ConfigurationError(
            "OpenLineage transport 'file' has no log_file_path: set it to that of the file to write"
        )
    return config


def _gcplineage(config: dict[str, Any], timeout: float) -> dict[str, Any]:
    # Its asynchronous client belongs to the event loop of the first event, and each event has its own.
    return {**config, "async_transport_rules": {}}


def _kafka(config: dict[str, Any], timeout: float) -> dict[str, Any]:
    producer = config.get("config")
    if not isinstance(producer, dict) or not config.get("topic"):
        raise ConfigurationError(
            f"OpenLineage transport {config['type']!r} needs topic and config: "
            "set config to {'bootstrap.servers': …}"
        )
    # librdkafka tries again for five minutes by default, with a message that the relay sends anew.
    limited = {"message.timeout.ms", "delivery.timeout.ms"} & producer.keys()
    limit = {} if limited else {"message.timeout.ms": round(timeout * 1000)}
    return {**config, "config": {**limit, **producer}}


def _composite(config: dict[str, Any], timeout: float) -> dict[str, Any]:
    given = config.get("transports")
    if isinstance(given, dict):
        # An empty one is how a user takes out what a file has.
        given = {name: prepared(each, timeout) for name, each in given.items() if each}
    elif isinstance(given, list):
        given = [prepared(each, timeout) for each in given]
    if not given or isinstance(given, str):
        raise ConfigurationError("OpenLineage transport 'composite' has no transports: list them there")
    return {**config, "transports": given}


def _transform(config: dict[str, Any], timeout: float) -> dict[str, Any]:
    return {**config, "transport": prepared(config.get("transport"), timeout)}


_ADAPTED: dict[str, Callable[[dict[str, Any], float], dict[str, Any]]] = {
    "async_http": _http,
    "composite": _composite,
    "datadog": _datadog,
    "file": _file,
    "gcplineage": _gcplineage,
    "http": _http,
    "kafka": _kafka,
    "msk-iam": _kafka,
    "transform": _transform,
}
