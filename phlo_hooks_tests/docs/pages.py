"""The README and the pages under `docs/`: their code blocks, headings and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_AT_ROOT = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")
PAGES = (*(ROOT / name for name in _AT_ROOT), *sorted(DOCS.rglob("*.md")))

_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,}) *(?P<language>\w*)(?P<rest>.*)$")
_NOT_RUN = re.compile(r"<!-- not run: (?P<reason>.+?) -->")
_FILE = re.compile(r"<!-- file: (?P<name>[\w./]+) -->")
_COMMAND = re.compile(r"<!-- command: (?P<name>\w+) -->")
_HEADING = re.compile(r"^#{1,6} +(?P<title>.+?)(?: +\{#(?P<anchor>[\w-]+)\})?$")
_LINK = re.compile(r"(?<!`)!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block of code. `note` is the line above it, where a comment may say more of it."""

    page: Path
    line: int
    language: str
    code: str
    note: str

    @property
    def reason_not_run(self) -> str | None:
        """Why it is not executed, when its page says so."""
        found = _NOT_RUN.search(self.note)
        return found and found["reason"]

    @property
    def file_name(self) -> str | None:
        """The name of the file that it is, when its page gives one."""
        found = _FILE.search(self.note)
        return found and found["name"]

    @property
    def command_name(self) -> str | None:
        """The name under which `.ci/run` finds it."""
        found = _COMMAND.search(self.note)
        return found and found["name"]


def table(page: Path, first: str) -> list[list[str]]:
    """The rows of the table whose first column has this heading."""
    lines = page.read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first} |"))
    rows = takewhile(lambda line: line.startswith("|"), lines[start + 2 :])
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


def blocks(page: Path) -> list[Block]:
    """Every fenced block of a page, in order."""
    return list(_blocks(page, page.read_text(encoding="utf-8").splitlines()))


def _blocks(page: Path, lines: list[str]) -> Iterator[Block]:
    opened: re.Match[str] | None = None
    start, note = 0, ""
    for number, line in enumerate(lines, start=1):
        fence = _FENCE.match(line)
        if opened is None and fence:
            opened, start = fence, number
            note = next((text for text in reversed(lines[: number - 1]) if text.strip()), "")
        elif opened is not None and fence and fence["ticks"] == opened["ticks"] and not fence["language"]:
            indent = len(opened["indent"])
            code = "\n".join(text[indent:] for text in lines[start : number - 1])
            yield Block(page, start, opened["language"], code, note)
            opened = None


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    lines = page.read_text(encoding="utf-8").splitlines()
    for block in blocks(page):
        lines[block.line - 1 : block.line + block.code.count("\n") + 2] = [""] * (block.code.count("\n") + 3)
    return "\n".join(lines)


def links(page: Path) -> list[str]:
    """The targets of a page's links and images."""
    return [found["target"] for found in _LINK.finditer(prose(page))]


def anchors(page: Path) -> set[str]:
    """What may stand behind a `#` in a link to a page."""
    headings = (_HEADING.match(line) for line in prose(page).splitlines())
    return {found["anchor"] or _slug(found["title"]) for found in headings if found}


def _slug(title: str) -> str:
    """As Python-Markdown makes it, and GitHub for the titles that we have."""
    words = re.sub(r"[^\w\s-]", "", title.replace("`", "")).strip().lower()
    return re.sub(r"[-\s]+", "-", words)


def page_id(page: Path) -> str:
    """A page's path in the repository."""
    return page.relative_to(ROOT).as_posix()
