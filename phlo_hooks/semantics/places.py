"""Where the engine keeps what it knows: keys of the memory, and how long each is kept."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

TARGET = "target"
HELD = "held/"
# A run that says nothing for a week says nothing any more.
RUNS_KEPT = timedelta(days=7)
# Of a partition that was not published for longer, a publication counts as news.
VERSIONS_KEPT = timedelta(days=400)


def digest(*words: str | None) -> str:
    """A part of a key, for names of any length."""
    return sha256("\0".join("" if word is None else f"={word}" for word in words).encode()).hexdigest()[:32]


def in_run(run_id: str, kind: str = "", *words: str | None) -> str:
    """What a run has said of a publication or a check; without words, what all of that begins with."""
    return "/".join(("run", run_id, *([kind] if kind else ()), digest(*words) if words else ""))


def ended(run_id: str) -> str:
    """That a run has ended."""
    return f"ended/{run_id}"


def backfill(backfill_id: str) -> str:
    """That a backfill has ended."""
    return f"backfill/{backfill_id}"


def asset(key: str, partition: str | None) -> str:
    """The last publication of a partition."""
    return f"asset/{digest(key, partition)}"


def schema(key: str) -> str:
    """The columns that an asset had."""
    return f"schema/{digest(key)}"


def held(model: str, partition: str | None) -> str:
    """What a model waits with until its other assets are there."""
    return f"{HELD}{digest(model, partition)}"


def last(model: str) -> str:
    """How a model's last refresh went."""
    return f"last/{digest(model)}"
