"""What the demo tells people: each fault once, and nothing when all is well."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest

from phlo_hooks.capabilities.alerting.incident import Incident
from phlo_hooks.demo.faults import Fault
from phlo_hooks.demo.lakehouse import build_definitions
from phlo_hooks.demo.paths import DemoHome
from phlo_hooks.demo.run import run_demo
from phlo_hooks.producers.runtime import Runtime
from phlo_hooks.producers.sensor import tick

from .conftest import BuiltDemo

pytestmark = pytest.mark.e2e

LINE = "-" * 72


@pytest.fixture
def persistent() -> Iterator[dg.DagsterInstance]:
    """An instance on disk."""
    with dg.instance_for_test() as instance:
        yield instance


def deliver(instance: dg.DagsterInstance, definitions: dg.Definitions) -> Runtime:
    """As one tick of the tail sensor does."""
    runtime: Runtime = definitions.resources["hooks"].runtime  # type: ignore[index]
    tick(instance, runtime, "")
    return runtime


def told(printed: str) -> list[str]:
    """The first line of each message on the terminal."""
    return [text.strip().splitlines()[0] for text in printed.split(LINE)[1::2]]


@pytest.mark.parametrize(
    ("fault", "title", "error", "count"),
    [
        pytest.param(Fault.LOAD, "Asset raw/flights failed", "broke off in month 7 of 12", 1, id="load"),
        pytest.param(
            Fault.MODEL, "Asset marts/carrier_delays failed", "Conversion Error: Could not", 1, id="model"
        ),
    ],
)
def test_a_fault_is_told_once(
    persistent: dg.DagsterInstance,
    copied_home: DemoHome,
    capsys: pytest.CaptureFixture[str],
    fault: Fault,
    title: str,
    error: str,
    count: int,
) -> None:
    """With the tool's own error; the run that failed because of it is no second message."""
    definitions = build_definitions(home=copied_home, broken=fault, console=False)
    run_demo(persistent, definitions)
    capsys.readouterr()
    runtime = deliver(persistent, definitions)
    printed = capsys.readouterr().err
    assert [line.endswith(title) for line in told(printed)] == [True] * count
    assert error in printed
    [entry] = runtime.store(persistent).list_state("plugin:alerting:", "open/")
    incident = Incident.read(entry.value)
    assert (incident.rule, incident.count, incident.also) == ("failures", 1, ["Job lakehouse failed"])


def test_nobody_is_told_when_all_is_well(built: BuiltDemo, capsys: pytest.CaptureFixture[str]) -> None:
    """Although two checks fail: they are warnings."""
    runtime = deliver(built.instance, build_definitions(home=built.home, console=False))
    assert told(capsys.readouterr().err) == []
    assert runtime.store(built.instance).list_state("plugin:alerting:", "open/") == []
