"""The benchmarks run to their end; their figures are for a quiet machine, and no test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(
    not (ROOT / "benchmarks").is_dir(), reason="the source distribution comes without the benchmarks"
)
# The databases of a script, for those that take one.
SCRIPTS = {
    "backends": ["--quick"],
    "latency": ["--quick"],
    "lineage": ["--quick"],
    "relay": ["--quick", "--stores", "sqlite"],
    "scale": ["--quick", "--stores", "sqlite"],
}


def run(script: str, *arguments: str) -> str:
    """What a benchmark prints."""
    command = [sys.executable, "-W", "ignore", str(ROOT / "benchmarks" / f"{script}.py"), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=240, env=environment, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.e2e
@pytest.mark.parametrize(("script", "arguments"), SCRIPTS.items(), ids=SCRIPTS)
def test_a_quick_run_says_whether_the_aim_is_met(script: str, arguments: list[str]) -> None:
    output = run(script, *arguments)
    assert "met" in output or "MISSED" in output


@pytest.mark.parametrize("script", SCRIPTS)
def test_help(script: str) -> None:
    assert "--quick" in run(script, "--help")
