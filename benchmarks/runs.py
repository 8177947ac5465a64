"""What the Hook Bus costs a run: in-process runs of trivial assets, with and without `with_hooks`.

    python benchmarks/runs.py [--assets 10 100] [--rounds 5]

Each round runs both, in turn, on one instance with Dagster's default SQLite storage; the ratios are taken
round by round, so that a machine that slows down slows both. Assets that do nothing are the worst case: all
that is left is what Dagster, and the bus, write down about them.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time
import warnings

import dagster as dg

from phlo_hooks import HookEvent, with_hooks


def listen(event: HookEvent) -> None:
    """A queued hook, so that deliveries are recorded too."""


def chain(length: int) -> dg.Definitions:
    """Assets that do nothing, each depending on the one before."""
    return dg.Definitions(assets=[_asset(index) for index in range(length)])


def _asset(index: int) -> dg.AssetsDefinition:
    @dg.asset(name=f"asset_{index}", deps=[f"asset_{index - 1}"] if index else [])
    def nothing() -> None:
        return None

    return nothing


def measure(job: dg.JobDefinition, instance: dg.DagsterInstance) -> tuple[float, float]:
    """Wall and processor seconds of one run."""
    wall, cpu = time.perf_counter(), time.process_time()
    job.execute_in_process(instance=instance)
    return time.perf_counter() - wall, time.process_time() - cpu


def compare(length: int, rounds: int) -> None:
    plain = chain(length).resolve_implicit_global_asset_job_def()
    hooked = with_hooks(chain(length), hooks=[listen]).resolve_implicit_global_asset_job_def()
    walls, cpus, seconds = [], [], []
    with dg.instance_for_test() as instance:
        for job in (plain, hooked):
            job.execute_in_process(instance=instance)
        for _ in range(rounds):
            without, with_ = measure(plain, instance), measure(hooked, instance)
            walls.append(with_[0] / without[0])
            cpus.append(with_[1] / without[1])
            seconds.append(without[0])
    print(
        f"{length:>4} assets: {statistics.median(seconds):6.2f} s without; with hooks "
        f"x{statistics.median(walls):.3f} wall, x{statistics.median(cpus):.3f} processor "
        f"(wall {min(walls):.3f} to {max(walls):.3f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--assets", type=int, nargs="+", default=[10, 100])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    for length in options.assets:
        compare(length, options.rounds)


if __name__ == "__main__":
    main()
