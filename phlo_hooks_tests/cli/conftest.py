"""A store on disk and the command line on it, in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from phlo_hooks.cli import cli
from phlo_hooks.delivery.store import HookStore, Settlement
from phlo_hooks.envelope import utc_now
from phlo_hooks_tests.delivery.helpers import claim, make_entries

# Written by a receiver that would like to colour our terminal, and by rich's markup.
ERROR = "RuntimeError: 410 \x1b[31m[red]Gone\nTraceback: line 2"


@dataclass
class Console:
    """Runs commands on one store."""

    url: str

    def run(self, *arguments: str, code: int = 0, answer: str | None = None) -> Result:
        """A command that ends with this code, and without a traceback."""
        result = CliRunner().invoke(cli, [*arguments, "--store", self.url], input=answer)
        assert result.exit_code == code, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "Traceback (most recent" not in result.output
        return result

    def out(self, *arguments: str) -> str:
        return self.run(*arguments).stdout

    def error(self, *arguments: str) -> str:
        return self.run(*arguments, code=1).stderr

    def json(self, *arguments: str, code: int = 0) -> list[Any]:
        """What it prints, line by line."""
        out = self.run(*arguments, "--json", code=code).stdout
        return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def hook_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HookStore]:
    """Three events for HOOK: dead, delivered, waiting; and the clock of today."""
    monkeypatch.delenv("PHLO_HOOKS_STORE_URL", raising=False)
    store = HookStore(tmp_path / "hooks.db", clock=utc_now)
    store.record(make_entries(3))
    dead, delivered = claim(store, limit=2)
    store.settle(
        [Settlement.dead(dead.delivery_id, ERROR), Settlement.delivered(delivered.delivery_id)], owner="me"
    )
    yield store
    store.close()


@pytest.fixture
def console(hook_store: HookStore) -> Console:
    """The command line on that store."""
    return Console(str(hook_store.url))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Call it, and somebody sits at the keyboard."""

    def sit_down() -> None:
        monkeypatch.setattr("phlo_hooks.cli.output.someone_is_there", lambda: True)

    return sit_down
