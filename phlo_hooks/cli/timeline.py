"""Events and their deliveries as a table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from phlo_hooks.delivery.history import events_of_run
from phlo_hooks.delivery.records import DeliveryRecord, DeliveryState
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.describe import details, measures, outcome, subject
from phlo_hooks.events import HookEvent

_MARKS = {
    DeliveryState.DELIVERED: "✓",
    DeliveryState.PENDING: "…",
    DeliveryState.RETRYING: "↻",
    DeliveryState.DEAD: "✗",
    DeliveryState.SUPPRESSED: "-",
}
_STYLES = {"failure": "red", "crashed": "red", "skipped": "yellow", "canceled": "yellow"}


def print_timeline(
    console: Console, store: HookStore, run_ids: Sequence[str], everything: bool = False
) -> None:
    """List the events of some runs, in the order in which they happened, and where each went."""
    events = sorted((e for run in run_ids for e in events_of_run(store, run)), key=lambda e: e.timestamp)
    shown = [event for event in events if everything or not _is_detail(event)]
    told: dict[str, list[DeliveryRecord]] = defaultdict(list)
    for run in run_ids:
        for delivery in store.deliveries(run_id=run):
            told[delivery.event_id].append(delivery)
    console.print(_table(shown, told))
    console.print(_summary(len(events), len(shown), [each for some in told.values() for each in some]))


def _is_detail(event: HookEvent) -> bool:
    return event.event_type.endswith(".start") or event.event_type == "lineage.edges"


def _table(events: Iterable[HookEvent], told: dict[str, list[DeliveryRecord]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("time", "event", "subject", "outcome", "told"):
        table.add_column(column, overflow="fold" if column in ("subject", "outcome") else "ellipsis")
    for event in events:
        how = outcome(event)
        style = _STYLES.get(how, "yellow" if how.startswith("failed") else "")
        table.add_row(
            f"{event.timestamp.astimezone():%H:%M:%S}",
            event.event_type,
            _about(event),
            Text(" ".join((how, *measures(event), *details(event)))[:120], style=style),
            " ".join(f"{_listener(each.hook)} {_MARKS[each.state]}" for each in told[event.event_id]),
        )
    return table


def _listener(hook: str) -> str:
    """The resource or plugin; of a hook that was passed to `with_hooks`, its own name."""
    plugin, _, name = hook.partition(".")
    return name if plugin == "definitions" else plugin


def _about(event: HookEvent) -> str:
    partition = event.correlation.partition_key
    return f"{subject(event)} [{partition}]" if partition else subject(event)


def _summary(events: int, shown: int, deliveries: Sequence[DeliveryRecord]) -> str:
    made = sum(each.state is DeliveryState.DELIVERED for each in deliveries)
    hidden = f" ({events - shown} starts and lineage events are not listed: --all)" if events > shown else ""
    return f"\n{events} events{hidden}, {made} of {len(deliveries)} deliveries made"
