"""The options that several commands have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

import click

from phlo_hooks.cli.opening import STORE_VARIABLE, StoreChoice
from phlo_hooks.cli.times import TimeType
from phlo_hooks.delivery.records import DeliveryState
from phlo_hooks.delivery.selection import Selection
from phlo_hooks.errors import ConfigurationError

F = TypeVar("F", bound=Callable[..., Any])

_STORE = (
    click.option(
        "--store",
        "store_url",
        metavar="URL",
        help=f"The store  [default: of the definitions, else {STORE_VARIABLE}, else that of DAGSTER_HOME]",
    ),
    click.option("-m", "--module", help="The module that has your Definitions."),
    click.option("-f", "--file", "file", help="The Python file that has your Definitions."),
    click.option("-w", "--workspace", help="The workspace.yaml that names your Definitions."),
)
_EVENTS = (
    click.option("--type", "event_type", metavar="TYPE", help="Event type; may have * and ?."),
    click.option("--asset", "asset_key", metavar="KEY", help="Asset key, a/b/c; may have * and ?."),
    click.option("--run", "run_id", metavar="ID", help="Run id."),
    click.option(
        "--since",
        type=TimeType(),
        help="Happened at or after: 2026-03-14T09:00 (UTC), or 2h for two hours ago.",
    ),
    click.option("--until", type=TimeType(), help="Happened before."),
)
_HOOK = (
    click.option("--hook", metavar="NAME", help="plugin.hook_name; may have * and ?."),
    click.option("--scope", metavar="NAME", help="The code location that has the hook."),
)
_STATE = click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([state.value for state in DeliveryState]),
    help="May be given more than once.",
)
_IDS = click.argument("ids", metavar="[EVENT_ID]...", nargs=-1)

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document for each line.")
limit_option = click.option(
    "-n", "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="The newest so many."
)
yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")
all_option = click.option("--all", "everything", is_flag=True, help="All of them: no criterion is needed.")
location_option = click.option(
    "--location", metavar="NAME", help="The code location's name, where your deployment gave it another."
)
resource_option = click.option(
    "--resource", "resource_key", metavar="KEY", help="The resource with this key; all of them, else."
)


def store_options(command: F) -> F:
    """Options that say which store; the command gets them as `choice`."""

    @wraps(command)
    def with_choice(
        store_url: str | None, module: str | None, file: str | None, workspace: str | None, **rest: Any
    ) -> Any:
        return command(choice=StoreChoice(store_url, module, file, workspace), **rest)

    return cast(F, _decorated(with_choice, _STORE))


def event_options(command: F) -> F:
    """Options that say which events; the command gets them as `selection`."""
    return _selecting(command, _EVENTS)


def delivery_options(command: F) -> F:
    """Options that say which deliveries, whatever their state."""
    return _selecting(command, (_IDS, *_HOOK, *_EVENTS))


def delivery_state_options(command: F) -> F:
    """Options that say which deliveries, their states too."""
    return _selecting(command, (_IDS, _STATE, *_HOOK, *_EVENTS))


def require_criterion(selection: Selection, everything: bool, what: str) -> None:
    """Refuse to change all there is without being told so.

    Raises:
        ConfigurationError: no criterion was given, and not --all either.
    """
    if selection.everything and not everything:
        raise ConfigurationError(
            f"{what} which deliveries? Give event ids, --hook, --type, --asset, --run or --since; or --all"
        )


def _selecting(command: F, options: Sequence[Callable[[Any], Any]]) -> F:
    names = set(Selection.__dataclass_fields__)

    @wraps(command)
    def with_selection(**given: Any) -> Any:
        criteria = {name: given.pop(name) for name in names & given.keys()}
        return command(selection=_selection(criteria), **given)

    return cast(F, _decorated(with_selection, options))


def _selection(criteria: dict[str, Any]) -> Selection:
    """Of ids and states, none on the command line means any."""
    criteria["ids"] = criteria.get("ids") or None
    states = criteria.get("states")
    criteria["states"] = tuple(map(DeliveryState, states)) if states else None
    return Selection(**criteria)


def _decorated(command: Any, options: Sequence[Callable[[Any], Any]]) -> Any:
    for option in reversed(options):
        command = option(command)
    return command
