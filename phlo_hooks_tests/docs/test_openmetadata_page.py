"""`docs/capabilities/openmetadata.md`: its tables are those of the code, and its commands print what it says."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic_core import PydanticUndefined

from phlo_hooks.capabilities import OpenMetadataResource
from phlo_hooks.capabilities.openmetadata.check_kinds import COLUMN_KEYS, CheckKind
from phlo_hooks.capabilities.openmetadata.resource import EVENT_TYPES
from phlo_hooks.capabilities.openmetadata.results import ALL_ROWS, FAILED_ROWS, PASSED_ROWS
from phlo_hooks.capabilities.openmetadata.template import TOKENS
from phlo_hooks.cli import cli
from phlo_hooks_tests.docs.pages import DOCS, blocks, prose, table

PAGE = DOCS / "capabilities" / "openmetadata.md"
_NAME = re.compile(r"`([^`]+)`")


def test_every_field_is_in_the_table() -> None:
    """With its description and default, in the order of the code."""
    assert [tuple(row) for row in table(PAGE, "field")] == [
        (f"`{name}`", field.description, _default(field.default))
        for name, field in OpenMetadataResource.model_fields.items()
    ]


def test_every_hook_is_in_the_table() -> None:
    """Under its name; those are the fields that switch it off, too."""
    assert {_NAME.findall(row[0])[0] for row in table(PAGE, "hook")} == set(EVENT_TYPES)


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
