"""How durations and limits are written, and what is refused when the definitions load."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import dagster as dg
import pytest
from pydantic import ValidationError

from phlo_hooks import HookBusResource, with_hooks
from phlo_hooks.durations import duration
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.producers.watching.limits import Limits

DURATIONS = [
    ("2h", 7200),
    ("90m", 5400),
    ("45s", 45),
    ("1d", 86_400),
    ("1d 12h", 129_600),
    ("1h30m", 5400),
    ("1.5h", 5400),
    ("90", 90),
    (90, 90),
    (0.5, 0.5),
    (" 2 h ", 7200),
]


@pytest.mark.parametrize(("written", "seconds"), DURATIONS)
def test_durations(written: Any, seconds: float) -> None:
    """As people write them."""
    assert duration(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "written", ["", "soon", "2 hours", "h", "0", "0s", "-5m", "nan", "inf", "1e300", "2h soon", True, "٣h x"]
)
def test_no_durations(written: Any) -> None:
    """With what was written, where, and what to write."""
    with pytest.raises(ConfigurationError, match="the limit is .*: write a time above 0 such as 90m"):
        duration(written, "the limit")


def test_defaults() -> None:
    """A day, half an hour, ten minutes; the resource and the class agree."""
    assert HookBusResource().limits == Limits()
    assert Limits() == Limits(timedelta(days=1), timedelta(minutes=30), timedelta(minutes=10))


def test_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text, seconds, timedelta, None for never, or what the environment will say."""
    monkeypatch.setenv("STARTING", "20s")
    own = HookBusResource(
        long_running_after=timedelta(hours=2),  # type: ignore[arg-type]
        stuck_queued_after=None,
        stuck_starting_after=dg.EnvVar("STARTING"),
    )
    assert own.limits == Limits(timedelta(hours=2), None, timedelta(seconds=20))
    assert HookBusResource(long_running_after=3600).limits.long_running == timedelta(hours=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["long_running_after", "stuck_queued_after", "stuck_starting_after"])
@pytest.mark.parametrize("value", ["soon", -1, [1]])
def test_settings_that_are_none(field: str, value: Any) -> None:
    """Refused when the resource is built, by name."""
    with pytest.raises(ValidationError, match=f"{field} is .*: write"):
        HookBusResource(**{field: value})


def test_an_environment_that_says_nothing_useful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found when it is asked for."""
    monkeypatch.setenv("STARTING", "soon")
    with pytest.raises(ConfigurationError, match="stuck_starting_after is 'soon'"):
        _ = HookBusResource(stuck_starting_after=dg.EnvVar("STARTING")).limits


def test_a_job_whose_tag_is_none() -> None:
    """Refused when the definitions load, by the job's name."""

    @dg.job(tags={"phlo/long_running": "soon"})
    def nightly() -> None: ...

    with pytest.raises(ConfigurationError, match="tag phlo/long_running of job 'nightly' is 'soon'"):
        with_hooks(dg.Definitions(jobs=[nightly]), plugins=False)


@pytest.mark.parametrize("written", ["2h", "never", "60"])
def test_a_job_whose_tag_is_good(written: str) -> None:
    """Of an op job and of an asset job."""

    @dg.job(tags={"phlo/long_running": written})
    def nightly() -> None: ...

    @dg.asset
    def orders() -> None: ...

    asset_job = dg.define_asset_job("all", tags={"phlo/long_running": written})
    with_hooks(dg.Definitions(assets=[orders], jobs=[nightly, asset_job]), plugins=False)
