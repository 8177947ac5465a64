"""Where to look among thousands of open incidents, without reading each of them as what it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from phlo_hooks.capabilities.alerting.facts import Recovery


class Index:
    """Open incidents as they are kept, by what is asked of them."""

    def __init__(self) -> None:
        self._subjects: dict[str, set[str]] = defaultdict(set)
        self._steps: dict[str, set[str]] = defaultdict(set)
        self._keys: dict[str, set[str]] = defaultdict(set)
        self._last: dict[str, datetime] = {}

    def add(self, home: str, incident: Mapping[str, Any]) -> None:
        """Note where an incident is kept, and what it is about."""
        self._keys[incident["key"]].add(home)
        # Python 3.10 does not know the Z.
        self._last[home] = datetime.fromisoformat(incident["last"].replace("Z", "+00:00"))
        for cause in incident.get("causes", {}).values():
            self._subjects[cause["subject"]].add(home)
            if cause.get("facts", {}).get("signal") == "run.failure":
                for place in cause.get("places", ()):
                    self._steps[place].add(home)

    def mended_by(self, recovery: Recovery) -> Iterable[str]:
        """Where incidents are kept that a recovery may end."""
        return self._subjects.get(recovery.subject, set()) | self._steps.get(recovery.step or "", set())

    def called(self, key: str) -> Iterable[str]:
        """Where incidents with this key are kept, of any rule."""
        return self._keys.get(key, ())

    def older_than(self, moment: datetime) -> Iterator[str]:
        """Where incidents are kept that nothing was heard of since."""
        return (home for home, last in self._last.items() if last < moment)
