"""`phlo-hooks health`: how each hook is doing, for people, scripts and Prometheus."""

from __future__ import annotations

from collections.abc import Sequence

import click

from phlo_hooks.cli.documents import health_document
from phlo_hooks.cli.opening import StoreChoice, open_store
from phlo_hooks.cli.options import store_options
from phlo_hooks.cli.output import first_line, print_json, print_table
from phlo_hooks.cli.times import DurationType, age
from phlo_hooks.delivery.health import MAX_AGE, WINDOW, HookHealth
from phlo_hooks.delivery.switches import CLOSED

COLUMNS = (
    "hook",
    "circuit",
    "pending",
    "retrying",
    "in flight",
    "dead",
    "oldest",
    "per s",
    "problem",
    "error",
)
# What a script or a probe goes by; 1 is an error of the command itself.
DEGRADED = 2


@click.command()
@click.option("--hook", "hooks", multiple=True, metavar="NAME", help="This one; may be given more than once.")
@click.option(
    "--max-age",
    type=DurationType(),
    default=MAX_AGE,
    show_default="15m",
    help="How long a delivery may wait: 90s, 15m, 2h.",
)
@click.option(
    "--window", type=DurationType(), default=WINDOW, show_default="5m", help="What rates are taken over."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--prometheus", is_flag=True, help="The text format of Prometheus; needs the extra `metrics`.")
@store_options
@click.pass_context
def health(
    context: click.Context,
    choice: StoreChoice,
    hooks: tuple[str, ...],
    max_age: float,
    window: float,
    as_json: bool,
    prometheus: bool,
) -> None:
    """Tell how each hook is doing.

    Ends with 0 when all is well, with 2 when something is degraded: there are dead letters, a hook is not
    being called, or a delivery waits for longer than --max-age. With 1 when it cannot be told.
    """
    found = open_store(choice).health(hooks or None, window=window)
    if prometheus:
        from phlo_hooks.cli.metrics import exposition

        click.echo(exposition(found), nl=False)
    elif as_json:
        _print_document(found, max_age)
    else:
        print_table(COLUMNS, [_row(each, max_age) for each in found])
    context.exit(DEGRADED if any(each.problems(max_age) for each in found) else 0)


def _print_document(found: Sequence[HookHealth], max_age: float) -> None:
    healthy = not any(each.problems(max_age) for each in found)
    print_json({"healthy": healthy, "hooks": [health_document(each, max_age) for each in found]})


def _row(each: HookHealth, max_age: float) -> tuple[object, ...]:
    return (
        each.hook,
        each.circuit.state,
        each.pending,
        each.retrying,
        each.in_flight,
        each.dead,
        age(each.oldest_age),
        f"{each.delivered_per_second:.2f}",
        ", ".join(each.problems(max_age)) or "none",
        first_line(_why(each)),
    )


def _why(each: HookHealth) -> str | None:
    """What keeps a hook from being called; else the last error of its deliveries."""
    return each.last_error if each.circuit.state == CLOSED else each.circuit.reason or each.last_error
