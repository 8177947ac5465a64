"""How long after the end of a step its event is delivered, by `phlo-hooks relay` as a process beside.

    python benchmarks/latency.py [--assets 100] [--rounds 3] [--quick]

A run of small assets in one process; the end of a step is the time of Dagster's own STEP_SUCCESS, and the
receiver, in a third process on this machine, notes when each event is complete. Of the events of a step the
last is taken.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import time
import warnings

import dagster as dg
from location import relaying
from receiver import Receiver, running
from runs import chain

AIM = 1.0
_PATIENCE = 60.0


def load_job(port: int, assets: int) -> dg.JobDefinition:
    """The location's job, in this process; the relay loads the same file."""
    os.environ.update(BENCH_PORT=str(port), BENCH_ASSETS=str(assets))
    import location

    return location.with_hooks(
        chain(assets), hooks=[location.HookRegistration("post", location.post, timeout=30)]
    ).resolve_implicit_global_asset_job_def()


def delays(instance: dg.DagsterInstance, job: dg.JobDefinition, receiver: Receiver) -> list[float]:
    """Seconds from the end of each step to the arrival of its last event."""
    run_id = job.execute_in_process(instance=instance).run_id
    ended = {
        entry.dagster_event.step_key: entry.timestamp
        for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_SUCCESS)
    }
    arrived = arrivals(receiver, run_id, set(ended))
    return [arrived[step] - at for step, at in ended.items()]


def arrivals(receiver: Receiver, run_id: str, steps: set[str]) -> dict[str, float]:
    """When the `.end` event of each step of a run came."""
    found: dict[str, float] = {}
    until = time.monotonic() + _PATIENCE
    while steps - found.keys():
        if time.monotonic() > until:
            raise SystemExit(f"no event of {len(steps - found.keys())} steps within {_PATIENCE:.0f} s")
        for at, body in receiver.received():
            event = json.loads(body)
            where = event["correlation"]
            if where.get("run_id") == run_id and event["event_type"].endswith(".end"):
                found[where.get("step_key")] = at
        time.sleep(0.2)
    return found


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--assets", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one run of 10 assets")
    options = parser.parse_args()
    assets, rounds = (10, 1) if options.quick else (options.assets, options.rounds)
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    with running() as receiver, dg.instance_for_test() as instance:
        job = load_job(receiver.port, assets)
        with relaying():
            job.execute_in_process(instance=instance)
            found = [delays(instance, job, receiver) for _ in range(rounds)]
    every = [each for one in found for each in one]
    for number, one in enumerate(found, 1):
        print(f"run {number}: median {statistics.median(one):.3f} s, p99 {percentile(one, 0.99):.3f} s")
    p99 = percentile(every, 0.99)
    print(
        f"{len(every)} steps: median {statistics.median(every):.3f} s, p95 {percentile(every, 0.95):.3f} s, "
        f"p99 {p99:.3f} s, max {max(every):.3f} s (aim: p99 below {AIM} s): "
        f"{'met' if p99 < AIM else 'MISSED'}"
    )


if __name__ == "__main__":
    main()
