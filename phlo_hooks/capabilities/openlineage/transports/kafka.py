"""Kafka: an event is sent when a broker has confirmed it."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from openlineage.client.serde import Serde
from openlineage.client.transport.kafka import KafkaTransport
from openlineage.client.transport.msk_iam import MSKIAMTransport

if TYPE_CHECKING:
    from openlineage.client.client import Event

# Another thread's flush may be the one that is about to bring the report of this message.
_GRACE = 5.0


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

        report: SimpleQueue[Any] = SimpleQueue()
        try:
            self._produce(event, report.put)
        except KafkaException as exc:
            report.put(exc.args[0])
        error = _answer(report)
        if error is not None:
            raise _failure(error)

    def _produce(self, event: Event, report: Callable[[Any], None]) -> None:
        if self.producer is None:
            self._setup_producer(self.kafka_config.config)
        producer: Any = self.producer
        producer.produce(
            topic=self.topic,
            key=self.message_key or self._get_message_key(event),
            value=Serde.to_json(event).encode("utf-8"),
            on_delivery=lambda error, _: report(error),
        )
        # Without a limit: `message.timeout.ms` is one, and after it the message is out of the queue.
        producer.flush()


class MskIam(Kafka, MSKIAMTransport):
    """The same on Amazon MSK."""

    kind = MSKIAMTransport.kind
    config_class = MSKIAMTransport.config_class


def _answer(report: SimpleQueue[Any]) -> Any:
    try:
        return report.get(timeout=_GRACE)
    except Empty:
        return "the producer reports nothing"


def _failure(error: Any) -> Exception:
    from confluent_kafka import KafkaError

    too_large = isinstance(error, KafkaError) and error.code() == KafkaError.MSG_SIZE_TOO_LARGE
    return MessageRefusedError(str(error)) if too_large else RuntimeError(str(error))
