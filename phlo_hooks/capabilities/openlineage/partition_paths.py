"""The path of a dataset, from that of one of its partitions: s3://lake/orders of s3://lake/orders/2026."""

from __future__ import annotations

import re
from collections.abc import Collection

# As long as 2026-03-01: with less, a key may stand in a name by accident.
_TELLING = 10
_START = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^/]*/|/")


def without_partition(uri: str, keys: Collection[str]) -> str:
    """`uri` up to the first folder or file that is named after a partition; all of it where that is none.

    Args:
        uri: such as `s3://lake/orders/dt=2026-03-01/part-0.parquet`.
        keys: of the partition, in each of its dimensions.
    """
    start = _START.match(uri)
    if start is None or not keys:
        return uri
    pieces = uri[start.end() :].split("/")
    at = next((at for at, piece in enumerate(pieces) if any(_is_of(piece, key) for key in keys)), 0)
    return start[0] + "/".join(pieces[:at]) if at else uri


def _is_of(piece: str, key: str) -> bool:
    named = piece.rpartition("=")[2]
    if key in (named, named.partition(".")[0]):
        return True
    return len(key) >= _TELLING and key in piece
