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

# Seconds each, and the same on any Python and any Dagster: CI runs them once.
_SLOW = frozenset(
    {
        "capabilities/alerting/channels/test_limits.py",
        "capabilities/alerting/test_properties.py",
        "capabilities/alerting/test_side_by_side.py",
        "capabilities/cube/test_runs.py",
        "capabilities/lightdash/test_dagster.py",
        "capabilities/openlineage/conformance/test_datasets.py",
        "capabilities/openlineage/conformance/test_outage.py",
        "capabilities/openlineage/conformance/test_transports.py",
        "capabilities/openlineage/test_review.py",
        "capabilities/openlineage/test_scenes.py",
        "cli/test_alerts.py",
        "cli/test_openlineage.py",
        "cli/test_openmetadata_sync.py",
        "cli/test_semantic.py",
        "delivery/test_model.py",
        "delivery/test_outage.py",
        "delivery/test_selection.py",
        "monitors/test_dlt.py",
        "producers/test_asset_graph.py",
        "producers/watching/test_backfills.py",
        "producers/watching/test_ticks.py",
        "producers/watching/test_watchers.py",
        "semantics/test_properties.py",
        "test_benchmarks.py",
        "test_limits.py",
        "testing/test_fault_server.py",
    }
)

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
    """Mark what takes long, file by file."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and item.path.relative_to(here).as_posix() in _SLOW:
            item.add_marker(pytest.mark.slow)


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
