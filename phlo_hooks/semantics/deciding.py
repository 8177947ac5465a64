"""What follows from publications: which models are to be refreshed, and for which of their partitions."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property

from phlo_hooks.assets import AssetGraph
from phlo_hooks.semantics import places
from phlo_hooks.semantics.bundle import Bundle
from phlo_hooks.semantics.provider import DateRange, ModelWork
from phlo_hooks.semantics.publication import Publication, Verdict
from phlo_hooks.semantics.sheet import Sheet

logger = logging.getLogger("phlo_hooks.semantics")

# Whether an asset is there for a partition, which is about this time.
IsThere = Callable[[str, str | None, DateRange | None], bool]


@dataclass(frozen=True)
class Decider:
    """Knows which asset feeds which models.

    A model is refreshed for a partition when all of the assets that it is made of are there for it: the last
    attempt of each has succeeded, and no blocking check has failed.

    Args:
        layer: its name, for the log.
        models_by_asset: the models that each asset feeds.
        assets: of the definitions.
        stages: of which assets are published.
    """

    layer: str
    models_by_asset: Mapping[str, tuple[str, ...]]
    assets: AssetGraph
    stages: Sequence[str]

    def decide(
        self, publications: Iterable[Publication], verdicts: Sequence[Verdict], sheet: Sheet
    ) -> list[tuple[Publication, Bundle]]:
        """What each publication makes ready; noted are the new versions, and what has to wait.

        Args:
            publications: of one run.
            verdicts: of its blocking checks.
            sheet: the memory.
        """
        known = [each for each in publications if each.asset_key in self.models_by_asset]
        held = [key for key, _ in sheet.list(places.HELD)]
        sheet.load(place for each in known for place in self._places(each))
        good = [each for each in known if self._is_good(each, verdicts, sheet)]
        # All of them first: each of a model's assets may be among them.
        news = [(each, self._news(each, sheet)) for each in good]
        # Each is asked for once: of a model's assets each asks for all others.
        is_there: IsThere = cache(lambda key, partition, when: self._is_there(key, partition, when, sheet))
        ready = [(each, self._ready(each, *said, sheet, is_there)) for each, said in news]
        return [*ready, *self._waited(good, held, sheet, is_there)]

    def _places(self, each: Publication) -> Iterator[str]:
        """What is kept of a publication, and of what waits for it."""
        yield places.asset(each.asset_key, each.partition_key)
        for model in self.models_by_asset[each.asset_key]:
            yield places.held(model, each.partition_key)

    def _is_good(self, each: Publication, verdicts: Sequence[Verdict], sheet: Sheet) -> bool:
        failed = [verdict for verdict in verdicts if verdict.about(each) and not verdict.passed]
        if each.ok and not failed:
            return True
        place = places.asset(each.asset_key, each.partition_key)
        sheet.put(place, {**(sheet.get(place) or {}), "bad": True}, places.VERSIONS_KEPT)
        why = "a blocking check has failed" if each.ok else "it was not published"
        logger.info("%s keeps what it has of asset %s: %s", self.layer, _name(each), why)
        return False

    def _news(self, each: Publication, sheet: Sheet) -> tuple[bool, bool]:
        """Whether its data are others than before, and its columns."""
        place = places.asset(each.asset_key, each.partition_key)
        before = sheet.get(place) or {}
        same = each.version is not None and before.get("version") == each.version
        sheet.put(place, {"version": each.version, "bad": False}, places.VERSIONS_KEPT)
        retyped = self._retyped(each, sheet)
        if same and not retyped:
            logger.info("%s: asset %s is what it was: version %s", self.layer, _name(each), each.version)
        return not same, retyped

    def _retyped(self, each: Publication, sheet: Sheet) -> bool:
        place = places.schema(each.asset_key)
        before = sheet.get(place)
        if each.schema is None or each.schema == before:
            return False
        sheet.put(place, each.schema)
        return before is not None

    def _ready(
        self, each: Publication, changed: bool, retyped: bool, sheet: Sheet, is_there: IsThere
    ) -> Bundle:
        ready = Bundle()
        for model in self.models_by_asset[each.asset_key]:
            place = places.held(model, each.partition_key)
            waiting = Bundle.load(sheet.get(place))
            bundle = waiting + self._bundle(model, each, retyped) if changed or retyped else waiting
            others = [key for key in self._assets_by_model[model] if key != each.asset_key]
            missing = _missing(others, each.partition_key, bundle, is_there) if bundle else []
            if missing:
                logger.info("%s: %s waits for %s", self.layer, model, ", ".join(missing))
                sheet.put(place, {**bundle.dump(), "partition": each.partition_key}, places.VERSIONS_KEPT)
            elif bundle:
                sheet.drop(place)
                ready += bundle
        # One publication is one, however many models it feeds.
        return Bundle(ready.models, ready.assets, ready.recompile, ready.causes, 1 if ready else 0)

    def _waited(
        self, good: Iterable[Publication], held: Iterable[str], sheet: Sheet, is_there: IsThere
    ) -> Iterator[tuple[Publication, Bundle]]:
        """What has waited for one of these, for a partition that is not its own: it may have none."""
        by_model = {model: each for each in good for model in self.models_by_asset[each.asset_key]}
        for place in held:
            said = sheet.get(place)
            waiting = Bundle.load(said)
            model = next(iter(waiting.models), None)
            if model not in by_model or model not in self._assets_by_model:
                continue
            if not _missing(self._assets_by_model[model], said["partition"], waiting, is_there):
                sheet.drop(place)
                yield by_model[model], replace(waiting, publications=1)

    def _bundle(self, model: str, each: Publication, retyped: bool) -> Bundle:
        work = ModelWork(model, (each.asset_key,), self._range(each))
        return Bundle({model: work}, frozenset({each.asset_key}), retyped, (each.event_id,), 1)

    def _range(self, each: Publication) -> DateRange | None:
        if each.partition_key is None:
            return None
        partition = self.assets.partition(each.asset_key, each.partition_key)
        window = partition.window if partition else None
        return DateRange.of(window) if window else None

    def _is_there(self, key: str, partition: str | None, when: DateRange | None, sheet: Sheet) -> bool:
        info = self.assets.asset(key)
        if info is None or not info.executable or info.stage not in self.stages:
            # Another code location, or another tool, has it: nobody here would ever hear of it.
            return True
        if partition is not None and not self._has(key, partition, when):
            partition = None
        if (sheet.get(places.asset(key, partition)) or {}).get("bad"):
            return False
        return self.assets.is_there(key, partition) is not False

    def _has(self, key: str, partition: str, when: DateRange | None) -> bool:
        """Whether an asset has a partition; a month and a day may have the same key."""
        found = self.assets.partition(key, partition)
        if found is None or found.window is None or when is None:
            return found is not None
        return (found.window.start, found.window.end) == (when.start, when.end)

    @cached_property
    def _assets_by_model(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for key, models in sorted(self.models_by_asset.items()):
            for model in models:
                found.setdefault(model, []).append(key)
        return found


def _missing(assets: Iterable[str], partition: str | None, bundle: Bundle, is_there: IsThere) -> list[str]:
    """Those that are not there for a partition."""
    return [key for key in assets if not is_there(key, partition, bundle.date_range)]


def _name(each: Publication) -> str:
    return each.asset_key if each.partition_key is None else f"{each.asset_key} [{each.partition_key}]"
