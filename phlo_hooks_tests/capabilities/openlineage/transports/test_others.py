"""Files, Kafka, clouds, the console."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from openlineage.client.transport import MSKIAMTransport, Transport, get_default_factory

from phlo_hooks.capabilities.openlineage.transports import Outlet, TransportSettings
from phlo_hooks.capabilities.openlineage.transports.failures import as_delivery_error
from phlo_hooks.capabilities.openlineage.transports.kafka import Kafka, MskIam
from phlo_hooks.capabilities.openlineage.transports.preparation import prepared
from phlo_hooks.errors import DeliveryError, PermanentError
from phlo_hooks_tests.capabilities.openlineage.transports.helpers import job_event, outlet_of, run_event, send


def test_one_file_for_all(tmp_path: Path) -> None:
    """Each event is a line of it, whoever writes."""
    path = tmp_path / "events.ndjson"
    config = {"type": "file", "log_file_path": str(path), "append": True}
    with outlet_of(transport=config) as outlet, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: outlet.send(run_event(f"{number}-" + "x" * 20_000)), range(40)))
    names = {json.loads(line)["job"]["name"].partition("-")[0] for line in path.read_text().splitlines()}
    assert names == {str(number) for number in range(40)}


def test_a_file_for_each(tmp_path: Path) -> None:
    config = {"type": "file", "log_file_path": str(tmp_path / "event")}
    with outlet_of(transport=config) as outlet, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: outlet.send(run_event(f"{number}")), range(40)))
    assert len(list(tmp_path.glob("event-*.json"))) == 40


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="OpenLineage transport file: RuntimeError: Failed to write"):
        send(transport={"type": "file", "log_file_path": str(tmp_path / "no" / "events"), "append": True})


def test_a_remote_file() -> None:
    """Through fsspec; its memory stands for a bucket."""
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")
    send(transport={"type": "file", "log_file_path": "memory://lineage/events", "append": True})
    assert b"orders" in fsspec.filesystem("memory").cat("/lineage/events")


def test_the_console(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    send(job_event(), transport={"type": "console"})
    assert '"name": "orders"' in caplog.text


def test_noop() -> None:
    send(transport={"type": "noop"})


@pytest.fixture
def mock_brokers() -> dict[str, Any]:
    """A producer with a cluster within itself."""
    pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")
    return {"test.mock.num.brokers": 1, "bootstrap.servers": "", "log_level": 0}


def kafka(config: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """As in `openlineage.yml`."""
    return {"type": "kafka", "topic": "lineage", "config": config, **fields}


@pytest.mark.parametrize("flush", [True, False])
def test_kafka_confirms(mock_brokers: dict[str, Any], flush: bool) -> None:
    """Whatever `flush` says: who does not wait does not know."""
    with outlet_of(transport=kafka(mock_brokers, flush=flush)) as outlet:
        producer = outlet._client.transport.producer
        outlet.send(run_event())
        assert len(producer) == 0
        outlet.send(job_event())


def test_kafka_from_several_threads(mock_brokers: dict[str, Any]) -> None:
    with outlet_of(transport=kafka(mock_brokers)) as outlet, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: outlet.send(run_event(f"{number}")), range(40)))


def test_kafka_without_a_broker() -> None:
    """The client logs it, and returns."""
    pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")
    config = {"bootstrap.servers": "127.0.0.1:1", "log_level": 0, "sasl.password": "canary-7f3a"}
    with pytest.raises(DeliveryError, match="OpenLineage transport kafka: .*timed out") as caught:
        send(transport=kafka(config), timeout=0.5)
    assert not isinstance(caught.value, PermanentError)


@pytest.mark.parametrize("own", [{}, {"message.timeout.ms": 7}, {"delivery.timeout.ms": 7}], ids=str)
def test_kafka_ends_an_attempt_in_time(mock_brokers: dict[str, Any], own: dict[str, int]) -> None:
    """librdkafka's own five minutes are beyond what a relay waits; who sets it knows better."""
    config = prepared(kafka({**mock_brokers, **own}), timeout=1.5)["config"]
    limits = {name: value for name, value in config.items() if name.endswith(".timeout.ms")}
    assert limits == (own or {"message.timeout.ms": 1500})


def test_kafka_refuses_what_is_too_large(mock_brokers: dict[str, Any]) -> None:
    mock_brokers["message.max.bytes"] = 1000
    with pytest.raises(PermanentError, match="kafka: MessageRefusedError"):
        send(run_event("x" * 2000), transport=kafka(mock_brokers))


def test_kafka_with_an_unknown_setting() -> None:
    pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")
    with pytest.raises(ValueError, match="'kafka' cannot be set up: .*no.such.setting"):
        Outlet(TransportSettings(transport=kafka({"no.such.setting": "1"})))


def test_msk_confirms_as_kafka_does() -> None:
    """With the tokens of Amazon."""
    assert MskIam.emit is Kafka.emit
    assert MskIam._setup_producer is MSKIAMTransport._setup_producer
    assert get_default_factory().transports["msk-iam"].kind == MskIam.kind


class AwsError(Exception):
    """As botocore's ClientError."""

    def __init__(self, code: str, status: int) -> None:
        super().__init__(code)
        self.response = {
            "Error": {"Code": code, "Message": "m"},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }


class GoogleError(Exception):
    """As one of google.api_core.exceptions."""

    def __init__(self, code: int) -> None:
        super().__init__("m")
        self.code, self.response = code, object()


GoogleError.__module__ = "google.api_core.exceptions"

CLOUDS = {
    "aws validation": (AwsError("ValidationException", 400), PermanentError),
    "aws throttling": (AwsError("ThrottlingException", 400), DeliveryError),
    "aws denied": (AwsError("AccessDeniedException", 403), DeliveryError),
    "aws internal": (AwsError("InternalServerException", 500), DeliveryError),
    "google invalid": (GoogleError(400), PermanentError),
    "google exhausted": (GoogleError(429), DeliveryError),
    "google unauthenticated": (GoogleError(401), DeliveryError),
    "google unavailable": (GoogleError(503), DeliveryError),
}


@pytest.mark.parametrize(("error", "expected"), CLOUDS.values(), ids=CLOUDS)
def test_the_answers_of_clouds(error: Exception, expected: type[Exception]) -> None:
    """Also where the transport has put its own error around them."""
    wrapped = RuntimeError("failed to send")
    wrapped.__cause__ = error
    for each in (error, wrapped):
        assert type(as_delivery_error(each, Transport(), ())) is expected
