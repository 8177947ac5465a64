"""The command line: `phlo-hooks`."""

from __future__ import annotations

import sys

import click

from phlo_hooks import __version__
from phlo_hooks.cli.demo import demo
from phlo_hooks.cli.relay import relay
from phlo_hooks.errors import PhloHooksError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="phlo-hooks")
def cli() -> None:
    """A Hook Bus for Dagster: typed events, delivered to every tool that wants them."""


cli.add_command(demo)
cli.add_command(relay)


def main() -> None:
    """Run the command line; what the user can mend is shown as a message, not as a traceback."""
    try:
        cli(prog_name="phlo-hooks")
    except PhloHooksError as exc:
        click.echo(f"Error: {exc}", err=True)
        sys.exit(1)
