"""Whether Dagster may launch a failed run once more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import dagster as dg

# How Dagster reads a tag that is a switch.
_FALSE = frozenset({"false", "none", "0", ""})


@dataclass(frozen=True)
class RunRetries:
    """What an instance's settings say of retries of runs.

    Args:
        enabled: whether its daemon launches any.
        most: how many for each run, unless its tag `dagster/max_retries` says it.
        of_failed_steps: whether also when a step failed, unless the run's tag says it; else only when the
            run's own process died.
    """

    enabled: bool = False
    most: int = 0
    of_failed_steps: bool = True

    @classmethod
    def of(cls, instance: dg.DagsterInstance) -> RunRetries:
        """The settings of a Dagster instance."""
        return cls(
            instance.run_retries_enabled,
            instance.run_retries_max_retries,
            instance.run_retries_retry_on_asset_or_op_failure,
        )

    def may_follow(self, tags: Mapping[str, str], *, step_failed: bool) -> bool:
        """Whether a run with these tags may be launched once more if it fails.

        It looks only at what is known from the run's beginning, so that everybody says the same, and counts
        the retries that Dagster launched; who re-executes a run by hand uses up one more.
        """
        if not self.enabled or (step_failed and not self._after_steps(tags)):
            return False
        most, done = tags.get("dagster/max_retries", str(self.most)), tags.get("dagster/retry_number", "0")
        # Dagster, too, takes a number that is none for no retries.
        return most.isdecimal() and done.isdecimal() and int(done) < int(most)

    def _after_steps(self, tags: Mapping[str, str]) -> bool:
        stated = tags.get("dagster/retry_on_asset_or_op_failure")
        return self.of_failed_steps if stated is None else stated.lower() not in _FALSE
