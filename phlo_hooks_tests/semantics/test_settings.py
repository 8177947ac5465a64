"""What of a layer's own settings is refused when its resource is built."""

from __future__ import annotations

from typing import Any

import pytest

from phlo_hooks.semantics.settings import RefreshSettings


@pytest.mark.parametrize(
    ("stages", "named"), [(["marts"], "'marts'"), (["publish", "backfill"], "'backfill'"), ([], "none")]
)
def test_stages_that_are_none(stages: list[str], named: str) -> None:
    """`backfill.end` is an event, too: it would be taken for a publication."""
    with pytest.raises(ValueError, match=f"stages names {named}: use one or more of ingestion, transform"):
        RefreshSettings(stages=stages)


@pytest.mark.parametrize("name", ["wait", "poll_every", "give_up_after"])
def test_no_end_is_no_time(name: str) -> None:
    """Each is added to a date."""
    given: dict[str, Any] = {name: float("inf")}
    with pytest.raises(ValueError, match="finite number"):
        RefreshSettings(**given)
