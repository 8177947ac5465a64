"""Whatever is published, told twice, written by others first or lost in a crash: in the end each layer has it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings, strategies as st

from phlo_hooks.errors import DeliveryError, RetryLater
from phlo_hooks.events import HookEvent
from phlo_hooks.memory import MemoryState
from phlo_hooks.semantics import Progress, Work
from phlo_hooks_tests.semantics.bench import (
    START,
    Bench,
    RecordingLayer,
    backfill_ended,
    checked,
    ended,
    published,
)

FEEDS = {"a": ("one", "both"), "b": ("both",), "c": ("other",)}
DAYS = ["2026-01-01", "2026-01-01", "2026-01-03", None]


class Crash(Exception):
    """The process is gone."""


class WatchedLayer(RecordingLayer):
    """Notes when each refresh that ended well had begun, and that no two are under way."""

    def __init__(self, clock: Callable[[], Any]) -> None:
        super().__init__(FEEDS, looks=1)
        self.clock, self.done = clock, list[tuple[Any, Work]]()
        self.under_way: tuple[Any, Work] | None = None
        self.crash = False

    def begin(self, work: Work) -> Progress:
        # One whose process has died is begun again.
        assert self.under_way is None or self.under_way[1] == work
        self.under_way = (self.clock(), work)
        return self._went(super().begin(work))

    def look(self, work: Work, jobs: Any) -> Progress:
        assert self.under_way is not None and self.under_way[1] == work
        return self._went(super().look(work, jobs))

    def _went(self, progress: Progress) -> Progress:
        if self.crash:
            self.crash = False
            raise Crash
        if progress.state != "running":
            if progress.state == "done":
                self.done.append(self.under_way)  # type: ignore[arg-type]
            self.under_way = None
        return progress


class World:
    """A bench whose memory others write to, and whose processes die; and what ought to come of it."""

    def __init__(self) -> None:
        self.layer = WatchedLayer(lambda: self.bench.now)
        self.bench = Bench(self.layer, wait=10, poll_every=60)
        self.trouble: list[str] = []
        state = self.bench.state
        self._commit = state.commit
        state.commit = self._troubled  # type: ignore[method-assign]
        self.news: dict[tuple[str, str | None], tuple[Any, str]] = {}
        self.good: dict[tuple[str, str | None], bool] = {}
        self.known: dict[tuple[str, str | None], str] = {}
        self.runs = 0

    def _troubled(self, changes: Any, events: Any = ()) -> bool:
        trouble = self.trouble.pop() if self.trouble else ""
        if trouble == "first":
            return False
        done = MemoryState.commit(self.bench.state, changes, events)
        if trouble == "crash":
            raise Crash
        return done

    def tell(self, event: HookEvent) -> None:
        """As often as a relay would have to."""
        for _ in range(20):
            try:
                self.bench.play(event)
            except (Crash, RetryLater):
                continue
            return
        raise AssertionError("never told")

    def wait(self, seconds: float) -> None:
        for _ in range(50):
            try:
                self.bench.wait(seconds)
            except (Crash, RetryLater, DeliveryError):
                self.bench.now += timedelta(seconds=1)
                continue
            return
        raise AssertionError("a step never goes well")

    def run(self, outputs: list[tuple[str, str | None, str, bool, bool]], backfill: str | None) -> None:
        """A run with these outputs: asset, partition, version, published, passed."""
        self.runs += 1
        run = f"run-{self.runs}"
        at = START + timedelta(seconds=self.runs)
        seen = {(asset, day): (version, ok, passed) for asset, day, version, ok, passed in outputs}
        for (asset, day), (version, ok, passed) in seen.items():
            status = "success" if ok else "failure"
            self.tell(
                published(
                    asset, run, day, status=status, data_version=version, backfill=backfill, timestamp=at
                )
            )
            self.tell(checked(asset, passed, run, partition_key=day, timestamp=at))
        self.tell(ended(run))
        for place, (version, ok, passed) in seen.items():
            # A check that names no partition is about all of them.
            blocked = not seen.get((place[0], None), ("", True, True))[2]
            self.good[place] = ok and passed and not blocked
            if self.good[place] and self.known.get(place) != version:
                self.known[place] = version
                self.news[place] = (self.bench.now, version)

    def check(self) -> None:
        """Each news has been refreshed with, by each of its models whose other assets are good."""
        for (asset, day), (since, _) in self.news.items():
            for model in FEEDS[asset]:
                others = [key for key, models in FEEDS.items() if model in models and key != asset]
                # An asset that failed for this partition is waited for; so long nothing is promised.
                if all(self.good.get((key, day), True) for key in others) and self.good[asset, day]:
                    assert any(_holds(work, model, day) for at, work in self.layer.done if at >= since), (
                        asset,
                        day,
                        model,
                    )


def _holds(work: Work, model: str, day: str | None) -> bool:
    for each in work.models:
        if each.model == model:
            when = each.date_range
            return when is None or (
                day is not None and when.start.date() <= date.fromisoformat(day) < when.end.date()
            )
    return False


OUTPUTS = st.lists(
    st.tuples(
        st.sampled_from(["a", "a", "b", "b", "c"]),
        st.sampled_from(DAYS),
        st.sampled_from(["v1", "v1", "v2"]),
        st.booleans() | st.just(True),
        st.booleans() | st.just(True),
    ),
    min_size=1,
    max_size=4,
)
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("run"), OUTPUTS, st.none() | st.just("b1")),
        st.tuples(st.just("wait"), st.sampled_from([1.0, 12.0, 400.0])),
        st.tuples(st.just("trouble"), st.lists(st.sampled_from(["first", "crash", ""]), max_size=4)),
        st.tuples(st.just("error"), st.sampled_from(["no", "down"])),
        st.tuples(st.just("crash")),
        st.tuples(st.just("backfill")),
    ),
    max_size=14,
)


@settings(max_examples=400, deadline=None)
@given(actions=ACTIONS)
def test_nothing_is_lost(actions: list[Any]) -> None:
    world = World()
    for kind, *said in actions:
        match_action(world, kind, said)
    world.trouble.clear()
    world.layer.errors.clear()
    world.layer.crash = False
    world.tell(backfill_ended("b1"))
    world.wait(2 * 86_400)
    world.check()
    assert world.bench.due == []
    assert world.layer.under_way is None


def match_action(world: World, kind: str, said: list[Any]) -> None:
    if kind == "run":
        world.run(*said)
    elif kind == "wait":
        world.wait(*said)
    elif kind == "trouble":
        world.trouble += said[0]
    elif kind == "error":
        world.layer.errors.append(DeliveryError("down") if said[0] == "down" else said[0])
    elif kind == "crash":
        world.layer.crash = True
    else:
        world.tell(backfill_ended("b1"))
