"""`docs/capabilities/openmetadata.md`: its tables are those of the code, and its commands print what it says."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner
from pydantic_core import PydanticUndefined

from phlo_hooks.capabilities import OpenMetadataResource
from phlo_hooks.capabilities.openmetadata.quality.check_kinds import COLUMN_KEYS, CheckKind
from phlo_hooks.capabilities.openmetadata.quality.results import ALL_ROWS, FAILED_ROWS, PASSED_ROWS
from phlo_hooks.capabilities.openmetadata.resource import EVENT_TYPES
from phlo_hooks.capabilities.openmetadata.template import TOKENS
from phlo_hooks.cli import cli
from phlo_hooks_tests.capabilities.openmetadata.conftest import VERSIONS
from phlo_hooks_tests.capabilities.openmetadata.server.permissions import Permissions, Principal
from phlo_hooks_tests.cli.catalog_lake import opened
from phlo_hooks_tests.docs.pages import DOCS, blocks, prose, table

PAGE = DOCS / "capabilities" / "openmetadata.md"
_NAME = re.compile(r"`([^`]+)`")
_PATH = re.compile(r"`(?:[A-Z]+ )?(/[^`]+)`")


class Used(NamedTuple):
    """What a server was asked for: the paths of writes, and operations on kinds of entities."""

    paths: set[str]
    asked: set[tuple[str, str]]


def test_every_field_is_in_the_table() -> None:
    """With its description and default, in the order of the code."""
    assert [tuple(row) for row in table(PAGE, "field")] == [
        (f"`{name}`", field.description, _default(field.default))
        for name, field in OpenMetadataResource.model_fields.items()
    ]


def test_every_hook_is_in_the_table() -> None:
    """Under its name; those are the fields that switch it off, too."""
    assert {_NAME.findall(row[0])[0] for row in table(PAGE, "hook")} == set(EVENT_TYPES)


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Used:
    """A project with tables, lineage, checks and runs, told to a server that takes note."""
    with pytest.MonkeyPatch.context() as patch:
        asked = set[tuple[str, str]]()
        check = Permissions.check

        def noted(self: Permissions, principal: Principal, operation: str, kind: str) -> None:
            if principal.bot:
                asked.add((operation, kind))
            check(self, principal, operation, kind)

        patch.setattr(Permissions, "check", noted)
        with opened(tmp_path_factory.mktemp("used"), VERSIONS[-1]) as catalog:
            catalog.run()
            catalog.command("--since", "1h")
            return Used({f"/{each.path}" for each in catalog.server.writes}, asked)


def test_every_request_that_writes_is_in_the_table(used: Used) -> None:
    """And none is named that nobody sends."""
    named = {path for row in table(PAGE, "hook") for path in _PATH.findall(row[2])}
    fits = {path: re.compile(re.sub(r"\{\w+\}", "[^/]+", path)) for path in named}
    assert [path for path in used.paths if not any(each.fullmatch(path) for each in fits.values())] == []
    # Those need an entity that is there already, or tags.
    more = {"/tables/{id}", "/pipelines/{id}", "/classifications", "/tags"}
    assert {path for path, each in fits.items() if not any(map(each.fullmatch, used.paths))} <= more


def test_every_permission_that_is_needed_is_in_the_table(used: Used) -> None:
    """By resource and operation; tests are edited by who may edit those of their table."""
    rows = [(row[0], set(re.findall(r"[A-Z]\w+", row[1]))) for row in table(PAGE, "resource")]
    everywhere = next(operations for kinds, operations in rows if kinds.startswith("all"))
    named = {(operation, kind) for kinds, each in rows for kind in _NAME.findall(kinds) for operation in each}
    asked = {(operation, "table" if operation == "EditTests" else kind) for operation, kind in used.asked}
    assert len(asked) > 10
    assert {(operation, kind) for operation, kind in asked - named if operation not in everywhere} == set()


def test_the_kinds_of_checks_are_those_of_the_code() -> None:
    """The definitions that the table names are those that are made."""
    named = {name for row in table(PAGE, "check") for name in _NAME.findall(row[1])}
    assert named == {
        CheckKind().definition(column=False),
        CheckKind().definition(column=True),
        CheckKind("dbt").definition(column=False),
        CheckKind("dbt", "not_null").definition(column=False),
        CheckKind("dbt", "not_null").definition(column=True),
    }


def test_every_key_and_token_is_named() -> None:
    """What a user may write."""
    named = set(_NAME.findall(prose(PAGE)))
    assert {*COLUMN_KEYS, *FAILED_ROWS, *PASSED_ROWS, *ALL_ROWS} - named == set()
    assert {f"{{{token}}}" for token in TOKENS} - named == set()


def test_the_mapping_is_what_the_command_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the first example; `…` stands for anything."""
    found = blocks(PAGE)
    file = tmp_path / "page_defs.py"
    file.write_text(next(each for each in found if each.language == "python").code, encoding="utf-8")
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("DAGSTER_HOME", "PHLO_HOOKS_STORE_URL"):
        monkeypatch.delenv(name, raising=False)
    result = CliRunner().invoke(cli, ["openmetadata", "mapping", "-f", str(file)])
    sys.modules.pop("page_defs", None)
    assert result.exit_code == 0, result.output
    shown = next(each for each in found if each.language == "text").code
    pattern = ".*".join(map(re.escape, _words(shown).split("…")))
    assert re.fullmatch(pattern, _words(result.stdout)), result.stdout


def _words(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())


def _default(value: object) -> str:
    if value is PydanticUndefined:
        return "required"
    return "" if value in (None, {}) else f"`{value!r}`"
