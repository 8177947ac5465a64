"""Every link of ours leads somewhere; `mkdocs build --strict` does not look at the pages beside `docs`."""

from __future__ import annotations

from pathlib import Path

import pytest

from phlo_hooks_tests.docs.pages import PAGES, anchors, links, page_id


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_somewhere(page: Path):
    """A relative link names a file that is there, and an anchor that the file has."""
    assert [target for target in links(page) if not _leads_somewhere(page, target)] == []


def _leads_somewhere(page: Path, target: str) -> bool:
    if target.startswith(("https://", "mailto:")):
        return True
    path, _, anchor = target.partition("#")
    found = (page.parent / path).resolve() if path else page
    return found.exists() and (not anchor or anchor in anchors(found))
