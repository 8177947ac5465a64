"""with_hooks: the one line that puts a team's definitions on the Hook Bus."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import dagster as dg

from phlo_hooks.delivery.url import normalize_url
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.producers.annotating import annotated, said_by
from phlo_hooks.producers.catalog import HEALTH_ASSET, Catalog
from phlo_hooks.producers.dagster_private import jobs_of, lacks_resources, targeted_assets, with_jobs
from phlo_hooks.producers.runtime import Runtime
from phlo_hooks.producers.secrets import redactor_for, resolved
from phlo_hooks.producers.sensor import SENSOR_NAME, make_tail_sensor
from phlo_hooks.producers.stages import StageRules
from phlo_hooks.producers.step_hook import RESOURCE_KEY, STEP_HOOK
from phlo_hooks.producers.subscriptions import Hook, Subscriptions
from phlo_hooks.producers.upkeep import health_asset, make_health_check
from phlo_hooks.producers.watching.limits import check_tags
from phlo_hooks.resources import BoundHooks, HookBusResource, Options


def with_hooks(
    defs: dg.Definitions,
    *,
    hooks: Sequence[Hook] = (),
    stages: Mapping[str, str] | None = None,
    store: str | dg.EnvVar | None = None,
    sensors: bool = True,
    step_hooks: bool = True,
    plugins: bool = True,
    health_check: bool = False,
    since: datetime | None = None,
) -> dg.Definitions:
    """The same definitions, on the Hook Bus.

    Adds a `HookBusResource` under the key `hooks`, attaches one step hook to every executable asset, check
    and job, adds the tail sensor, and subscribes every resource that has `get_hooks`, every installed plugin
    and every hook passed here. All else stays as it was. Doing it twice is doing it once.

    Args:
        defs: by hand, from a folder, or merged.
        hooks: functions of one event, `HookRegistration`s, or objects with `get_hooks`.
        stages: `{"kind:x" | "group:x" | "asset/key*": "ingestion" | "transform" | "publish"}`.
        store: SQLAlchemy URL of the store; left out, it lives beside the Dagster instance's own storage.
        sensors: add the tail sensor, which records what a killed process could not say, and delivers.
        step_hooks: attach the step hook, which records events as soon as their step ends.
        plugins: subscribe the plugins that are installed in this environment.
        health_check: add the asset `phlo_hooks/deliveries` with a check on how the hooks are doing, of all
            code locations with this store; for one location of a deployment.
        since: how far back the tail looks when it starts for the first time; left out, from now.

    Raises:
        RegistrationError: a hook that cannot work: taken name, unknown event type, unknown asset …
        ConfigurationError: a stage, a store or a resource key that cannot work.
        MissingExtraError: the store's database has no driver here.
    """
    if not isinstance(defs, dg.Definitions):
        raise ConfigurationError(
            f"with_hooks() takes a dagster.Definitions, not {type(defs).__name__}; "
            "pass what your definitions module exports"
        )
    resources = dict(defs.resources or {})
    _check(hooks, since)
    wanted = Options(tuple(hooks), dict(stages or {}), sensors, step_hooks, plugins, health_check, since)
    options = _options(resources.get(RESOURCE_KEY), wanted)
    settings = _settings(resources.get(RESOURCE_KEY), store)
    _check_url(settings.store_url)
    for job in defs.jobs or ():
        check_tags(job.tags or {}, job.name)
    assets = _assets(defs)
    sources = (*assets, *(defs.asset_checks or ()))
    # Of the definitions with their resources: without them, no job can be resolved.
    catalog = Catalog(sources, StageRules(options.stages), lambda: rebuilt.resolve_all_job_defs())  # noqa: PLW0108  # not yet there
    subscriptions = Subscriptions(options.hooks, resources, catalog, plugins=options.plugins)
    held = [*resources.items(), (RESOURCE_KEY, settings), *_bound_elsewhere(defs, assets)]
    runtime = Runtime(
        catalog,
        subscriptions.register,
        store_url=lambda: _store_url(settings),
        redactor=lambda: redactor_for(held),
        start=options.since,
        in_run=settings.deliver_in_run,
        retention_days=settings.retention_days,
        health_check=options.health_check,
        limits=lambda: settings.limits,
    )
    bound = BoundHooks(settings, runtime, options)
    said = said_by(resources, catalog)
    assets = [annotated(each, said) for each in assets]
    rebuilt = _rebuilt(defs, assets, {**resources, RESOURCE_KEY: bound}, runtime, options)
    return rebuilt


def _check(hooks: Any, since: Any) -> None:
    if isinstance(hooks, (str, Mapping)) or not isinstance(hooks, Iterable):
        raise ConfigurationError(f"hooks is {hooks!r}, not a list of them: write hooks=[…]")
    if since is not None and getattr(since, "tzinfo", None) is None:
        raise ConfigurationError(
            f"since is {since!r}: without a time zone nobody knows when that is; write "
            "datetime(…, tzinfo=timezone.utc)"
        )


def _options(present: Any, new: Options) -> Options:
    """These options on top of those of an earlier `with_hooks`: what that one switched off stays off."""
    old = present.options if isinstance(present, BoundHooks) else Options()
    return Options(
        hooks=(*old.hooks, *(hook for hook in new.hooks if hook not in old.hooks)),
        stages={**old.stages, **new.stages},
        sensors=old.sensors and new.sensors,
        step_hooks=old.step_hooks and new.step_hooks,
        plugins=old.plugins and new.plugins,
        health_check=old.health_check or new.health_check,
        since=new.since or old.since,
    )


def _settings(present: Any, store: str | dg.EnvVar | None) -> HookBusResource:
    if isinstance(present, BoundHooks):
        present = present.settings
    if present is None:
        return HookBusResource(store_url=store)
    if not isinstance(present, HookBusResource):
        raise _taken(present)
    if store is not None and present.store_url not in (None, store):
        raise ConfigurationError(
            f"the store is given twice: in with_hooks() and in the resource {RESOURCE_KEY!r}; remove one"
        )
    return present if store is None else present.model_copy(update={"store_url": store})


def _store_url(settings: HookBusResource) -> str | None:
    url: str | None = resolved(settings.store_url)
    if url is None and isinstance(settings.store_url, dg.EnvVar):
        name = settings.store_url.env_var_name
        raise ConfigurationError(f"the store's URL is to be in {name}, which is not set: set it")
    return url


def _check_url(url: str | None) -> None:
    """Refuse one that can never be used; what the environment will say, nobody knows yet."""
    if url is not None and not isinstance(url, dg.EnvVar):
        normalize_url(url)


def _refuse_taken(resources: Mapping[str, Any], where: str) -> None:
    present = resources.get(RESOURCE_KEY)
    if present is not None and not isinstance(present, BoundHooks):
        raise _taken(present, where)


def _taken(present: Any, where: str = "") -> ConfigurationError:
    return ConfigurationError(
        f"the resource key {RESOURCE_KEY!r} is taken by a {type(present).__name__}{where}; the Hook Bus "
        "needs it: rename yours, or make it a HookBusResource"
    )


def _assets(defs: dg.Definitions) -> list[Any]:
    """The assets that were passed, and those that are there only as the target of a schedule or a sensor."""
    assets = list(defs.assets or ())
    known = {key for asset in assets if isinstance(asset, dg.AssetsDefinition) for key in asset.keys}
    for instigator in (*(defs.schedules or ()), *(defs.sensors or ())):
        for asset in targeted_assets(instigator):
            if isinstance(asset, dg.AssetsDefinition) and not asset.keys <= known:
                assets.append(asset)
                known |= asset.keys
    return assets


def _bound_elsewhere(defs: dg.Definitions, assets: Sequence[Any]) -> list[tuple[str, Any]]:
    """The resources that assets, checks and jobs have of their own."""
    definitions = [
        each for each in (*assets, *(defs.asset_checks or ())) if isinstance(each, dg.AssetsDefinition)
    ]
    instigated = [job for each in (*(defs.schedules or ()), *(defs.sensors or ())) for job in jobs_of(each)]
    jobs = [job for job in (*(defs.jobs or ()), *instigated) if isinstance(job, dg.JobDefinition)]
    holders: list[Any] = [*definitions, *jobs]
    return [item for holder in holders for item in holder.resource_defs.items()]


def _rebuilt(
    defs: dg.Definitions,
    assets: Sequence[Any],
    resources: dict[str, Any],
    runtime: Runtime,
    options: Options,
) -> dg.Definitions:
    jobs = _JobMap(resources[RESOURCE_KEY], options.step_hooks)
    sensors = [jobs.instigator(each) for each in defs.sensors or () if each.name != SENSOR_NAME]
    tail = [make_tail_sensor(runtime)] if options.sensors else []
    rest = {"component_tree": defs.component_tree} if hasattr(defs, "component_tree") else {}
    watched, checks = _health(assets, runtime) if options.health_check else ((), ())
    return dg.Definitions(
        assets=[*(_hooked(each, options) for each in assets), *watched],
        asset_checks=[*(_hooked(each, options) for each in defs.asset_checks or ()), *checks],
        jobs=[jobs.job(each) for each in defs.jobs or ()],
        schedules=[jobs.instigator(each) for each in defs.schedules or ()],
        sensors=[*sensors, *tail],
        resources=resources,
        executor=defs.executor,
        loggers=defs.loggers,
        metadata=defs.metadata,
        **rest,
    )


def _health(
    assets: Sequence[Any], runtime: Runtime
) -> tuple[Sequence[dg.AssetSpec], Sequence[dg.AssetChecksDefinition]]:
    """The asset and the check of the bus's own, unless an earlier `with_hooks` has added them."""
    there = any(HEALTH_ASSET in _keys(asset) for asset in assets)
    return ((), ()) if there else ((health_asset(),), (make_health_check(runtime.store),))


def _keys(asset: Any) -> Iterable[dg.AssetKey]:
    if isinstance(asset, dg.AssetSpec):
        return (asset.key,)
    return asset.keys if isinstance(asset, dg.AssetsDefinition) else ()


def _hooked(source: Any, options: Options) -> Any:
    if not (isinstance(source, dg.AssetsDefinition) and source.is_executable):
        return source
    _refuse_taken(source.resource_defs, f" on asset {source.node_def.name!r}")
    return source.with_hooks({STEP_HOOK}) if options.step_hooks else source


class _JobMap:
    """Jobs with the step hook on them; a schedule and a sensor of one job must go on meaning the same one."""

    def __init__(self, bound: BoundHooks, step_hooks: bool) -> None:
        self._bound = bound
        self._step_hooks = step_hooks
        self._hooked: dict[int, tuple[Any, Any]] = {}

    def job(self, job: Any) -> Any:
        """The job with the step hook; an asset job has it from its assets."""
        if not self._step_hooks or not isinstance(job, dg.JobDefinition):
            return job
        if id(job) not in self._hooked:
            # The job itself is kept beside it, since a freed object's id is given out again.
            self._hooked[id(job)] = (job, self._with_resource(job).with_hooks({STEP_HOOK}))
        return self._hooked[id(job)][1]

    def _with_resource(self, job: dg.JobDefinition) -> dg.JobDefinition:
        """The job with the `hooks` resource, where it has all others: Dagster gives it none any more."""
        _refuse_taken(job.resource_defs, f" in job {job.name!r}")
        if lacks_resources(job):
            return job
        return job.with_top_level_resources({**job.resource_defs, RESOURCE_KEY: self._bound})

    def instigator(self, instigator: Any) -> Any:
        """The schedule or sensor, launching the jobs that have the step hook."""
        old = jobs_of(instigator)
        new = [self.job(job) for job in old]
        changed = any(one is not other for one, other in zip(old, new, strict=True))
        return with_jobs(instigator, new) if changed else instigator
