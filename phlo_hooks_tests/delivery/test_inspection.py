"""A look at a store leaves it as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from phlo_hooks.delivery.inspection import StoreVersion, inspect_store
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.delivery.upgrade import HEAD
from phlo_hooks.errors import StoreUnavailableError

CANARY = "s3cr3t-canary"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Is not made."""
    found = inspect_store(tmp_path / "hooks.db")
    assert (found.found, found.current, found.newer) == (None, False, False)
    assert list(tmp_path.iterdir()) == []


def test_a_database_without_tables(shared_url: str) -> None:
    """Stays without; looking twice tells the same."""
    assert inspect_store(shared_url).found is None
    assert inspect_store(shared_url).found is None


def test_a_store(shared_store: HookStore, shared_url: str) -> None:
    """Has the version of this release."""
    shared_store.pending_count()
    found = inspect_store(shared_url)
    assert (found.found, found.current) == (HEAD, True)


@pytest.mark.parametrize(
    ("stamp", "newer"), [("0001", False), ("9999", True)], ids=["an older one", "a newer one"]
)
def test_another_release(shared_store: HookStore, shared_url: str, stamp: str, newer: bool) -> None:
    """Is told, and not touched."""
    shared_store.pending_count()
    engine = create_engine(shared_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE hook_alembic_version SET version_num = :stamp"), {"stamp": stamp})
    engine.dispose()
    found = inspect_store(shared_url)
    assert found == StoreVersion(found.url, stamp, HEAD)
    assert (found.current, found.newer) == (False, newer)


def test_a_password_is_not_told() -> None:
    """Neither in the error nor in its causes."""
    with pytest.raises(StoreUnavailableError) as caught:
        inspect_store(f"postgresql://user:{CANARY}@127.0.0.1:1/db", timeout=1)
    assert CANARY not in repr(caught.getrepr(chain=True))
