"""`phlo-hooks replay`: deliver once more, or to a hook that is new, what happened before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import click

from phlo_hooks.cli.history import HookHistory, run_locations
from phlo_hooks.cli.opening import StoreChoice, open_store
from phlo_hooks.cli.options import (
    all_option,
    delivery_state_options,
    json_option,
    require_criterion,
    store_options,
    yes_option,
)
from phlo_hooks.cli.output import confirm, deliveries_of, print_json
from phlo_hooks.cli.times import TimeType, iso
from phlo_hooks.delivery.records import DeliveryState
from phlo_hooks.delivery.selection import Selection
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import utc_now
from phlo_hooks.errors import ConfigurationError

if TYPE_CHECKING:
    import dagster as dg

_SETTLED = (DeliveryState.DELIVERED, DeliveryState.DEAD, DeliveryState.SUPPRESSED)


@click.command()
@delivery_state_options
@click.option(
    "--new-hook",
    metavar="NAME",
    help="Give these events to a hook that never got them, if its filter wants them; needs -m, -f or -w.",
)
@click.option("--dry-run", is_flag=True, help="Only say how many deliveries it would be.")
@click.option(
    "--settled-before",
    type=TimeType(),
    help="Finish a replay that was interrupted: the time that it printed when it began.",
)
@all_option
@yes_option
@json_option
@store_options
def replay(
    choice: StoreChoice,
    selection: Selection,
    new_hook: str | None,
    dry_run: bool,
    settled_before: datetime | None,
    everything: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Deliver events once more to the hooks that had them, under the same ids.

    Deliveries that are still open are left alone. Receivers that use the event id as a key take a replay for
    what it is; others do their work again.

    With --new-hook NAME a hook gets the history from before it was there; it gets each event once, however
    often this is run.
    """
    require_criterion(selection, everything, "replay")
    if new_hook:
        _refuse_criteria_of_deliveries(selection, new_hook)
        _give_history(choice, selection, new_hook, dry_run=dry_run, yes=yes, as_json=as_json)
        return
    store = open_store(choice)
    number = sum(_count(store, selection, state) for state in _SETTLED)
    if dry_run:
        _say("would be replayed", number, as_json, {"dry_run": True})
        return
    confirm(f"replay {deliveries_of(number)}", yes=yes)
    began = settled_before or utc_now()
    if not as_json:
        click.echo(f"replaying; if it is interrupted, finish it with --settled-before {iso(began)}", err=True)
    _say("replayed", store.replay(selection, settled_before=began), as_json, {"settled_before": iso(began)})


def _give_history(
    choice: StoreChoice, selection: Selection, hook: str, *, dry_run: bool, yes: bool, as_json: bool
) -> None:
    from phlo_hooks.cli.loading import open_instance

    _require_definitions(choice, hook)
    with open_instance() as instance:
        for history in _histories(choice, hook, instance):
            number = sum(1 for _ in history.wanted(selection))
            extra = {"hook": hook, "scope": history.scope}
            if dry_run:
                _say(f"at most would be new for {hook}", number, as_json, {**extra, "dry_run": True})
                continue
            confirm(f"give {hook} the events of at most {deliveries_of(number)}", yes=yes)
            added = history.store.give_history(hook, history.wanted(selection), scope=history.scope)
            _say(f"new for {hook}", added, as_json, extra)


def _require_definitions(choice: StoreChoice, hook: str) -> None:
    if not choice.names_definitions:
        raise ConfigurationError(
            f"--new-hook {hook}: which events it wants stands in your definitions; name them with -m, -f or "
            "-w"
        )


def _histories(choice: StoreChoice, hook: str, instance: dg.DagsterInstance) -> list[HookHistory]:
    """The code locations that have the hook.

    Raises:
        ConfigurationError: they have no such hook.
    """
    store, known, found = open_store(choice), set(), []
    for location in choice.locations():
        bus = location.runtime.bus(instance)
        names = {each.qualified_name for each in bus.hooks}
        known |= names
        if hook in names:
            found.append(HookHistory(store, bus, hook, location.name, run_locations(instance)))
    if not found:
        raise ConfigurationError(
            f"the definitions have no hook {hook!r}; they have {', '.join(sorted(known)) or 'none'}"
        )
    return found


def _refuse_criteria_of_deliveries(selection: Selection, new_hook: str) -> None:
    if selection.hook or selection.states or selection.scope:
        raise ConfigurationError(
            f"--new-hook {new_hook} has no deliveries yet: choose events by id, --type, --asset, --run, "
            "--since or --until, not by --hook, --state or --scope"
        )


def _count(store: HookStore, selection: Selection, state: DeliveryState) -> int:
    if selection.states is not None and state not in selection.states:
        return 0
    return store.count_deliveries(Selection(**{**vars(selection), "states": (state,)}))


def _say(what: str, number: int, as_json: bool, extra: Mapping[str, object]) -> None:
    if as_json:
        print_json({"deliveries": number, **extra})
    else:
        click.echo(f"{deliveries_of(number)} {what}")
