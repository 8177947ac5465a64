"""A refresh from its beginning to its end, waited for."""

from __future__ import annotations

import time
from collections.abc import Callable

from phlo_hooks.errors import DeliveryError
from phlo_hooks.events import HookEvent, SchemaChangeEvent
from phlo_hooks.semantics.provider import ModelWork, Progress, SemanticLayerProvider, Work


def refresh_now(
    layer: SemanticLayerProvider,
    event: HookEvent,
    models: tuple[str, ...],
    *,
    poll_every: float,
    give_up_after: float,
) -> Progress:
    """Bring models up to date with what an event says was published, all of them, and wait for it.

    Args:
        layer: that holds them.
        event: says which asset.
        models: those that the asset feeds.
        poll_every: seconds between two looks.
        give_up_after: seconds that it may take.

    Raises:
        DeliveryError: it did not begin, cannot be looked at, or takes longer.
    """
    asset_key = event.correlation.asset_key
    assets = (asset_key,) if asset_key else ()
    work = Work(
        tuple(ModelWork(model, assets) for model in models),
        recompile=isinstance(event, SchemaChangeEvent),
        causes=(event.event_id,),
    )
    return wait_for(layer, work, poll_every=poll_every, give_up_after=give_up_after)


def wait_for(
    layer: SemanticLayerProvider,
    work: Work,
    *,
    poll_every: float,
    give_up_after: float,
    report: Callable[[Progress], None] = lambda progress: None,
) -> Progress:
    """Begin a refresh and look at it until it has ended.

    Args:
        layer: that does it.
        work: what to refresh.
        poll_every: seconds between two looks.
        give_up_after: seconds that it may take.
        report: is given each look.

    Raises:
        DeliveryError: it did not begin, cannot be looked at, or takes longer.
    """
    ends = time.monotonic() + give_up_after
    progress = layer.begin(work)
    report(progress)
    while progress.state == "running":
        if time.monotonic() >= ends:
            raise DeliveryError(f"the refresh has not ended within {give_up_after:g} s: {progress.jobs}")
        time.sleep(min(poll_every, max(0.0, ends - time.monotonic())))
        progress = layer.look(work, progress.jobs)
        report(progress)
    return progress
