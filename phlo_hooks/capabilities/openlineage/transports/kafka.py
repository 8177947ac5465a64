"""Kafka: an event is sent when a broker has confirmed it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openlineage.client.serde import Serde
from openlineage.client.transport.kafka import KafkaTransport
from openlineage.client.transport.msk_iam import MSKIAMTransport

if TYPE_CHECKING:
    from openlineage.client.client import Event


class MessageRefusedError(Exception):
    """It is too large, and will be at the next attempt."""


class Kafka(KafkaTransport):
    """The client's own logs that a message was not delivered, and returns as if it was."""

    def emit(self, event: Event) -> None:
        """Send it, and wait for the broker.

        Raises:
            MessageRefusedError: it is larger than the producer or the broker takes.
        """
        from confluent_kafka import KafkaException

        reports: list[Any] = []
        try:
            self._produce(event, reports)
        except KafkaException as exc:
            reports.append(exc.args[0])
        error = reports[0] if reports else "the producer reports nothing"
        if error is not None:
            raise _failure(error)

    def _produce(self, event: Event, reports: list[Any]) -> None:
        if self.producer is None:
            self._setup_producer(self.kafka_config.config)
        producer: Any = self.producer
        producer.produce(
            topic=self.topic,
            key=self.message_key or self._get_message_key(event),
            value=Serde.to_json(event).encode("utf-8"),
            on_delivery=lambda error, _: reports.append(error),
        )
        # Without a limit: `message.timeout.ms` is one, and after it the message is out of the queue.
        producer.flush()


class MskIam(Kafka, MSKIAMTransport):
    """The same on Amazon MSK."""

    kind = MSKIAMTransport.kind
    config_class = MSKIAMTransport.config_class


def _failure(error: Any) -> Exception:
    from confluent_kafka import KafkaError

    too_large = isinstance(error, KafkaError) and error.code() == KafkaError.MSG_SIZE_TOO_LARGE
    return MessageRefusedError(str(error)) if too_large else RuntimeError(str(error))
