"""The assets, checks and jobs of a code location, each looked at when somebody asks for it."""

from __future__ import annotations

import hashlib
import json
import logging
import weakref
from collections.abc import Iterator
from functools import cached_property

import dagster as dg

from phlo_hooks.assets import AssetInfo, CheckInfo, JobInfo, PartitionInfo
from phlo_hooks.producers.asset_info import asset_info, check_info
from phlo_hooks.producers.catalog import Catalog, CheckFacts
from phlo_hooks.producers.dbt import manifest_of
from phlo_hooks.producers.job_info import job_infos
from phlo_hooks.producers.partitions import partition_info, upstream_keys
from phlo_hooks.redaction import Redactor

logger = logging.getLogger("phlo_hooks.assets")


class DefinedAssets:
    """An `AssetGraph` over a catalogue.

    Args:
        catalog: what the definitions say.
        redactor: knows the values that must not leave.
        instance: knows the keys of dynamic partitions. It is not kept alive.
    """

    def __init__(
        self, catalog: Catalog, redactor: Redactor, instance: dg.DagsterInstance | None = None
    ) -> None:
        self._catalog = catalog
        self.redactor = redactor
        self._instance = weakref.ref(instance) if instance is not None else lambda: None
        self._assets: dict[str, AssetInfo] = {}
        self._checks: dict[tuple[str, str], CheckInfo] = {}

    def keys(self) -> tuple[str, ...]:
        """As of `AssetGraph`."""
        return self._keys

    @cached_property
    def _keys(self) -> tuple[str, ...]:
        return tuple(sorted(self._catalog.assets))

    def asset(self, key: str) -> AssetInfo | None:
        """As of `AssetGraph`."""
        if key not in self._assets and key in self._catalog.assets:
            self._assets[key] = asset_info(self._catalog.assets[key], self.redactor)
        return self._assets.get(key)

    def checks(self) -> tuple[CheckInfo, ...]:
        """As of `AssetGraph`."""
        found = (self.check(*key) for key in sorted(self._catalog.checks))
        return tuple(check for check in found if check is not None)

    def check(self, asset_key: str, name: str) -> CheckInfo | None:
        """As of `AssetGraph`."""
        key = (asset_key, name)
        if key not in self._checks and key in self._catalog.checks:
            self._checks[key] = self._info(self._catalog.checks[key], self.redactor)
        return self._checks.get(key)

    def partition(self, key: str, partition_key: str) -> PartitionInfo | None:
        """As of `AssetGraph`. What a definition of a user's own raises is logged, and it is None."""
        partitions = self._partitions(key)
        if partitions is None:
            return None
        try:
            return partition_info(partitions, partition_key)
        except Exception:
            logger.debug("asset %s: partition %r is none", key, partition_key, exc_info=True)
            return None

    def upstream_partitions(self, key: str, partition_key: str, upstream: str) -> tuple[str, ...]:
        """As of `AssetGraph`; none also where a mapping raises, or there are more than a thousand."""
        partitions, above = self._partitions(key), self._partitions(upstream)
        if partitions is None or above is None:
            return ()
        try:
            stated = self._stated(key, upstream)
            return upstream_keys(stated, partitions, partition_key, above, self._instance())
        except Exception:
            logger.debug("asset %s: partitions of %s for %r", key, upstream, partition_key, exc_info=True)
            return ()

    def jobs(self) -> tuple[JobInfo, ...]:
        """As of `AssetGraph`; none where the definitions cannot be resolved, which is logged."""
        return self._jobs

    @cached_property
    def _jobs(self) -> tuple[JobInfo, ...]:
        return self._job_infos(self.redactor)

    def _job_infos(self, redactor: Redactor) -> tuple[JobInfo, ...]:
        try:
            return job_infos(self._catalog.jobs(), redactor)
        except Exception:
            logger.warning("the jobs of the definitions cannot be told", exc_info=True)
            return ()

    def is_there(self, key: str, partition_key: str | None = None) -> bool | None:
        """As of `AssetGraph`."""
        instance = self._instance()
        if instance is None:
            return None
        partitions = None if partition_key is None else [partition_key]
        wanted = dg.AssetRecordsFilter(dg.AssetKey.from_user_string(key), asset_partitions=partitions)
        return bool(instance.fetch_materializations(wanted, limit=1).records)

    def fingerprint(self) -> str:
        """As of `AssetGraph`. The secrets are in it, not as they are: which ones are known differs."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        digest = hashlib.sha256()
        for info in self._unredacted():
            digest.update(json.dumps(info, sort_keys=True, default=vars).encode() + b"\n")
        return digest.hexdigest()

    def _unredacted(self) -> Iterator[AssetInfo | CheckInfo | JobInfo]:
        """All of it, with the same values hidden in each process: those that any reader can tell."""
        known = Redactor()
        yield from (asset_info(self._catalog.assets[key], known) for key in self._keys)
        yield from (self._info(facts, known) for _, facts in sorted(self._catalog.checks.items()))
        yield from self._job_infos(known)

    def _info(self, check: CheckFacts, redactor: Redactor) -> CheckInfo:
        return check_info(check, redactor, manifest_of(self._catalog.asset(check.asset_key).metadata))

    def _partitions(self, key: str) -> dg.PartitionsDefinition | None:
        facts = self._catalog.assets.get(key)
        return facts.spec.partitions_def if facts and facts.spec else None

    def _stated(self, key: str, upstream: str) -> dg.PartitionMapping | None:
        spec = self._catalog.asset(key).spec
        deps = spec.deps if spec else ()
        above = dg.AssetKey.from_user_string(upstream)
        return next((dep.partition_mapping for dep in deps if dep.asset_key == above), None)
