"""What a decorator does around a function: announce the start, show each output to those who may object."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

import dagster as dg

from phlo_hooks.envelope import utc_now
from phlo_hooks.events import HookEvent
from phlo_hooks.producers import asset_events, quality_events
from phlo_hooks.producers.dagster_private import asset_of_output, running_step, step_key_of
from phlo_hooks.producers.dbt import manifest_of
from phlo_hooks.producers.dbt_sql import with_compiled_sql
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
        """`outputs`, each with what the integrations of dlt and of dbt leave out of its metadata."""
        if self._session is None:
            return outputs
        catalog = self._session.catalog
        specs = [
            catalog.asset(key).metadata for key in {each.asset_key for each in self._planned(self._session)}
        ]
        if any("dagster_dlt/source" in spec for spec in specs):
            return with_load_details(outputs, self._context)
        of_dbt = next((spec for spec in specs if manifest_of(spec)), None)
        if of_dbt is None:
            return outputs
        return with_compiled_sql(outputs, of_dbt, self._context.run.run_id, self._session.clean)

    def _planned(self, session: RunSession) -> Iterable[Planned]:
        return session.planned.get(step_key_of(self._context), ())

    def _announce(self, session: RunSession) -> None:
        place = session.place(step_key_of(self._context), self._attempt)
        for planned in self._planned(session):
            if planned.check_name is None and place.makes(planned):
                session.send(asset_events.start(place, planned, utc_now()))

    @property
    def _attempt(self) -> int:
        return int(self._context.retry_number) + 1

    def _ends(self, session: RunSession, output: Any) -> Iterable[HookEvent]:
        place = session.place(step_key_of(self._context), self._attempt)
        planned = [each for each in self._planned(session) if each.check_name is None]
        for found in _outputs(self._context, planned, output):
            if isinstance(found, dg.AssetCheckEvaluation):
                yield quality_events.evaluation(place, found, utc_now())
            else:
                yield asset_events.end(place, found, utc_now())


def _outputs(context: Any, planned: Sequence[Planned], output: Any) -> Iterable[Any]:
    """What Dagster will record of an output, as far as can be known before it does."""
    if isinstance(output, dg.AssetCheckResult):
        yield _evaluation(context, output)
    elif isinstance(output, dg.MaterializeResult):
        yield from _materializations(output.asset_key, output.metadata, planned)
        for result in output.check_results or ():
            yield _evaluation(context, result)
    elif isinstance(output, dg.Output):
        key = asset_of_output(context, output.output_name)
        if key is not None:
            yield from _materializations(key, output.metadata, planned)
    elif isinstance(output, dg.AssetMaterialization):
        yield output
    elif not isinstance(output, _NO_OUTPUTS):
        for each in _returned(context, output):
            yield from _outputs(context, planned, each)


_RESULTS = (dg.MaterializeResult, dg.AssetCheckResult)
_NO_OUTPUTS = (dg.AssetObservation, dg.AssetCheckEvaluation, dg.ObserveResult, dg.ExpectationResult)


def _returned(context: Any, value: Any) -> Iterable[Any]:
    """A returned value as the output that it is; of several outputs a tuple has one value each."""
    names = [each.name for each in context.op_def.output_defs]
    several = isinstance(value, tuple) and (len(names) > 1 or any(isinstance(v, _RESULTS) for v in value))
    for name, each in zip(names, value if several else (value,), strict=False):
        if isinstance(each, _RESULTS):
            yield each
        elif isinstance(each, dg.Output):
            # In a tuple its place says which output it is.
            yield dg.Output(each.value, name, metadata=each.metadata)
        else:
            yield dg.Output(each, name)


def _materializations(
    key: dg.AssetKey | None, metadata: Any, planned: Sequence[Planned]
) -> Iterable[dg.AssetMaterialization]:
    """One for each partition that was planned of the asset; a single asset's key may be left out."""
    names = {each.asset_key for each in planned}
    own = {key.to_user_string()} if key else names if len(names) == 1 else set()
    for each in planned:
        if each.asset_key in own:
            yield dg.AssetMaterialization(
                dg.AssetKey.from_user_string(each.asset_key), metadata=metadata, partition=each.partition_key
            )


def _evaluation(context: Any, result: dg.AssetCheckResult) -> dg.AssetCheckEvaluation:
    step = context.get_step_execution_context()
    return result.to_asset_check_evaluation(step)
