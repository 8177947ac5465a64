"""JSON Patch (RFC 6902)."""

from __future__ import annotations

import copy
from typing import Any

from .errors import bad_request

_GENERATED = ("href", "changeDescription", "incrementalChangeDescription")


def apply(document: Any, operations: Any) -> Any:
    """The document after the operations, all of them or none; those on generated fields are passed over."""
    if not isinstance(operations, list):
        raise bad_request("a JSON Patch is an array of operations")
    result = copy.deepcopy(document)
    for operation in operations:
        _check(operation)
        if operation["path"].rpartition("/")[2] not in _GENERATED:
            result = _OPERATIONS[operation["op"]](result, operation)
    return result


def paths(operations: Any) -> list[str]:
    """The paths that a patch changes."""
    return [operation["path"] for operation in operations if operation.get("op") != "test"]


def _check(operation: Any) -> None:
    if not isinstance(operation, dict) or operation.get("op") not in _OPERATIONS:
        raise bad_request(f"Illegal value for the op member of the JSON patch operation: {operation}")
    needed = {"add": "value", "replace": "value", "test": "value", "move": "from", "copy": "from"}
    for member in ("path", needed.get(operation["op"], "path")):
        if member not in operation:
            raise bad_request(f"The JSON Patch operation must contain a {member} member: {operation}")


def _tokens(pointer: str) -> list[str]:
    if pointer and not pointer.startswith("/"):
        raise bad_request(f"A non-empty JSON Pointer must begin with a '/': {pointer}")
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def _index(array: list[Any], token: str, *, end: bool = False) -> int:
    if end and token == "-":
        return len(array)
    if not token.isdecimal() or (token != "0" and token.startswith("0")) or int(token) >= len(array) + end:
        raise bad_request(f"Array index out of range: {token}")
    return int(token)


def _get(document: Any, pointer: str) -> Any:
    for token in _tokens(pointer):
        if isinstance(document, list):
            document = document[_index(document, token)]
        elif isinstance(document, dict) and token in document:
            document = document[token]
        else:
            raise bad_request(f"The JSON Object contains no value for {pointer}")
    return document


def _parent(document: Any, pointer: str) -> tuple[Any, str]:
    *above, last = _tokens(pointer)
    return _get(document, "".join(f"/{token.replace('~', '~0').replace('/', '~1')}" for token in above)), last


def _add(document: Any, operation: dict[str, Any]) -> Any:
    return _put(document, operation["path"], copy.deepcopy(operation["value"]))


def _put(document: Any, pointer: str, value: Any) -> Any:
    if not pointer:
        return value
    parent, last = _parent(document, pointer)
    if isinstance(parent, list):
        parent.insert(_index(parent, last, end=True), value)
    elif isinstance(parent, dict):
        parent[last] = value
    else:
        raise bad_request(f"The target of {pointer} is neither an object nor an array")
    return document


def _remove(document: Any, operation: dict[str, Any]) -> Any:
    _get(document, operation["path"])
    parent, last = _parent(document, operation["path"])
    del parent[int(last) if isinstance(parent, list) else last]
    return document


def _replace(document: Any, operation: dict[str, Any]) -> Any:
    _get(document, operation["path"])
    if not operation["path"]:
        return copy.deepcopy(operation["value"])
    parent, last = _parent(document, operation["path"])
    parent[int(last) if isinstance(parent, list) else last] = copy.deepcopy(operation["value"])
    return document


def _test(document: Any, operation: dict[str, Any]) -> Any:
    if _get(document, operation["path"]) != operation["value"]:
        raise bad_request(f"The JSON Patch operation 'test' failed for path '{operation['path']}'")
    return document


def _move(document: Any, operation: dict[str, Any]) -> Any:
    value = _get(document, operation["from"])
    return _put(_remove(document, {"path": operation["from"]}), operation["path"], value)


def _copy(document: Any, operation: dict[str, Any]) -> Any:
    return _put(document, operation["path"], copy.deepcopy(_get(document, operation["from"])))


_OPERATIONS = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "test": _test,
    "move": _move,
    "copy": _copy,
}
