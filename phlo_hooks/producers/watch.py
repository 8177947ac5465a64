"""What a decorator does around a function: announce the start, show each output to those who may object."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import dagster as dg

from phlo_hooks.envelope import utc_now
from phlo_hooks.events import HookEvent
from phlo_hooks.producers import asset_events, quality_events
from phlo_hooks.producers.dagster_private import running_step, step_key_of
from phlo_hooks.producers.dlt import with_load_details
from phlo_hooks.producers.live import live_session
from phlo_hooks.producers.runlog import Planned
from phlo_hooks.producers.session import RunSession

logger = logging.getLogger("phlo_hooks.decorators")


class Watch:
    """One call of a decorated function. Outside of a run, or of `with_hooks`, it does nothing."""

    def __init__(self, context: Any = None, session: RunSession | None = None) -> None:
        self._context = context
        self._session = session

    @classmethod
    def begin(cls) -> Watch:
        """Announce the start of what the running step is to materialize.

        Raises:
            Exception: what a hook with `failure_policy="raise"` raised: the step ends before any work.
        """
        context = running_step()
        if context is None:
            return cls()
        session = live_session(context.run.run_id)
        if session is None:
            logger.warning(
                "run %s has no Hook Bus: wrap your definitions in with_hooks()", context.run.run_id
            )
            return cls()
        watch = cls(context, session)
        watch._announce(session)
        return watch

    def through(self, output: Any) -> Any:
        """`output`, once no hook objects to what will be told of it.

        Raises:
            Exception: what a hook with `failure_policy="raise"` raised: the step fails without this output.
        """
        if self._session is None:
            return output
        for event in self._ends(self._session, output):
            self._session.gate(event)
        return output

    def stream(self, outputs: Iterable[Any]) -> Iterable[Any]:
        """`outputs`, each with what dlt's integration leaves out of its metadata, where they are dlt's."""
        if self._session is None:
            return outputs
        catalog = self._session.catalog
        assets = (catalog.asset(each.asset_key) for each in self._planned(self._session))
        is_dlt = any("dagster_dlt/source" in asset.metadata for asset in assets)
        return with_load_details(outputs, self._context) if is_dlt else outputs

    def _planned(self, session: RunSession) -> Iterable[Planned]:
        return session.planned.get(step_key_of(self._context), ())

    def _announce(self, session: RunSession) -> None:
        place = session.place(step_key_of(self._context), self._attempt)
        for planned in self._planned(session):
            if planned.check_name is None:
                session.bus.emit(asset_events.start(place, planned, utc_now()))

    @property
    def _attempt(self) -> int:
        return int(self._context.retry_number) + 1

    def _ends(self, session: RunSession, output: Any) -> Iterable[HookEvent]:
        place = session.place(step_key_of(self._context), self._attempt)
        for found in _outputs(self._context, output):
            if isinstance(found, dg.AssetCheckEvaluation):
                yield quality_events.evaluation(place, found, utc_now())
            else:
                yield asset_events.end(place, found, utc_now())


def _outputs(context: Any, output: Any) -> Iterable[Any]:
    """What Dagster will record of an output, as far as can be known before it does."""
    if isinstance(output, dg.AssetCheckResult):
        yield _evaluation(context, output)
    elif isinstance(output, dg.MaterializeResult):
        yield _materialization(context, output.asset_key, output.metadata)
        for result in output.check_results or ():
            yield _evaluation(context, result)
    elif isinstance(output, dg.Output):
        key = context.asset_key_for_output(output.output_name)
        yield _materialization(context, key, output.metadata)
    elif isinstance(output, dg.AssetMaterialization):
        yield output
    elif isinstance(output, tuple):
        for each in output:
            yield from _outputs(context, each) if isinstance(each, _RESULTS) else ()
    elif not isinstance(output, (dg.AssetObservation, dg.AssetCheckEvaluation)):
        yield from _plain_result(context)


_RESULTS = (dg.MaterializeResult, dg.AssetCheckResult, dg.Output)


def _plain_result(context: Any) -> Iterable[dg.AssetMaterialization]:
    keys = context.selected_asset_keys
    if len(keys) == 1:
        yield _materialization(context, next(iter(keys)), None)


def _materialization(context: Any, key: dg.AssetKey | None, metadata: Any) -> dg.AssetMaterialization:
    own = key or next(iter(context.selected_asset_keys))
    partition = context.partition_key if context.has_partition_key else None
    return dg.AssetMaterialization(own, metadata=metadata, partition=partition)


def _evaluation(context: Any, result: dg.AssetCheckResult) -> dg.AssetCheckEvaluation:
    step = context.get_step_execution_context()
    return result.to_asset_check_evaluation(step)
