"""Follows the events of runs until something is published: a run decides when it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import singledispatchmethod
from typing import Any

from phlo_hooks.events import (
    AssetEvent,
    BackfillEvent,
    HookEvent,
    QualityResultEvent,
    RunEvent,
    SchemaChangeEvent,
)
from phlo_hooks.semantics import places
from phlo_hooks.semantics.bundle import Bundle
from phlo_hooks.semantics.deciding import Decider
from phlo_hooks.semantics.publication import Publication, Verdict, later
from phlo_hooks.semantics.settings import RefreshSettings
from phlo_hooks.semantics.sheet import Sheet
from phlo_hooks.semantics.target import Layer, Target


@dataclass(frozen=True)
class Follower:
    """Notes what a run publishes and what its checks say; decides when it ends.

    Args:
        layer: whose it is.
        decider: gives the rules; asked for once something was published, as it may have to read files.
        settings: how long to wait for more.
    """

    layer: Layer
    decider: Callable[[], Decider]
    settings: RefreshSettings

    def follow(self, event: HookEvent, sheet: Sheet) -> None:
        """Note what an event says, and what follows from it."""
        self._follow(event, sheet)

    @singledispatchmethod
    def _follow(self, event: HookEvent, sheet: Sheet) -> None:
        """Of no other event anything follows."""

    @_follow.register
    def _(self, event: AssetEvent, sheet: Sheet) -> None:
        publication, run_id = Publication.of(event), event.correlation.run_id
        if not publication.asset_key:
            return
        if run_id is None or sheet.get(places.ended(run_id)):
            # From outside of a run, or told late.
            self._decide([publication], [], sheet)
            return
        key = places.in_run(run_id, "asset", event.asset_key, event.partition_key)
        _note(sheet, key, publication)

    @_follow.register
    def _(self, event: QualityResultEvent, sheet: Sheet) -> None:
        run_id = event.correlation.run_id
        if event.blocking and run_id:
            words = (event.asset_key, event.check_name, event.partition_key)
            _note(sheet, places.in_run(run_id, "check", *words), Verdict.of(event))

    @_follow.register
    def _(self, event: RunEvent, sheet: Sheet) -> None:
        run_id = event.correlation.run_id or ""
        said = sheet.list(places.in_run(run_id))
        sheet.put(places.ended(run_id), True, places.RUNS_KEPT)
        assets = [
            Publication(**value) for key, value in said if key.startswith(places.in_run(run_id) + "asset/")
        ]
        checks = [Verdict(**value) for key, value in said if key.startswith(places.in_run(run_id) + "check/")]
        for key, _ in said:
            sheet.drop(key)
        if assets:
            self._decide(assets, checks, sheet)

    @_follow.register
    def _(self, event: BackfillEvent, sheet: Sheet) -> None:
        sheet.put(places.backfill(event.backfill_id), True, places.RUNS_KEPT)
        target = Target.read(sheet)
        if event.backfill_id in target.waiting:
            self._add(target.released(event.backfill_id), target, sheet)
            target.keep(sheet)

    @_follow.register
    def _(self, event: SchemaChangeEvent, sheet: Sheet) -> None:
        decider = self.decider()
        info = decider.assets.asset(event.asset_key)
        # What is published says by itself that its columns are others.
        if event.asset_key not in decider.models_by_asset or (info and info.stage in decider.stages):
            return
        target = Target.read(sheet)
        bundle = Bundle({}, frozenset({event.asset_key}), True, (event.event_id,))
        self._add(bundle, target, sheet)
        target.keep(sheet)

    def _decide(self, assets: Iterable[Publication], checks: Sequence[Verdict], sheet: Sheet) -> None:
        decided = self.decider().decide(assets, checks, sheet)
        target = Target.read(sheet)
        now = Bundle()
        for publication, bundle in decided:
            backfill_id = publication.backfill_id
            if bundle and backfill_id and not sheet.get(places.backfill(backfill_id)):
                target.hold(backfill_id, bundle, sheet)
            else:
                now += bundle
        self._add(now, target, sheet)
        if any(bundle for _, bundle in decided):
            target.keep(sheet)

    def _add(self, bundle: Bundle, target: Target, sheet: Sheet) -> None:
        if not bundle:
            return
        target.add(bundle, sheet)
        # After a failure nobody waits for hours when there is something new.
        tries_again = target.phase == "waiting" and target.failures > 0
        if target.phase == "idle" or tries_again or target.is_lost(sheet.now):
            target.failures = 0
            target.step("waiting", self.layer, sheet, self.settings.wait)


def _note(sheet: Sheet, key: str, said: Publication | Verdict) -> None:
    """Of several attempts the last one counts, in whatever order they are told."""
    known: Any = sheet.get(key)
    if later(known, said.at):
        sheet.put(key, said.dump(), places.RUNS_KEPT)
