"""Many things to write, of which one that is refused must not hold up the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from phlo_hooks.errors import PermanentError

T = TypeVar("T")


def each(things: Iterable[T], write: Callable[[T], object]) -> None:
    """Write all of them; what was refused is told at the end.

    Args:
        things: what there is to write.
        write: writes one.

    Raises:
        PermanentError: what was refused, a line each.
        DeliveryError: the server cannot be asked; at once, since it would be the same for the others.
    """
    refused = dict[str, None]()
    for thing in things:
        try:
            write(thing)
        except PermanentError as exc:
            refused[" ".join(str(exc).split())] = None
    if refused:
        raise PermanentError("\n".join(refused))
