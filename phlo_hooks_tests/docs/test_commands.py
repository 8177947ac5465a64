"""The commands that README and docs tell a reader to type are commands that there are."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from itertools import dropwhile
from pathlib import Path

import click
import pytest

from phlo_hooks.cli import cli
from phlo_hooks_tests.docs.pages import PAGES, ROOT, Block, blocks, page_id

_SHELL = ("bash", "console", "sh", "shell")
_SHELL_BLOCKS = [block for page in PAGES for block in blocks(page) if block.language in _SHELL]


def _our_commands() -> Iterator[pytest.ParameterSet]:
    for block in _SHELL_BLOCKS:
        for line in block.code.replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|\|\||;|\|", line.partition("#")[0]):
                program, *arguments = _without_variables(shlex.split(part)) or [""]
                if Path(program).name == "phlo-hooks":
                    yield pytest.param(arguments, id=f"{page_id(block.page)}:{block.line} {part.strip()}")


def _without_variables(words: list[str]) -> list[str]:
    return list(dropwhile(lambda word: "=" in word, words))


@pytest.mark.parametrize("arguments", list(_our_commands()))
def test_the_command_line_takes_it(arguments: list[str]):
    """Every `phlo-hooks …` has a command of that name, with those options."""
    command: click.Command = cli
    context = click.Context(command)
    while isinstance(command, click.Group):
        _, found, arguments = command.resolve_command(context, arguments)
        assert found is not None
        command, context = found, click.Context(found, parent=context)
    command.make_parser(context).parse_args(list(arguments))


def test_readme_has_the_two_commands():
    """One line each, so that they can be copied whole."""
    commands = _named_commands(ROOT / "README.md")
    assert set(commands) == {"demo", "tests"}
    assert all("\n" not in command for command in commands.values())


def test_ci_runs_the_readmes_command():
    """`.ci/run` reads the command from the README, so that they cannot drift apart."""
    shown = subprocess.run([ROOT / ".ci" / "run", "show-tests"], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == _named_commands(ROOT / "README.md")["tests"]


def _named_commands(page: Path) -> dict[str, str]:
    def name(block: Block) -> str:
        return block.command_name or ""

    return {name(block): block.code for block in blocks(page) if name(block)}
