"""What the name of a dbt test says: dbt makes it of the test, the model and the column."""

from __future__ import annotations

import re
from typing import NamedTuple

_TEST = re.compile(r"(?:source_)?(?P<kind>not_null|unique|accepted_values|relationships)_(?P<rest>.+)")
# dbt cuts a name that is too long, and ends it with a hash.
_HASHED = re.compile(r"_[0-9a-f]{32}$")
# The others' names go on with their arguments: nobody can tell where the column ends.
_COLUMN_LAST = frozenset({"not_null", "unique"})


class GenericTest(NamedTuple):
    """One of the tests that dbt comes with."""

    kind: str
    column: str | None


def generic_test(name: str, asset_key: str) -> GenericTest | None:
    """The test behind a check's name; None of any other test.

    Args:
        name: such as `not_null_orders_order_id`.
        asset_key: of the model, whose own name tells where the column's begins.
    """
    found = _TEST.fullmatch(name)
    if found is None:
        return None
    is_known = found["kind"] in _COLUMN_LAST and not _HASHED.search(name)
    return GenericTest(found["kind"], _column(found["rest"], asset_key) if is_known else None)


def _column(rest: str, asset_key: str) -> str | None:
    path = asset_key.split("/")
    models = ("_".join(path[at:]) for at in range(len(path)))
    return next((rest[len(model) + 1 :] for model in models if rest.startswith(f"{model}_")), None) or None
