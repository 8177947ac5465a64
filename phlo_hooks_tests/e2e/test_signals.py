"""What no run's log tells, in a deployment: real daemons tick and launch, are killed, and come back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._daemon.types import DaemonHeartbeat

from phlo_hooks import HookEvent
from phlo_hooks.envelope import utc_now
from phlo_hooks.producers.dagster_private import heartbeat_tolerance
from phlo_hooks_tests.e2e.conftest import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

# A daemon ticks about 15 s after its launch, and the machine may be busy.
PATIENCE = 240

DEFINITIONS = """
import os
import time
from pathlib import Path

import dagster as dg

from phlo_hooks import with_hooks
from phlo_hooks.capabilities import FileResource


@dg.asset
def slow() -> None:
    time.sleep(600)


@dg.sensor(job_name="nightly", minimum_interval_seconds=5, default_status=dg.DefaultSensorStatus.RUNNING)
def launches():
    return dg.RunRequest(run_key="once")


@dg.sensor(job_name="nightly", minimum_interval_seconds=5, default_status=dg.DefaultSensorStatus.RUNNING)
def files():
    if Path(os.environ["TROUBLE"]).exists():
        raise ConnectionError("no route to the bucket")
    return dg.SkipReason("nothing new")


defs = with_hooks(
    dg.Definitions(
        assets=[slow],
        jobs=[dg.define_asset_job("nightly", "*", tags={"phlo/long_running": "1s"})],
        sensors=[launches, files],
        executor=dg.in_process_executor,
        resources={"file": FileResource(path=os.environ["LINES"])},
    ),
    plugins=False,
)
"""


@dataclass(frozen=True)
class Place:
    """A folder with definitions, a DAGSTER_HOME, and the file that events are written to."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def trouble(self) -> Path:
        return self.folder / "trouble"

    @property
    def environment(self) -> dict[str, str]:
        own = {"DAGSTER_HOME": self.home, "LINES": self.folder / "lines", "TROUBLE": self.trouble}
        return {**os.environ, **{name: str(path) for name, path in own.items()}, "PYTHONPATH": str(ROOT)}

    def events(self, event_type: str = "") -> list[HookEvent]:
        """What was delivered, of this type or at all."""
        file = self.folder / "lines"
        lines = file.read_text().splitlines() if file.exists() else []
        found = [HookEvent.from_cloudevent(json.loads(line)) for line in lines]
        return [event for event in found if event_type in ("", event.event_type)]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.home.mkdir()
    (made.home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    (tmp_path / "deployed.py").write_text(DEFINITIONS)
    with dg.DagsterInstance.from_config(str(made.home)) as instance:
        instance.get_runs(limit=1)
    return made


@contextmanager
def daemons(place: Place) -> Iterator[Callable[[Callable[[], bool]], None]]:
    """All of Dagster's daemons; ended without a word. Gives a function that waits for something."""
    command = [sys.executable, "-m", "dagster._daemon", "run", "-f", "deployed.py"]
    log = (place.folder / "daemon.log").open("ab")
    process = subprocess.Popen(
        command, cwd=place.folder, env=place.environment, stdout=log, stderr=log, start_new_session=True
    )

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert process.poll() is None, (place.folder / "daemon.log").read_text()[-4000:]
            told = [event.event_type for event in place.events()]
            assert time.monotonic() < deadline, (told, (place.folder / "daemon.log").read_text()[-4000:])
            time.sleep(0.5)

    try:
        yield wait
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.close()


def age(place: Place) -> None:
    """As if as much time had gone by as Dagster tolerates."""
    long_ago = utc_now() - heartbeat_tolerance() - timedelta(seconds=1)
    with dg.DagsterInstance.from_config(str(place.home)) as instance:
        for daemon in instance.get_daemon_heartbeats():
            instance.add_daemon_heartbeat(DaemonHeartbeat(long_ago.timestamp(), daemon, None, []))


def test_a_deployment_in_trouble(place: Place) -> None:
    """A sensor fails and recovers, a run takes too long, and the daemons die and come back."""
    place.trouble.touch()
    with daemons(place) as wait:
        wait(lambda: len(place.events("tick.failure")) >= 2 and bool(place.events("run.long_running")))
        place.trouble.unlink()
        wait(lambda: bool(place.events("tick.recovered")))
        with dg.DagsterInstance.from_config(str(place.home)) as instance:
            wait(lambda: len(instance.get_daemon_heartbeats()) >= 4)

    failures = place.events("tick.failure")
    assert [event.consecutive_failures for event in failures] == list(range(1, len(failures) + 1))
    assert {(event.instigator_name, event.error.error_class) for event in failures} == {
        ("files", "ConnectionError")
    }
    (recovered,) = place.events("tick.recovered")
    assert recovered.consecutive_failures == len(failures)
    (slow,) = place.events("run.long_running")
    assert (slow.job_name, slow.launched_by) == ("nightly", "sensor:launches")
    assert slow.duration >= 1

    # Nobody in Dagster is left to tell of it.
    age(place)
    arguments = ["-m", "phlo_hooks", "relay", "--once", "-f", "deployed.py"]
    relay = subprocess.run(
        [sys.executable, *arguments],
        cwd=place.folder,
        env=place.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert relay.returncode == 0, relay.stderr
    silent = {event.daemon_type for event in place.events("deployment.daemon_unhealthy")}
    assert {"SENSOR", "SCHEDULER", "BACKFILL", "QUEUED_RUN_COORDINATOR"} <= silent

    with daemons(place) as wait:
        wait(lambda: {e.daemon_type for e in place.events("deployment.daemon_recovered")} >= silent)
    assert len(place.events("deployment.daemon_unhealthy")) == len(silent)
    assert len(place.events("deployment.daemon_recovered")) == len(silent)
    ids = [event.event_id for event in place.events()]
    assert len(ids) == len(set(ids))
