"""The code location that `backends.py` and `latency.py` run, and that `phlo-hooks relay` delivers for.

Set by the benchmark: BENCH_PORT is where the hook posts to, BENCH_ASSETS the length of the chain.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from receiver import Poster
from runs import chain

from phlo_hooks import HookEvent, with_hooks
from phlo_hooks.registration import HookRegistration

_poster = Poster(int(os.environ.get("BENCH_PORT", "0")))


def post(event: HookEvent) -> None:
    """Post the whole event."""
    _poster.post(event.to_json())


# Its circuit breaker and retries are the defaults: a backend that is down is left alone after a few calls.
defs = with_hooks(
    chain(int(os.environ.get("BENCH_ASSETS", "10"))), hooks=[HookRegistration("post", post, timeout=30)]
)


@contextmanager
def relaying(file: str = __file__) -> Iterator[None]:
    """`phlo-hooks relay` as a process beside, at work on the instance of DAGSTER_HOME."""
    command = [sys.executable, "-m", "phlo_hooks", "relay", "-f", file]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.5)
        try:
            yield
        finally:
            process.kill()
