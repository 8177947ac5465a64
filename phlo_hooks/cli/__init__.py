"""The command line: `phlo-hooks`."""

from __future__ import annotations

from importlib import import_module

import click

from phlo_hooks import __version__
from phlo_hooks.errors import PhloHooksError

# Module and name of each command. Imported when it is used: the relay brings Dagster, which takes seconds.
_COMMANDS = {
    "alerts": ("phlo_hooks.cli.alerts", "alerts"),
    "dead-letters": ("phlo_hooks.cli.dead_letters", "dead_letters"),
    "deliveries": ("phlo_hooks.cli.deliveries", "deliveries"),
    "demo": ("phlo_hooks.cli.demo", "demo"),
    "events": ("phlo_hooks.cli.events", "events"),
    "health": ("phlo_hooks.cli.health", "health"),
    "hooks": ("phlo_hooks.cli.hooks", "hooks"),
    "openlineage": ("phlo_hooks.cli.openlineage", "openlineage"),
    "openmetadata": ("phlo_hooks.cli.openmetadata", "openmetadata"),
    "relay": ("phlo_hooks.cli.relay", "relay"),
    "replay": ("phlo_hooks.cli.replay", "replay"),
    "semantic": ("phlo_hooks.cli.semantic", "semantic"),
    "store": ("phlo_hooks.cli.store", "store"),
}


class _Commands(click.Group):
    """All commands. Whatever goes wrong ends with 1, and a sentence instead of a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except click.UsageError as exc:
            # Click's own 2 is what `health` says of a deployment that is degraded.
            exc.exit_code = 1  # type: ignore[misc]  # of this one, not of the class
            raise
        except PhloHooksError as exc:
            raise click.ClickException(str(exc)) from exc


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="phlo-hooks")
def cli() -> None:
    """A Hook Bus for Dagster: typed events, delivered to every tool that wants them."""


def main() -> None:
    """Run the command line; what the user can mend is shown as a message, not as a traceback."""
    cli(prog_name="phlo-hooks")
