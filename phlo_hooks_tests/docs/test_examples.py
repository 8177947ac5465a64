"""The Python in README and docs runs, from the top of each page to its end, and prints what the page says."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from phlo_hooks_tests.docs.pages import PAGES, Block, blocks, page_id

_EXAMPLES = {page: [b for b in blocks(page) if b.language in ("python", "text", "yaml")] for page in PAGES}
_WITH_PYTHON = [page for page, found in _EXAMPLES.items() if any(b.language == "python" for b in found)]


@pytest.fixture
def module(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    """What a page's examples are part of: Dagster and pydantic look annotations up in a module."""
    module = ModuleType("docs_example")
    sys.modules[module.__name__] = module
    yield module
    del sys.modules[module.__name__]


@pytest.mark.parametrize("page", _WITH_PYTHON, ids=page_id)
def test_examples_run(
    page: Path,
    module: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
):
    """A `text` block right after a `python` block is what it prints; `…` stands for anything.

    A `yaml` block after `<!-- file: name -->` is a file of that name.
    """
    monkeypatch.chdir(tmp_path)
    printed = ""
    for block in _EXAMPLES[page]:
        if block.language == "python" and block.reason_not_run is None:
            capfd.readouterr()
            _run(block, module)
            printed = capfd.readouterr().out
        elif block.language == "yaml" and block.file_name:
            Path(block.file_name).write_text(block.code, encoding="utf-8")
        elif block.language == "text" and printed:
            assert _fits(printed, block.code), f"{page_id(page)}:{block.line}: it printed\n{printed}"
            printed = ""


def test_most_examples_are_run():
    """A comment may take a block out, as long as few are."""
    python = [block for found in _EXAMPLES.values() for block in found if block.language == "python"]
    assert len([block for block in python if block.reason_not_run]) <= len(python) // 4


def _run(block: Block, module: ModuleType) -> None:
    # Line numbers of the page, so that a traceback points into it.
    source = "\n" * block.line + block.code
    exec(compile(source, str(block.page), "exec", dont_inherit=True), module.__dict__)  # noqa: S102


def _fits(printed: str, expected: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in expected.strip().split("…"))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None
