"""Keeps one semantic layer up to date: begins a refresh, looks at it until it ends, and tells how it went.

Each step is an event in the outbox, due at its time, so a refresh goes on in whichever process is there.
There is one step to come at most: so one refresh is under way at most, and what is published meanwhile is
next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from phlo_hooks.errors import ConfigurationError, DeliveryError, PermanentError
from phlo_hooks.events import ErrorInfo, SemanticEvent
from phlo_hooks.semantics import places
from phlo_hooks.semantics.bundle import Bundle
from phlo_hooks.semantics.provider import Progress, SemanticLayerProvider
from phlo_hooks.semantics.settings import RefreshSettings
from phlo_hooks.semantics.sheet import Sheet, noted
from phlo_hooks.semantics.target import Layer, Running, Target
from phlo_hooks.state import StateStore

# Seconds after which a refresh that has failed is tried again; after the last one, with the next publication.
TRIES_AGAIN = (300.0, 1800.0, 7200.0, 21_600.0)


@dataclass(frozen=True)
class Keeper:
    """Takes one step of a layer.

    Args:
        layer: whose name and location it is told under.
        provider: does the work.
        state: the memory.
        clock: the time, aware.
        settings: how long to wait, and for what.
    """

    layer: Layer
    provider: SemanticLayerProvider
    state: StateStore
    clock: Callable[[], datetime]
    settings: RefreshSettings

    def step(self, event: SemanticEvent) -> None:
        """Take the step that an event says is due; nothing, if it was taken.

        Raises:
            DeliveryError: the layer cannot be reached now.
        """
        running = noted(self.state, self.clock, lambda sheet: self._taken(event.number, sheet))
        if running is not None:
            progress = self.progress(running)
            noted(self.state, self.clock, lambda sheet: self.went(event.number, running, progress, sheet))

    def _taken(self, number: int, sheet: Sheet) -> Running | None:
        """The refresh that the step is about; what was ready is taken for it."""
        target = Target.read(sheet)
        if target.number != number or target.phase == "idle":
            return None
        if target.phase == "waiting":
            # What was under way has not ended, if its next step was lost.
            before = target.running.bundle if target.running else Bundle()
            target.running = Running(before + target.ready, sheet.now.timestamp())
            target.ready, target.phase = Bundle(), "running"
            target.keep(sheet)
        return target.running

    def progress(self, running: Running) -> Progress:
        """What the layer says of a refresh; one that is not begun is begun.

        Raises:
            DeliveryError: it cannot say now, and may say later.
        """
        work = running.bundle.work()
        try:
            found = self.provider.look(work, running.jobs) if running.begun else self.provider.begin(work)
        except (PermanentError, ConfigurationError) as exc:
            return Progress("failed", error=str(exc))
        except Exception as exc:
            # Also what nobody has thought of: a layer that never answers otherwise would be stuck for days.
            if not self._is_late(running):
                raise
            return Progress("failed", error=_said(exc))
        if found.state == "running" and self._is_late(running):
            seconds = self.settings.give_up_after
            return replace(found, state="failed", error=f"it has not ended within {seconds:g} s")
        return found

    def _is_late(self, running: Running) -> bool:
        return self.clock().timestamp() - running.started_at > self.settings.give_up_after

    def went(self, number: int, running: Running, progress: Progress, sheet: Sheet) -> None:
        """Note how far a refresh is, unless another step was taken meanwhile."""
        target = Target.read(sheet)
        if target.number != number:
            return
        if progress.state == "running":
            target.running = replace(running, begun=True, jobs=progress.jobs)
            target.step("running", self.layer, sheet, self.settings.poll_every)
        else:
            self._end(target, running, progress, sheet)
        target.keep(sheet)

    def _end(self, target: Target, running: Running, progress: Progress, sheet: Sheet) -> None:
        """Tell how it went, and go on with what came meanwhile."""
        self._tell(target, running, progress, sheet)
        target.running, target.phase = None, "idle"
        if progress.state == "done":
            target.failures = 0
            if target.ready:
                target.step("waiting", self.layer, sheet, self.settings.wait)
            return
        came_meanwhile = bool(target.ready)
        target.ready = running.bundle + target.ready
        target.failures += 1
        if came_meanwhile:
            target.step("waiting", self.layer, sheet, self.settings.wait)
        elif target.failures <= len(TRIES_AGAIN):
            target.step("waiting", self.layer, sheet, TRIES_AGAIN[target.failures - 1])

    def _tell(self, target: Target, running: Running, progress: Progress, sheet: Sheet) -> None:
        done, bundle, when = progress.state == "done", running.bundle, running.bundle.date_range
        models = (done and progress.refreshed) or tuple(sorted(bundle.models))
        event = self.layer.event(
            "semantic.refreshed" if done else "semantic.refresh_failed",
            target.number,
            sheet.now,
            model_names=models,
            metric_names=progress.metrics,
            asset_keys=tuple(sorted(bundle.assets)),
            recompiled=bundle.recompile,
            range_start=when and when.start,
            range_end=when and when.end,
            publications=bundle.publications,
            duration=max(0.0, sheet.now.timestamp() - running.started_at),
            attempt=target.failures,
            details={**progress.details, "causes": list(bundle.causes)},
            error=None if done else ErrorInfo(message=progress.error or ""),
        )
        sheet.tell(event)
        for model in models:
            sheet.put(places.last(model), _remembered(model, event, progress))


def _said(exc: Exception) -> str:
    if isinstance(exc, DeliveryError):
        return str(exc)
    # What it says may hold anything; what is kept of its delivery is without secrets.
    return f"{type(exc).__name__}: `phlo-hooks deliveries` has what it said"


def _remembered(model: str, event: SemanticEvent, progress: Progress) -> dict[str, Any]:
    return {
        "model": model,
        "ok": progress.state == "done",
        "at": event.timestamp.isoformat(),
        "error": progress.error,
        "event_id": event.event_id,
    }
