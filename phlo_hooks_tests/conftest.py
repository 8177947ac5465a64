"""What all tests share: an environment of their own, nothing sent to anyone, and no skip unseen."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Before Dagster, dlt or dbt is imported, for this process and for those it starts.
os.environ.update(
    DAGSTER_DISABLE_TELEMETRY="yes",
    DO_NOT_TRACK="1",
    RUNTIME__DLTHUB_TELEMETRY="false",
)

# Markers whose tests must run: `.ci/run` names them, so that a missing browser is a failure there.
REQUIRED = frozenset(os.environ.get("PHLO_HOOKS_TESTS_REQUIRE", "").split())

# The same on any Python and any Dagster, or long: CI runs these files and folders once.
_ONCE = (
    "capabilities/alerting/",
    "capabilities/cube/test_runs.py",
    "capabilities/dbt_semantic_layer/",
    "capabilities/lightdash/test_dagster.py",
    "capabilities/openlineage/conformance/test_datasets.py",
    "capabilities/openlineage/conformance/test_outage.py",
    "capabilities/openlineage/conformance/test_transports.py",
    "capabilities/openlineage/facets/",
    "capabilities/openlineage/test_review.py",
    "capabilities/openlineage/test_scenes.py",
    "capabilities/openlineage/transports/",
    "capabilities/openmetadata/",
    "capabilities/webhook/",
    "cli/",
    "delivery/test_model.py",
    "delivery/test_outage.py",
    "delivery/test_selection.py",
    "docs/",
    "monitors/test_dlt.py",
    "producers/test_asset_graph.py",
    "producers/watching/test_backfills.py",
    "producers/watching/test_ticks.py",
    "producers/watching/test_watchers.py",
    "semantics/test_properties.py",
    "test_benchmarks.py",
    "test_limits.py",
    "testing/test_fault_server.py",
)
# But for these: what Dagster tells on each version reaches OpenMetadata.
_EACH_TIME = ("capabilities/openmetadata/test_runs.py", "capabilities/openmetadata/test_pipeline_runs.py")

_OURS = ("DAGSTER_HOME", "PHLO_HOOKS_DEMO_BREAK", "PHLO_HOOKS_DEMO_HOME")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads, or writes into, the deployment or the demo of whoever runs it."""
    for name in _OURS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True, scope="session")
def _loopback_only() -> Iterator[None]:
    """A connection to anywhere else fails the test that makes it."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
            pytest.fail(f"a test connects to {address[0]}: only loopback is allowed")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what CI runs once, by its place."""
    here = Path(__file__).parent
    for item in items:
        place = item.path.relative_to(here).as_posix() if item.path.is_relative_to(here) else ""
        if place.startswith(_ONCE) and place not in _EACH_TIME:
            item.add_marker(pytest.mark.once)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Turn the skip of a test that must run into a failure."""
    report: pytest.TestReport = yield
    must_run = sorted(REQUIRED & {mark.name for mark in item.iter_markers()})
    if report.skipped and must_run and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"must run here ({', '.join(must_run)} in PHLO_HOOKS_TESTS_REQUIRE), but: {reason}"
    return report
