"""A deployment as it is in the field: `dagster dev` serves the code, its daemon launches, ticks and retries."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import HookEvent
from phlo_hooks.producers.sensor import SENSOR_NAME
from phlo_hooks_tests.e2e import golden
from phlo_hooks_tests.e2e.conftest import ROOT
from phlo_hooks_tests.e2e.stopping import stop

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

# `dagster dev` serves about 14 s after its launch, a run takes seconds to start, and the machine may be busy.
PATIENCE = 240
LOCATION = "deployed.py"

DEFINITIONS = """
from phlo_hooks import with_hooks
from phlo_hooks.capabilities import FileResource
from phlo_hooks_tests.e2e import lake

defs = with_hooks(lake.plain(resources={{"file": FileResource(path={lines!r})}}), plugins=False)
"""
SETTINGS = """
telemetry:
  enabled: false
run_retries:
  enabled: true
  max_retries: 1
"""
LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""


@dataclass(frozen=True)
class Deployment:
    """A running `dagster dev`."""

    home: Path
    lines_file: Path
    address: str
    alive: Callable[[], bool]

    def launch(self, job: str) -> str:
        """Launch a run as the UI does; return its id."""
        selector = {"repositoryLocationName": LOCATION, "repositoryName": "__repository__", "jobName": job}
        params = {"selector": selector, "runConfigData": {}, "executionMetadata": {"tags": []}}
        body = json.dumps({"query": LAUNCH, "variables": {"params": params}}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.address}/graphql", body, headers)
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.load(response)["data"]["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return str(answer["run"]["runId"])

    def events(self) -> list[HookEvent]:
        """What was delivered."""
        if not self.lines_file.exists():
            return []
        lines = self.lines_file.read_text().splitlines()
        return [HookEvent.from_cloudevent(json.loads(line)) for line in lines]

    def wait_for(self, what: str, condition: Callable[[list[HookEvent]], bool]) -> list[HookEvent]:
        """The events that were delivered, once they meet the condition."""
        deadline = time.monotonic() + PATIENCE
        while not condition(found := self.events()):
            assert self.alive(), "dagster dev ended"
            assert time.monotonic() < deadline, f"no {what} among {[event.event_type for event in found]}"
            time.sleep(0.5)
        return found


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    """`dagster dev` on a free port, in a home of its own; all of its processes end with it."""
    home, lines = tmp_path / "home", tmp_path / "lines.jsonl"
    home.mkdir()
    (home / "dagster.yaml").write_text(SETTINGS)
    (tmp_path / LOCATION).write_text(DEFINITIONS.format(lines=str(lines)))
    port = free_port()
    with started(tmp_path, home, port) as process:
        found = Deployment(home, lines, f"http://127.0.0.1:{port}", lambda: process.poll() is None)
        wait_until_served(found)
        yield found


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(folder: Path, home: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "DAGSTER_HOME": str(home), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "dagster", "dev", "-f", LOCATION, "-h", "127.0.0.1", "-p", str(port)]
    with (folder / "dagster.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield process
        except BaseException:
            sys.stdout.write((folder / "dagster.log").read_text()[-8000:])
            raise
        finally:
            stop(process)


def wait_until_served(deployment: Deployment) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert deployment.alive(), "dagster dev ended"
        try:
            with urllib.request.urlopen(f"{deployment.address}/server_info", timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"dagster dev did not serve in {PATIENCE} s")


def of_run(events: list[HookEvent], run_id: str) -> list[HookEvent]:
    return [event for event in events if event.run_id == run_id]


def ended(run_id: str) -> Callable[[list[HookEvent]], bool]:
    """Whether the end of a run was delivered, and with it all that there is."""
    ends = {"run.success", "run.failure"}
    return lambda events: any(event.event_type in ends for event in of_run(events, run_id))


def rows_in_the_event_view(instance: dg.DagsterInstance, run_id: str) -> list[tuple[str, str]]:
    """The rows of the bus, as the run page shows them."""
    entries = [entry for entry in instance.all_logs(run_id) if entry.is_dagster_event]
    events = [entry.get_dagster_event() for entry in entries]
    return [(e.step_key, e.message) for e in events if (e.message or "").startswith("Hook Bus:")]


def ticks(instance: dg.DagsterInstance) -> list[Any]:
    """What the daemon wrote of the tail sensor."""
    (state,) = [each for each in instance.all_instigator_state() if each.instigator_name == SENSOR_NAME]
    return list(instance.get_ticks(state.instigator_origin_id, state.selector_id))


def test_runs_that_the_daemon_launches(deployment: Deployment) -> None:
    """The golden table once more, the run that Dagster retries by itself, and the rows in the run page."""
    observed, failed = deployment.launch("observe"), deployment.launch("nightly")
    deployment.wait_for("end of both runs", lambda all_: ended(observed)(all_) and ended(failed)(all_))
    events = deployment.wait_for("retried run", lambda all_: any(retries(event, failed) for event in all_))

    queued = golden.Row("run.queued")
    assert golden.rows(of_run(events, observed)) == sorted(
        (queued, *golden.STEPS["observe"], *golden.RUNS["observe"])
    )
    everything = [queued, *golden.STEPS["nightly"], *golden.RUNS["nightly"]]
    assert golden.rows(of_run(events, failed)) == sorted(everything)
    assert {e.event_id for e in of_run(events, failed)} == {
        golden.expected_id(failed, row) for row in everything
    }

    (first,) = [event for event in of_run(events, failed) if event.event_type == "run.failure"]
    (second,) = [event for event in events if retries(event, failed)]
    assert [(event.will_retry, event.retry_number) for event in (first, second)] == [(True, 0), (False, 1)]
    assert second.correlation.correlation_id == failed

    with dg.DagsterInstance.from_config(str(deployment.home)) as instance:
        wait_until(lambda: len(rows_in_the_event_view(instance, failed)) == 9)
        rows = rows_in_the_event_view(instance, failed)
        assert sorted({step for step, _ in rows}) == sorted(
            {row.step for row in golden.STEPS["nightly"] if row.step}
        )
        assert ("bad", "Hook Bus: 2 events, 2 delivered") in rows
        # A tick that found nothing to launch is a skipped one; the last may be under way.
        assert {tick.status.value for tick in ticks(instance)} <= {"SKIPPED", "STARTED"}
        assert any("delivered" in (tick.skip_reason or "") for tick in ticks(instance))


def retries(event: HookEvent, run_id: str) -> bool:
    """Whether it is the end of a run that retries another one."""
    return event.event_type == "run.failure" and event.correlation.parent_run_id == run_id


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.5)
