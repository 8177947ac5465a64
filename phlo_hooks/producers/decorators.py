"""@ingestion, @transform, @publish and @quality: they go beneath Dagster's own and need no configuration.

    @dg.asset
    @ingestion(table="raw.orders")
    def orders(context): ...

The `.start` event is emitted before the function does anything, so a hook with `failure_policy="raise"` stops
the step before any work. Before an output is handed to Dagster, such hooks are shown its `.end` event, and
may fail the step. Everything else is told by the step hook, which sees what Dagster made of the output.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any, TypeVar, overload

from phlo_hooks.errors import ConfigurationError
from phlo_hooks.producers.declared import Declared, declare
from phlo_hooks.producers.stages import Stage
from phlo_hooks.producers.watch import Watch

F = TypeVar("F", bound=Callable[..., Any])


@overload
def ingestion(fn: F) -> F: ...
@overload
def ingestion(*, table: str | None = None) -> Callable[[F], F]: ...
def ingestion(fn: Any = None, *, table: str | None = None) -> Any:
    """The asset brings data in from a source.

    Args:
        fn: the function beneath `@dg.asset`, `@dg.multi_asset`, `@dlt_assets` …
        table: the physical table it writes, such as `raw.orders`.
    """
    return _stage(fn, Declared(Stage.INGESTION, table=table))


@overload
def transform(fn: F) -> F: ...
@overload
def transform(*, table: str | None = None, tool: str | None = None) -> Callable[[F], F]: ...
def transform(fn: Any = None, *, table: str | None = None, tool: str | None = None) -> Any:
    """The asset is computed from others.

    Args:
        fn: the function beneath `@dg.asset`, `@dbt_assets` …
        table: the physical table it writes, such as `marts.orders`.
        tool: what computes it, such as `dbt`; left out, what the asset's kinds say.
    """
    return _stage(fn, Declared(Stage.TRANSFORM, table=table, tool=tool))


@overload
def publish(fn: F) -> F: ...
@overload
def publish(
    *, target_system: str | None = None, tables: Mapping[str, str] | None = None
) -> Callable[[F], F]: ...
def publish(
    fn: Any = None, *, target_system: str | None = None, tables: Mapping[str, str] | None = None
) -> Any:
    """The asset hands data to those who use it.

    Args:
        fn: the function beneath `@dg.asset` or `@dg.multi_asset`.
        target_system: where to, such as `postgres`.
        tables: published name to source.
    """
    return _stage(fn, Declared(Stage.PUBLISH, target_system=target_system, tables=dict(tables or {})))


@overload
def quality(fn: F) -> F: ...
@overload
def quality() -> Callable[[F], F]: ...
def quality(fn: Any = None) -> Any:
    """A hook with `failure_policy="raise"` may refuse the asset check's result, which fails the step."""
    return _stage(fn, Declared(None))


def _stage(fn: Any, declared: Declared) -> Any:
    if fn is None:
        return lambda function: _wrapped(function, declared)
    return _wrapped(fn, declared)


def _wrapped(fn: Callable[..., Any], declared: Declared) -> Callable[..., Any]:
    if not inspect.isroutine(fn):
        raise ConfigurationError(
            f"the Hook Bus decorator is on a {type(fn).__name__}, not on a function: put it beneath "
            "Dagster's decorator"
        )
    wrapper = functools.wraps(fn)(_wrapper_for(fn))
    declare(wrapper, declared)
    return wrapper


def _wrapper_for(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Dagster looks at what kind of function it has been given, so the wrapper must be of the same kind."""
    if inspect.isasyncgenfunction(fn):
        return _around_async_generator(fn)
    if inspect.iscoroutinefunction(fn):
        return _around_coroutine(fn)
    if inspect.isgeneratorfunction(fn):
        return _around_generator(fn)
    return _around_function(fn)


def _around_function(fn: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        watch = Watch.begin()
        result = fn(*args, **kwargs)
        return _returned(watch, result)

    return wrapper


def _returned(watch: Watch, result: Any) -> Any:
    # A function may return the generator of another one, and Dagster takes its outputs. Any other iterator is
    # a value to it.
    return _watched(watch, result) if inspect.isgenerator(result) else watch.through(result)


def _watched(watch: Watch, outputs: Iterator[Any]) -> Iterator[Any]:
    for output in watch.stream(outputs):
        yield watch.through(output)


def _around_generator(fn: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Iterator[Any]:
        watch = Watch.begin()
        yield from _watched(watch, fn(*args, **kwargs))

    return wrapper


def _around_coroutine(fn: Callable[..., Any]) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        watch = Watch.begin()
        return _returned(watch, await fn(*args, **kwargs))

    return wrapper


def _around_async_generator(fn: Callable[..., Any]) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        watch = Watch.begin()
        async for output in fn(*args, **kwargs):
            yield watch.through(output)

    return wrapper
