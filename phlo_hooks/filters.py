"""Which events a hook wants, and the check that it can ever get one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from phlo_hooks.envelope import known_event_types, suggest
from phlo_hooks.errors import RegistrationError, UnknownAssetError, UnknownEventTypeError
from phlo_hooks.events import SEVERITIES, HookEvent

Predicate = Callable[[HookEvent], bool]


@dataclass(frozen=True)
class HookFilter:
    """An event passes when it passes every field that is set; within a field, any value will do.

    Args:
        event_types: names or `fnmatch` patterns, such as `ingestion.*`.
        asset_keys: keys (path joined with `/`) or patterns, such as `marts/*`.
        tags: every one of them must stand on the event.
        groups, kinds, owners, jobs: names or patterns.
        status: `success`, `failure`, `skipped` …
        min_severity: INFO, WARN, ERROR or CRITICAL; a failed status counts as ERROR.
        when: any function of the event; an exception in it is logged and counts as no.

    Raises:
        UnknownEventTypeError: no event has such a type.
        RegistrationError: a field has the wrong shape.
    """

    event_types: Collection[str] | None = None
    asset_keys: Collection[str] | None = None
    tags: Mapping[str, str] | None = None
    groups: Collection[str] | None = None
    kinds: Collection[str] | None = None
    owners: Collection[str] | None = None
    jobs: Collection[str] | None = None
    status: Collection[str] | None = None
    min_severity: str | None = None
    when: Predicate | None = None

    def __post_init__(self) -> None:
        for name in _COLLECTIONS:
            object.__setattr__(self, name, _names(name, getattr(self, name)))
        if self.tags is not None and not isinstance(self.tags, Mapping):
            raise RegistrationError(f"filter tags={self.tags!r} is not a mapping: use {{name: value}}")
        if self.when is not None and not callable(self.when):
            raise RegistrationError(f"filter when={self.when!r} is not a function of an event")
        for pattern in self.event_types or ():
            _check_event_type(pattern)
        if self.min_severity is not None and self.min_severity not in SEVERITIES:
            raise RegistrationError(
                f"min_severity {self.min_severity!r} is unknown; use one of {', '.join(SEVERITIES)}"
            )

    def wants_type(self, event_type: str) -> bool:
        """Whether any event of this type could pass."""
        return self.event_types is None or _any_match(self.event_types, (event_type,))

    def asks_for(self, event_type: str) -> bool:
        """Whether it names this type, by name or by a pattern.

        `*`, and a filter without types, want what there is anyway: for them nothing is worked out.
        """
        return any(
            pattern.strip("*") and fnmatchcase(event_type, pattern) for pattern in self.event_types or ()
        )

    def predicate(self) -> Predicate | None:
        """What is left to ask of an event whose type passed; None when nothing is."""
        tests = tuple(_tests(self))
        if not tests:
            return None
        return tests[0] if len(tests) == 1 else lambda event: all(test(event) for test in tests)

    def matches(self, event: HookEvent) -> bool:
        """Whether the hook wants this event."""
        test = self.predicate()
        return self.wants_type(event.event_type) and (test is None or test(event))

    def check_assets(self, known: Collection[str], owner: str) -> None:
        """Refuse asset keys that no definition has.

        Args:
            known: every asset key of the definitions.
            owner: the hook, for the message.

        Raises:
            UnknownAssetError: a key or pattern that matches none of them.
        """
        for pattern in self.asset_keys or ():
            if not any(fnmatchcase(key, pattern) for key in known):
                raise UnknownAssetError(
                    f"hook {owner!r}: no asset matches {pattern!r}{suggest(pattern, list(known))}"
                )


_COLLECTIONS = ("event_types", "asset_keys", "groups", "kinds", "owners", "jobs", "status")


def _names(field: str, value: Any) -> frozenset[str] | None:
    if value is None:
        return None
    if (
        isinstance(value, (str, Mapping))
        or not isinstance(value, Collection)
        or not all(isinstance(item, str) for item in value)
    ):
        raise RegistrationError(f"filter {field}={value!r} is not a collection of names: use {{…}}")
    if not value:
        raise RegistrationError(
            f"filter {field} is empty and lets nothing pass; leave it out to let all pass"
        )
    return frozenset(value)


def _check_event_type(pattern: str) -> None:
    known = known_event_types()
    if not any(fnmatchcase(event_type, pattern) for event_type in known):
        raise UnknownEventTypeError(
            f"no event has the type {pattern!r}{suggest(pattern, known)}. For events of another system, "
            "subclass ExternalEvent with `event_types`"
        )


def _is_pattern(text: str) -> bool:
    return any(char in text for char in "*?[")


def _any_match(patterns: Iterable[str], values: Iterable[str]) -> bool:
    return any(fnmatchcase(value, pattern) for value in values for pattern in patterns)


def _tests(filters: HookFilter) -> Iterable[Predicate]:
    for wanted, values in (
        (filters.asset_keys, event_asset_keys),
        (filters.groups, lambda event: _one(event, "group_name")),
        (filters.kinds, lambda event: getattr(event, "kinds", ())),
        (filters.owners, lambda event: getattr(event, "owners", ())),
        (filters.jobs, lambda event: (event.correlation.job_name or "",)),
        (filters.status, lambda event: _one(event, "status")),
    ):
        if wanted:
            yield _test(frozenset(wanted), values)
    if filters.tags:
        wanted_tags = tuple(filters.tags.items())
        yield lambda event: all(event.tags.get(key) == value for key, value in wanted_tags)
    if filters.min_severity:
        floor = SEVERITIES.index(filters.min_severity)
        yield lambda event: severity_of(event) >= floor
    if filters.when:
        yield filters.when


def _test(wanted: frozenset[str], values: Callable[[HookEvent], Iterable[str]]) -> Predicate:
    if any(_is_pattern(item) for item in wanted):
        return lambda event: _any_match(wanted, values(event))
    return lambda event: not wanted.isdisjoint(values(event))


def _one(event: HookEvent, name: str) -> tuple[str, ...]:
    value = getattr(event, name, None)
    return (value,) if value else ()


def event_asset_keys(event: HookEvent) -> tuple[str, ...]:
    """Every asset an event is about."""
    own = event.correlation.asset_key
    others = tuple(getattr(event, "asset_keys", ()))
    return (own, *others) if own else others


def severity_of(event: HookEvent) -> int:
    """An index into SEVERITIES: what the event says, ERROR for a failure, else INFO."""
    severity = getattr(event, "severity", None)
    if severity is not None and getattr(event, "passed", None) is not True:
        return SEVERITIES.index(severity)
    failed = getattr(event, "status", None) == "failure" or event.event_type in _BAD_NEWS
    return SEVERITIES.index("ERROR") if failed else 0


_BAD_NEWS = frozenset(
    {
        "quality.error",
        "tick.failure",
        "hook.disabled",
        "hook.dead_letter",
        "profiling.failed",
        "deployment.daemon_unhealthy",
    }
)
