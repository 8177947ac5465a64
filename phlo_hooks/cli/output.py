"""What a command prints: tables for people, JSON for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

# Into a file or a pipe, where nothing says how wide a line may be: ids must not be cut.
PLAIN_WIDTH = 240


def print_json(document: Any) -> None:
    """One JSON document on one line; in ASCII, which any pipe takes."""
    click.echo(json.dumps(document))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table; the last column has the space that is left."""
    console = Console(file=sys.stdout)
    if not console.is_terminal:
        console = Console(file=sys.stdout, width=PLAIN_WIDTH)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns[:-1]:
        table.add_column(column, overflow="fold")
    table.add_column(columns[-1], no_wrap=not console.is_terminal)
    for row in rows:
        table.add_row(*(Text(printable(str(value))) for value in row))
    console.print(table)


def printable(text: str) -> str:
    """`text` without what a terminal would take for a command: errors are written by strangers."""
    return "".join(char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in text)


def first_line(text: str | None) -> str:
    """Enough of an error to know which one it is."""
    return (text or "").strip().partition("\n")[0]


def confirm(what: str, *, yes: bool) -> None:
    """Ask whether to go on.

    Raises:
        ClickException: nobody is there to be asked.
        Abort: the answer is no.
    """
    if yes:
        return
    if not someone_is_there():
        raise click.ClickException(f"{what}: nobody is there to confirm it; add --yes")
    click.confirm(f"{what}. Go on?", abort=True, err=True)


def to_terminal() -> bool:
    """Whether people read what is printed, and no program."""
    return sys.stdout.isatty()


def someone_is_there() -> bool:
    """Whether a question will be answered."""
    return sys.stdin.isatty()


def deliveries_of(number: int) -> str:
    """So many deliveries."""
    return f"{number} delivery" if number == 1 else f"{number} deliveries"


def events_of(number: int) -> str:
    """So many events."""
    return f"{number} event" if number == 1 else f"{number} events"
