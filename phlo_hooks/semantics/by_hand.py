"""A refresh that somebody asks for, and waits for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone

from phlo_hooks.errors import ConfigurationError, DeliveryError
from phlo_hooks.semantics.bundle import Bundle
from phlo_hooks.semantics.keeper import Keeper
from phlo_hooks.semantics.provider import Progress
from phlo_hooks.semantics.sheet import Sheet, noted
from phlo_hooks.semantics.target import Running, Target


def refresh_by_hand(
    keeper: Keeper, bundle: Bundle, *, force: bool = False, report: Callable[[Progress], None]
) -> Progress:
    """Refresh now, together with what is ready, and tell how it went as of any refresh.

    A relay goes on with it, should this process end before.

    Args:
        keeper: of the layer.
        bundle: what to refresh.
        force: also while another refresh is under way, whose end is then not told.
        report: is given each look.

    Raises:
        ConfigurationError: another refresh is under way.
    """
    running, number = noted(keeper.state, keeper.clock, lambda sheet: _taken(keeper, bundle, force, sheet))
    while (progress := _progress(keeper, running)).state == "running":
        report(progress)
        running = replace(running, begun=True, jobs=progress.jobs)
        _note(keeper, number, running)
        time.sleep(keeper.settings.poll_every)
    report(progress)
    noted(keeper.state, keeper.clock, lambda sheet: keeper.went(number, running, progress, sheet))
    return progress


def _taken(keeper: Keeper, bundle: Bundle, force: bool, sheet: Sheet) -> tuple[Running, int]:
    target = Target.read(sheet)
    before = target.running
    if before and not force and not target.is_lost(sheet.now):
        since = datetime.fromtimestamp(before.started_at, timezone.utc)
        raise ConfigurationError(
            f"{keeper.layer.name}: a refresh is under way since {since:%Y-%m-%d %H:%M:%S} UTC: "
            "wait for its end, or add --force"
        )
    pending = (before.bundle if before else Bundle()) + target.ready
    target.running = Running(pending + bundle, sheet.now.timestamp())
    target.ready = Bundle()
    target.step("running", keeper.layer, sheet, keeper.settings.give_up_after)
    target.keep(sheet)
    return target.running, target.number


def _progress(keeper: Keeper, running: Running) -> Progress:
    try:
        return keeper.progress(running)
    except DeliveryError as exc:
        return Progress("failed", error=str(exc))


def _note(keeper: Keeper, number: int, running: Running) -> None:
    def note(sheet: Sheet) -> None:
        target = Target.read(sheet)
        if target.number == number:
            target.running = running
            target.keep(sheet)

    noted(keeper.state, keeper.clock, note)
