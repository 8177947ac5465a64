"""Small values, kept by namespace and key."""

from __future__ import annotations

from datetime import timedelta

import pytest

from phlo_hooks.delivery.store import HookStore
from phlo_hooks.errors import StoreError
from phlo_hooks_tests.delivery.helpers import START, Clock

HOUR = timedelta(hours=1)


def value(store: HookStore, key: str = "k") -> object:
    """What is kept under a key of the test's namespace."""
    entry = store.get_state("ns", key)
    return entry and entry.value


@pytest.mark.parametrize("kept", [None, 0, "text", "🎣", [1, [2]], {"a": {"b": 1.5}}], ids=repr)
def test_what_json_can_say_is_kept(store: HookStore, kept: object) -> None:
    """And comes back as it was."""
    store.put_state("ns", "k", kept)
    entry = store.get_state("ns", "k")
    assert entry is not None
    assert (kept, 1, START) == (entry.value, entry.version, entry.updated_at)


def test_namespaces_are_apart(store: HookStore) -> None:
    """Two capabilities may both have a "cursor"."""
    store.put_state("a", "k", 1)
    store.put_state("b", "k", 2)
    store.delete_state("a", "k")
    store.delete_state("a", "never there")
    assert [tuple(e.value for e in store.list_state(ns)) for ns in ("a", "b")] == [(), (2,)]


def test_each_write_is_a_new_version(store: HookStore) -> None:
    """Which is how a reader knows that somebody wrote meanwhile."""
    for number in range(3):
        store.put_state("ns", "k", number)
    entry = store.get_state("ns", "k")
    assert entry is not None
    assert (entry.value, entry.version) == (2, 3)


def test_compare_and_set_keeps_the_first_of_two_writers(store: HookStore) -> None:
    """Both read nothing, or the same version; one of them is told to read again."""
    assert store.compare_and_set("ns", "k", None, "first")
    assert not store.compare_and_set("ns", "k", None, "second")
    assert store.compare_and_set("ns", "k", 1, "third")
    assert not store.compare_and_set("ns", "k", 1, "fourth")
    assert not store.compare_and_set("ns", "other", 1, "never there")
    assert value(store) == "third"


def test_what_has_expired_is_absent(store: HookStore, clock: Clock) -> None:
    """To every way of reading, before anything has deleted it."""
    store.put_state("ns", "k", 1, expires_at=clock() + HOUR)
    store.put_state("ns", "stays", 2)
    assert value(store) == 1
    clock.advance(3600)
    assert None is value(store)
    assert [entry.key for entry in store.list_state("ns")] == ["stays"]
    assert not store.compare_and_set("ns", "k", 1, "as if it were there")


def test_what_has_expired_can_be_set_anew(store: HookStore, clock: Clock) -> None:
    """Its versions go on, so that a writer from before does not fit."""
    store.put_state("ns", "k", 1, expires_at=clock() + HOUR)
    clock.advance(3600)
    assert store.compare_and_set("ns", "k", None, 2)
    entry = store.get_state("ns", "k")
    assert entry is not None
    assert (entry.value, entry.version, entry.expires_at) == (2, 2, None)


def test_expire_deletes_what_has_expired(store: HookStore, clock: Clock) -> None:
    """And nothing else; it says how much it was."""
    store.put_state("ns", "old", 1, expires_at=clock() + HOUR)
    store.put_state("ns", "new", 1, expires_at=clock() + 2 * HOUR)
    store.put_state("ns", "ever", 1)
    clock.advance(3600)
    assert (store.expire(), store.expire()) == (1, 0)
    assert [entry.key for entry in store.list_state("ns")] == ["ever", "new"]


def test_a_list_has_the_keys_with_that_prefix(store: HookStore) -> None:
    """`%` and `_` are characters like any other, and so is case."""
    for key in ("a_1", "a_2", "ab1", "A_1", "a%1", "a_🎣"):
        store.put_state("ns", key, key)
    assert {"a_1", "a_2", "a_🎣"} == {entry.key for entry in store.list_state("ns", "a_")}
    assert len(store.list_state("ns")) == 6


@pytest.mark.parametrize(
    ("namespace", "key"),
    [("n" * 256, "k"), ("ns", "k" * 513), ("", "k"), ("ns", "")],
    ids=["long namespace", "long key", "no namespace", "no key"],
)
def test_a_name_that_cannot_be_kept_is_refused(store: HookStore, namespace: str, key: str) -> None:
    """A database that cuts it in silence would mix two values up."""
    with pytest.raises(StoreError, match="characters"):
        store.put_state(namespace, key, 1)


def test_a_value_that_json_cannot_say_is_refused(store: HookStore) -> None:
    """NaN too: it comes back as a syntax error elsewhere."""
    for bad in (object(), float("nan"), {1, 2}):
        with pytest.raises(StoreError, match="ns/k: value is not JSON"):
            store.put_state("ns", "k", bad)
