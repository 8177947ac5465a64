"""Into the Dagster UI."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode


@dataclass(frozen=True)
class Links:
    """The pages of one code location. All are None where nobody says where the UI is.

    Args:
        page: of the UI, without a slash at its end.
        location: the code location.
    """

    page: str | None
    location: str

    def job(self, name: str) -> str | None:
        """A job."""
        return self._of_location("jobs", name)

    def group(self, name: str) -> str | None:
        """A group of assets."""
        return self._of_location("asset-groups", name)

    def asset(self, key: str) -> str | None:
        """An asset, by its key."""
        return self._at("assets", *key.split("/"))

    def run(self, run_id: str) -> str | None:
        """A run."""
        return self._at("runs", run_id)

    def step(self, run_id: str, step_key: str) -> str | None:
        """What a step of a run has logged."""
        page = self.run(run_id)
        return page and f"{page}?{urlencode({'selection': step_key, 'logs': f'step:{step_key}'})}"

    def _of_location(self, kind: str, name: str) -> str | None:
        # Without a location there is no such page.
        return self._at("locations", self.location, kind, name) if self.location else None

    def _at(self, *path: str) -> str | None:
        return self.page and "/".join([self.page, *(quote(part, safe="") for part in path)])
