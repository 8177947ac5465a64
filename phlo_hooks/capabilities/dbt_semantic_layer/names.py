"""Names that do not exist, and those that are like them."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_ALIKE, _LISTED = 3, 10


def alike(name: str, known: Iterable[str]) -> str:
    """The end of a message about a name that there is not: the names like it, else some that there are.

    A dimension is like itself with its entity before it: `country` like `customer__country`.
    """
    names = sorted(set(known))
    asked = name.lower()
    close = [each for each in names if each.endswith(f"__{asked}")] or get_close_matches(
        asked, names, n=_ALIKE
    )
    if close:
        return f"; did you mean {' or '.join(map(repr, close))}?"
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"; there are: {', '.join(names[:_LISTED]) or 'none'}{more}"
