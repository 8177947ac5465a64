"""JSON Patch: the examples of RFC 6902, appendix A, and what is refused."""

from __future__ import annotations

import pytest

from .server.errors import ApiError
from .server.patching import apply, paths


@pytest.mark.parametrize(
    ("document", "operation", "expected"),
    [
        ({"foo": "bar"}, {"op": "add", "path": "/baz", "value": "qux"}, {"foo": "bar", "baz": "qux"}),
        (
            {"foo": ["bar", "baz"]},
            {"op": "add", "path": "/foo/1", "value": "qux"},
            {"foo": ["bar", "qux", "baz"]},
        ),
        ({"foo": ["bar"]}, {"op": "add", "path": "/foo/-", "value": ["a"]}, {"foo": ["bar", ["a"]]}),
        ({"foo": 1, "baz": 2}, {"op": "remove", "path": "/baz"}, {"foo": 1}),
        ({"foo": ["a", "b", "c"]}, {"op": "remove", "path": "/foo/1"}, {"foo": ["a", "c"]}),
        ({"foo": 1}, {"op": "replace", "path": "/foo", "value": None}, {"foo": None}),
        ({"a": {"b": 1}, "c": {}}, {"op": "move", "from": "/a/b", "path": "/c/d"}, {"a": {}, "c": {"d": 1}}),
        (
            {"foo": ["a", "b", "c"]},
            {"op": "move", "from": "/foo/0", "path": "/foo/2"},
            {"foo": ["b", "c", "a"]},
        ),
        ({"a": [1]}, {"op": "copy", "from": "/a", "path": "/b"}, {"a": [1], "b": [1]}),
        ({"a/b": {"m~n": 1}}, {"op": "test", "path": "/a~1b/m~0n", "value": 1}, {"a/b": {"m~n": 1}}),
        ({"a/b": {"m~n": 1}}, {"op": "replace", "path": "/a~1b/m~0n", "value": 2}, {"a/b": {"m~n": 2}}),
        ({"foo": "bar"}, {"op": "add", "path": "", "value": 3}, 3),
        ({"href": 1}, {"op": "remove", "path": "/href"}, {"href": 1}),
    ],
)
def test_what_it_does(document, operation, expected):
    assert expected == apply(document, [operation])


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/a/b", "value": 1},
        {"op": "add", "path": "/list/3", "value": 1},
        {"op": "add", "path": "/list/01", "value": 1},
        {"op": "remove", "path": "/none"},
        {"op": "remove", "path": "/list/-"},
        {"op": "replace", "path": "/none", "value": 1},
        {"op": "test", "path": "/text", "value": "other"},
        {"op": "move", "from": "/none", "path": "/a"},
        {"op": "add", "path": "text", "value": 1},
        {"op": "add", "path": "/text/x", "value": 1},
        {"op": "add", "path": "/x"},
        {"op": "merge", "path": "/x", "value": 1},
        {"path": "/x", "value": 1},
        "remove",
    ],
)
def test_what_it_refuses(operation):
    with pytest.raises(ApiError) as raised:
        apply({"text": "x", "list": [1, 2]}, [operation])

    assert 400 == raised.value.status


def test_all_of_it_or_nothing():
    document = {"a": 1}

    with pytest.raises(ApiError):
        apply(document, [{"op": "remove", "path": "/a"}, {"op": "test", "path": "/a", "value": 1}])

    assert {"a": 1} == document


def test_a_patch_is_an_array():
    with pytest.raises(ApiError):
        apply({}, {"op": "remove", "path": "/a"})


def test_a_test_changes_nothing():
    operations = [{"op": "test", "path": "/a", "value": 1}, {"op": "remove", "path": "/b"}]

    assert ["/b"] == paths(operations)
