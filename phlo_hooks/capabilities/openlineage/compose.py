"""From an event to OpenLineage events: a pure function of it, the definitions and what is remembered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from openlineage.client.event_v2 import DatasetEvent, Job, JobEvent, Run, RunEvent, RunState

from phlo_hooks.assets import AssetGraph
from phlo_hooks.capabilities.openlineage.activity import Activity, Kind, State, activity_of, is_told
from phlo_hooks.capabilities.openlineage.ancestry import Ancestry
from phlo_hooks.capabilities.openlineage.facets.job import asset_job_facets, check_job_facets, job_type
from phlo_hooks.capabilities.openlineage.facets.partitions import nominal_time
from phlo_hooks.capabilities.openlineage.facets.quality import test_run_facet
from phlo_hooks.capabilities.openlineage.facets.run import (
    dependencies_facet,
    engine_facet,
    error_facet,
    tags_facet,
)
from phlo_hooks.capabilities.openlineage.knowledge import sources
from phlo_hooks.capabilities.openlineage.ledger import Ledger, Page, Told
from phlo_hooks.capabilities.openlineage.lineage import Lineage
from phlo_hooks.capabilities.openlineage.producer import PRODUCER
from phlo_hooks.capabilities.openlineage.settings import JobName, Settings
from phlo_hooks.events import (
    AssetEvent,
    HookEvent,
    LineageEvent,
    QualityResultEvent,
    RunEvent as DagsterRunEvent,
    TelemetryEvent,
)

LINEAGE_SUFFIX = ".lineage"

AnyEvent = RunEvent | JobEvent | DatasetEvent


@dataclass(frozen=True)
class Message:
    """An OpenLineage event that is due.

    Args:
        run_id: of the run whose start or end it is; None where it is neither.
        told: what is known of that run once it is sent.
    """

    event: AnyEvent
    run_id: str | None = None
    told: Told = Told()  # noqa: RUF009  # immutable

    def note(self, page: Page) -> None:
        """It was sent."""
        if self.run_id is not None:
            page.tell(self.run_id, self.told)


class Composer:
    """Knows what an event comes to.

    Args:
        settings: of the resource.
        assets: the definitions.
    """

    def __init__(self, settings: Settings, assets: AssetGraph) -> None:
        self.settings, self.assets = settings, assets

    def page(self, event: HookEvent, ledger: Ledger) -> Page:
        """What is remembered of all that an event touches."""
        activity = activity_of(event)
        return ledger.open(
            run_id=activity.run_id if activity else None,
            dagster_run=event.run_id,
            assets=self._touched(event),
            computed=event.correlation.asset_key,
        )

    def messages(self, event: HookEvent, page: Page) -> Iterator[Message]:
        """What is to be sent, in this order. Each is to be noted before the next one is asked for."""
        key, is_news = event.correlation.asset_key, not _was_told(event, page)
        if key is None or self.settings.takes(key):
            yield from self._of(event, page)
        # Also of one that is not told: who reads it has to call it what whoever tells of it calls it.
        if isinstance(event, AssetEvent) and event.status == "success" and is_news:
            page.put(event.asset_key or "", self._lineage(event, page).written(event))

    def _of(self, event: HookEvent, page: Page) -> Iterator[Message]:
        if self._is_dataset_event(event):
            yield Message(self._dataset_event(event, page))
        elif activity := activity_of(event):
            yield from self._of_run(activity, page)

    def _of_run(self, activity: Activity, page: Page) -> Iterator[Message]:
        if isinstance(activity.event, DagsterRunEvent):
            self._note_tags(activity.event, page)
        for state in _due(activity, page.told(activity.run_id)):
            event = self._run_event(activity, state, page)
            yield Message(event, activity.run_id, _told(activity, state, page))

    def _is_dataset_event(self, event: HookEvent) -> bool:
        if isinstance(event, TelemetryEvent):
            return is_told(event)
        runless = isinstance(event, AssetEvent) and event.run_id is None
        return runless and self.settings.runless == "dataset"

    def _dataset_event(self, event: Any, page: Page) -> DatasetEvent:
        dataset = self._lineage(event, page).observed(event)
        return DatasetEvent(eventTime=_time(event.timestamp), producer=PRODUCER, dataset=dataset)

    def _run_event(self, activity: Activity, state: State, page: Page) -> RunEvent:
        lineage = self._lineage(activity.event, page)
        when = activity.began if state is State.START else activity.event.timestamp
        return RunEvent(
            eventTime=_time(when),
            eventType=RunState(state.value),
            producer=PRODUCER,
            run=Run(activity.run_id, self._run_facets(activity, state, lineage)),
            job=Job(*self._job(activity, lineage), facets=self._job_facets(activity, lineage)),
            inputs=lineage.inputs(activity, state),
            outputs=lineage.outputs(activity, state),
        )

    def _run_facets(self, activity: Activity, state: State, lineage: Lineage) -> dict[str, Any]:
        event = activity.event
        facets: dict[str, Any] = {
            **engine_facet(),
            **Ancestry(self.settings, lineage.run_tags).facets(activity),
            **tags_facet(lineage.run_tags),
        }
        if state in (State.FAIL, State.ABORT):
            facets |= error_facet(getattr(event, "error", None) or _of_step(event))
        window = lineage.partitions(event)
        facets |= {"nominalTime": found} if (found := nominal_time(window)) else {}
        if isinstance(event, AssetEvent):
            facets |= dependencies_facet(self._upstream_jobs(event, lineage))
        if isinstance(event, QualityResultEvent) and state is State.COMPLETE:
            facets["test"] = test_run_facet(event, self.assets.check(event.asset_key, event.check_name))
        return facets

    def _upstream_jobs(self, event: AssetEvent, lineage: Lineage) -> list[JobName]:
        upstream = (lineage.info(key) for key in lineage.upstream(event))
        return [self.settings.asset_job(each, lineage.run_tags) for each in upstream if each.executable]

    def _job(self, activity: Activity, lineage: Lineage) -> JobName:
        event, tags = activity.event, lineage.run_tags
        where = event.correlation
        if activity.kind is Kind.JOB:
            return self.settings.run_job(where.job_name, tags)
        if activity.kind is Kind.BACKFILL:
            return self.settings.backfill_job(where.job_name)
        suffix = {Kind.CHECK: f".{where.check_name}", Kind.LINEAGE: LINEAGE_SUFFIX}.get(activity.kind, "")
        return self.settings.asset_job(lineage.info(_subject(event)), tags, suffix)

    def _job_facets(self, activity: Activity, lineage: Lineage) -> dict[str, Any]:
        event = activity.event
        if isinstance(event, AssetEvent):
            info = lineage.info(event.asset_key or "")
            return asset_job_facets(info, getattr(event, "sql", None))
        if isinstance(event, QualityResultEvent):
            check = self.assets.check(event.asset_key, event.check_name)
            return check_job_facets(check, event.owners)
        return job_type(activity.kind)

    def _lineage(self, event: HookEvent, page: Page) -> Lineage:
        return Lineage(self.settings, self.assets, page, self._run_tags(event, page))

    def _run_tags(self, event: HookEvent, page: Page) -> Mapping[str, str]:
        """The tags of the Dagster run: an event has them together with those of its asset."""
        info = self.assets.asset(event.correlation.asset_key or "")
        own = info.tags if info else {}
        tags = {key: value for key, value in event.tags.items() if own.get(key) != value}
        return {**tags, **(page.run_tags(event.run_id) or {})}

    def _note_tags(self, event: DagsterRunEvent, page: Page) -> None:
        """An asset's tag may hide one of the run: what names are made of is kept."""
        kept = {key: value for key, value in event.tags.items() if key in self.settings.tag_keys}
        if event.run_id and kept:
            page.tag_run(event.run_id, kept)

    def _touched(self, event: HookEvent) -> list[str]:
        if isinstance(event, LineageEvent):
            columns = (edge.upstream_asset for edge in event.column_edges)
            return list(dict.fromkeys((*event.asset_keys, *columns)))
        where = event.correlation
        if where.asset_key is None:
            return []
        info = self.assets.asset(where.asset_key)
        check = self.assets.check(where.asset_key, where.check_name) if where.check_name else None
        edges = [edge.upstream_asset for edge in getattr(event, "column_lineage", ())]
        others = (*(sources(info) if info else ()), *(check.upstream if check else ()), *edges)
        return list(dict.fromkeys((where.asset_key, *others)))


def _was_told(event: HookEvent, page: Page) -> bool:
    """Whether it is a replay: since then another run may have put the dataset elsewhere."""
    activity = activity_of(event)
    return activity is not None and page.told(activity.run_id).end == event.event_id


def _due(activity: Activity, told: Told) -> list[State]:
    """What an event brings that was not told before, or, when it comes once more, what it brought then."""
    own, state = activity.event.event_id, activity.state
    if state is State.START:
        return [state] if told.start == own or told == Told() else []
    # Not where the start alone was taken before: it is the end that is tried again.
    begins = [State.START] if told.start is None or told == Told(own, own) else []
    if told.end in (None, own):
        return [*begins, state]
    # A run ends once. Another materialization of the same attempt is news; another failure is none.
    return [State.OTHER] if state is State.COMPLETE else []


def _told(activity: Activity, state: State, page: Page) -> Told:
    told, own = page.told(activity.run_id), activity.event.event_id
    if state is State.START:
        return replace(told, start=own)
    return told if state is State.OTHER else replace(told, end=own)


def _subject(event: HookEvent) -> str:
    if isinstance(event, LineageEvent) and event.edges:
        return event.edges[0][1]
    return event.correlation.asset_key or ""


def _of_step(event: HookEvent) -> Any:
    """The error of the first step that failed; a run that fails has none of its own then."""
    steps = getattr(event, "failed_steps", ())
    return next((step.error for step in steps if step.error), None)


def _time(when: datetime) -> str:
    return when.isoformat().replace("+00:00", "Z")
