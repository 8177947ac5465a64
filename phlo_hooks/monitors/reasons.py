"""Why an asset is not healthy, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from phlo_hooks.monitors.marks import CHECK, DEGRADED, FRESHNESS, GOOD, RUN, Mark

# More names do not help whoever reads them.
_NAMED = 3


def reasons(marks: Mapping[str, Mark], forgotten: int = 0) -> tuple[str, ...]:
    """What is bad, the worst first; of one level: materializations, checks by name, freshness.

    Args:
        marks: all that says something of the asset.
        forgotten: how many more partitions are failing.
    """
    bad = {key: marks[key] for key in sorted(marks) if marks[key].level > GOOD}
    found = [*_partitions(bad, forgotten), *_others(bad)]
    return tuple(text for _, text in sorted(found, key=lambda each: -each[0]))


def _others(bad: Mapping[str, Mark]) -> Iterator[tuple[int, str]]:
    if RUN in bad:
        yield bad[RUN].level, f"materialization {bad[RUN].why}"
    for key, mark in bad.items():
        if key.startswith(CHECK):
            yield mark.level, f"check {key.removeprefix(CHECK)} {mark.why}"
    if FRESHNESS in bad:
        yield bad[FRESHNESS].level, f"freshness {bad[FRESHNESS].why}"


def _partitions(bad: Mapping[str, Mark], forgotten: int) -> Iterator[tuple[int, str]]:
    """One reason for all that have the same one."""
    by_reason: dict[tuple[int, str], list[str]] = {}
    for key, mark in bad.items():
        if key.startswith(RUN) and key != RUN:
            by_reason.setdefault((mark.level, mark.why), []).append(key.removeprefix(RUN))
    for (level, why), names in by_reason.items():
        number = len(names) + (forgotten if level == DEGRADED else 0)
        yield level, _sentence(names, number, why)


def _sentence(names: list[str], number: int, why: str) -> str:
    named = ", ".join(names[:_NAMED])
    if number == 1:
        return f"materialization of partition {named} {why}"
    more = f" and {number - _NAMED} more" if number > _NAMED else ""
    return f"materialization of {number} partitions {why}: {named}{more}"
