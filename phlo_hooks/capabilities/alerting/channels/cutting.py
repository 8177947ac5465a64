"""Text that fits: cleaned of what no receiver takes, and cut so that both ends stay."""

from __future__ import annotations

import re
from collections.abc import Callable

# Of a traceback, the end says what was raised, the start where it began: both stay.
_MARK = "\n… {:,} characters cut …\n"
# Not in JSON, HTML, mail or a terminal: C0 and C1 without tab and line feed, and deletion.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LINE_ENDS = re.compile("\r\n?|\x85|\u2028|\u2029")


def clean(text: str) -> str:
    """`text` as every receiver can take it: no control characters, no lone surrogates."""
    text = text if text.isascii() else text.encode(errors="replace").decode()
    return _CONTROL.sub("", _LINE_ENDS.sub("\n", text))


def one_line(text: str, limit: int, measure: Callable[[str], int] = len) -> str:
    """The start of `text`, on one line.

    Args:
        text: of any length.
        limit: of what `measure` says.
        measure: as in `cut`.
    """
    # A title of megabytes is not split into words for the sake of its first few.
    line = " ".join(clean(text[: 4 * limit]).split())
    if measure(line) <= limit:
        return line
    kept = _most(min(len(line), limit), lambda count: measure(f"{line[:count]}…") <= limit)
    return f"{line[:kept].rstrip()}…" if kept else ""


def cut(text: str, limit: int, measure: Callable[[str], int] = len) -> str:
    """`text` if it has at most `limit` characters, else its head and its tail, and how many are between.

    Args:
        text: of any length.
        limit: of what `measure` says; 0 for none of it.
        measure: how long a text is for its receiver, after escaping for example; at least its characters.
    """
    if len(text) <= limit and measure(text) <= limit:
        return text
    kept = _most(min(len(text), limit), lambda count: measure(_ends(text, count)) <= limit)
    # A mark alone may be too long.
    return _ends(text, kept) if kept else ""


def _most(highest: int, fits: Callable[[int], bool]) -> int:
    """The highest number that fits, found by halving; 0 if none does."""
    low, high = 0, highest
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def _ends(text: str, kept: int) -> str:
    head = (kept + 1) // 2
    return text[:head] + _MARK.format(len(text) - kept) + text[len(text) - (kept - head) :]
