"""The tree of exceptions, as drawn, and what its members say."""

from __future__ import annotations

import inspect
import re
from datetime import timedelta

import pytest

from phlo_hooks import errors
from phlo_hooks.errors import MissingExtraError, PhloHooksError, RetryLater

CLASSES = [
    each for _, each in inspect.getmembers(errors, inspect.isclass) if each.__module__ == errors.__name__
]


def drawn() -> dict[str, str]:
    """Each class in the module's docstring with its parent, by indentation."""
    parents: list[str] = []
    tree = {}
    for indent, name in re.findall(r"^( *)\* (\w+)", errors.__doc__, re.MULTILINE):
        depth = len(indent) // 2
        parents[depth:] = [name]
        tree[name] = parents[depth - 1] if depth else "Exception"
    return tree


def test_the_drawing_is_the_tree():
    """Whoever reads the docstring must not be misled."""
    assert {each.__name__: each.__bases__[0].__name__ for each in CLASSES} == drawn()


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_one_root(cls):
    """One `except` catches all that we raise."""
    assert issubclass(cls, PhloHooksError)


@pytest.mark.parametrize("name", ["ValueError", "RecursionError", "ImportError"])
def test_builtin_relatives(name):
    """Where Python has a word for it, the drawing says so."""
    also = set(re.findall(rf"(\w+) +\(also an? {name}\)", errors.__doc__))
    found = {each.__name__ for each in CLASSES if name in {base.__name__ for base in each.__bases__}}
    assert found == also


@pytest.mark.parametrize(("after", "seconds"), [(30, 30.0), (1.5, 1.5), (timedelta(minutes=1), 60.0)])
def test_retry_later(after, seconds):
    """Seconds or a timedelta; the message says it when nothing else does."""
    assert seconds == RetryLater(after=after).after
    assert f"retry after {seconds:g} s" == str(RetryLater(after=after))
    assert "429" == str(RetryLater("429", after=after))


def test_missing_extra_says_what_to_install():
    """The next step is in the message."""
    error = MissingExtraError("apprise", "alerting")
    assert "'apprise' is not installed. Install it with: pip install 'phlo-hooks[alerting]'" == str(error)
