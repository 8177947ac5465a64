"""The health of each hook as Prometheus metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

from phlo_hooks.delivery.health import HookHealth
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.delivery.switches import STATES
from phlo_hooks.errors import ConfigurationError, MissingExtraError, StoreError

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Metric

# Name, help, and the figure; each is a gauge with the label `hook`.
_GAUGES: tuple[tuple[str, str, Callable[[HookHealth], float]], ...] = (
    ("pending_deliveries", "Deliveries that were not tried yet.", lambda h: h.pending),
    ("retrying_deliveries", "Deliveries that failed and will be tried again.", lambda h: h.retrying),
    ("in_flight_deliveries", "Deliveries that are being made right now.", lambda h: h.in_flight),
    ("dead_letters", "Deliveries that were given up.", lambda h: h.dead),
    (
        "oldest_delivery_age_seconds",
        "How long the oldest open delivery has been waiting; 0 with none.",
        lambda h: h.oldest_age or 0.0,
    ),
    (
        "delivered_per_second",
        "Deliveries made, over the last five minutes.",
        lambda h: h.delivered_per_second,
    ),
    (
        "dead_per_second",
        "Deliveries given up, over the last five minutes.",
        lambda h: h.dead_per_second,
    ),
)
_PREFIX = "phlo_hooks_"


class MetricsServer(Protocol):
    """An HTTP server that is running."""

    port: int

    def close(self) -> None:
        """Stop it."""


def exposition(found: Iterable[HookHealth]) -> str:
    """The text that a Prometheus server reads.

    Raises:
        MissingExtraError: the extra `metrics` is not installed.
    """
    hooks = list(found)
    try:
        from prometheus_client import generate_latest
    except ModuleNotFoundError as exc:
        raise MissingExtraError("prometheus_client", "metrics") from exc
    return generate_latest(_registry(lambda: hooks)).decode()


def start_metrics_server(store: HookStore, port: int, address: str = "127.0.0.1") -> MetricsServer:
    """Serve the health of the store at `http://address:port/metrics`, in a thread of its own.

    While the store cannot be used, the one metric is `phlo_hooks_store_up 0`.

    Args:
        store: is asked at each request.
        port: 0 for any that is free.
        address: the default cannot be reached from other machines; `0.0.0.0` can.

    Raises:
        MissingExtraError: the extra `metrics` is not installed.
        ConfigurationError: the port cannot be used.
    """
    try:
        from prometheus_client import start_http_server
    except ModuleNotFoundError as exc:
        raise MissingExtraError("prometheus_client", "metrics") from exc
    try:
        server, thread = start_http_server(port, address, _registry(store.health))
    except (OSError, OverflowError) as exc:
        raise ConfigurationError(
            f"metrics cannot be served on {address} port {port}: {exc}; choose another port"
        ) from exc
    return _Running(server, thread)


class _Running:
    def __init__(self, server: object, thread: object) -> None:
        self._server, self._thread = server, thread
        self.port: int = server.server_port  # type: ignore[attr-defined]

    def close(self) -> None:
        self._server.shutdown()  # type: ignore[attr-defined]
        self._server.server_close()  # type: ignore[attr-defined]
        self._thread.join()  # type: ignore[attr-defined]


class _Collector:
    """Asks for the figures when they are wanted; nothing is kept in between."""

    def __init__(self, figures: Callable[[], Iterable[HookHealth]]) -> None:
        self._figures = figures

    def describe(self) -> Iterator[Metric]:
        """Nothing: registering must not go to the database."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Every metric, as it is now."""
        from prometheus_client.core import GaugeMetricFamily

        try:
            found = list(self._figures())
        except StoreError:
            # A sentence in the log for each scrape would tell no more.
            yield GaugeMetricFamily(f"{_PREFIX}store_up", _UP, value=0)
            return
        yield GaugeMetricFamily(f"{_PREFIX}store_up", _UP, value=1)
        for name, text, figure in _GAUGES:
            family = GaugeMetricFamily(f"{_PREFIX}{name}", text, labels=["hook"])
            for each in found:
                family.add_metric([each.hook], figure(each))
            yield family
        yield _circuits(found)


_UP = "Whether the hook store can be used."


def _circuits(found: Iterable[HookHealth]) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    text = "1 for the state that the hook's circuit is in, 0 for the others."
    family = GaugeMetricFamily(f"{_PREFIX}circuit_state", text, labels=["hook", "state"])
    for each in found:
        for state in STATES:
            family.add_metric([each.hook, state], float(each.circuit.state == state))
    return family


def _registry(figures: Callable[[], Iterable[HookHealth]]) -> CollectorRegistry:
    from prometheus_client import CollectorRegistry

    registry = CollectorRegistry()
    registry.register(_Collector(figures))
    return registry
