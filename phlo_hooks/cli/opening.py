"""Find the store that a command is about."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from phlo_hooks.delivery.inspection import StoreVersion, inspect_store
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.errors import ConfigurationError, SchemaVersionError

if TYPE_CHECKING:
    from sqlalchemy import URL

    from phlo_hooks.cli.loading import Location

STORE_VARIABLE = "PHLO_HOOKS_STORE_URL"


@dataclass(frozen=True)
class StoreChoice:
    """What was said on the command line about the store."""

    url: str | None = None
    module: str | None = None
    file: str | None = None
    workspace: str | None = None

    @property
    def names_definitions(self) -> bool:
        """Whether definitions were named."""
        return any((self.module, self.file, self.workspace))

    def locations(self) -> list[Location]:
        """The code locations that were named; without one, those of `workspace.yaml` in this folder."""
        from phlo_hooks.cli.loading import load_locations

        return load_locations(self.module, self.file, self.workspace)


def store_url(choice: StoreChoice) -> str | URL:
    """The URL of the store: as given, or that of the definitions, of the environment, of the instance.

    Raises:
        ConfigurationError: nothing says which one.
    """
    if choice.url:
        return choice.url
    if choice.names_definitions:
        return _url_of_definitions(choice)
    return os.environ.get(STORE_VARIABLE) or _url_of_instance()


def open_store(choice: StoreChoice) -> HookStore:
    """The store, if this release can work with its tables as they are.

    Raises:
        ConfigurationError: nothing says which one, or there is none.
        SchemaVersionError: its tables belong to another release.
    """
    url = store_url(choice)
    _check(inspect_store(url))
    return HookStore(url)


def find_store(choice: StoreChoice) -> HookStore | None:
    """The store; None where nobody says which one, or nothing was recorded there yet.

    Raises:
        ConfigurationError: one was named, and there is none.
        SchemaVersionError: its tables belong to another release.
    """
    by_variable = os.environ.get(STORE_VARIABLE) and not choice.names_definitions
    if not (choice.url or by_variable or os.environ.get("DAGSTER_HOME")):
        return None
    if not choice.url and inspect_store(store_url(choice)).found is None:
        return None
    return open_store(choice)


def _check(version: StoreVersion) -> None:
    if version.current:
        return
    if version.found is None:
        raise ConfigurationError(
            f"there is no hook store at {version.url}: nothing was recorded there yet; name another one with "
            "--store, or create it with: phlo-hooks store upgrade"
        )
    if version.newer:
        raise SchemaVersionError(
            f"the hook store {version.url} has tables of version {version.found}, this release of phlo-hooks "
            f"knows up to {version.wanted}: upgrade phlo-hooks here"
        )
    raise SchemaVersionError(
        f"the hook store {version.url} has tables of version {version.found or 'unknown'}, this release of "
        f"phlo-hooks needs {version.wanted}: run phlo-hooks store upgrade"
    )


def _url_of_instance() -> str:
    if not os.environ.get("DAGSTER_HOME"):
        raise ConfigurationError(
            "which hook store? Give --store URL, or your definitions with -m, -f or -w, or set "
            f"{STORE_VARIABLE} or DAGSTER_HOME"
        )
    from phlo_hooks.cli.loading import open_instance
    from phlo_hooks.producers.dagster_private import default_store_url

    with open_instance() as instance:
        url = default_store_url(instance)
    if url is None:
        raise ConfigurationError(
            "this Dagster instance is ephemeral and keeps no hook store: give --store URL"
        )
    return url


def _url_of_definitions(choice: StoreChoice) -> URL:
    from phlo_hooks.cli.loading import open_instance

    with open_instance() as instance:
        found = {each.name: each.runtime.store(instance).url for each in choice.locations()}
    urls = set(found.values())
    if len(urls) > 1:
        raise ConfigurationError(
            f"the code locations {', '.join(sorted(found))} have {len(urls)} hook stores: name one of them "
            "with -m or -f, or give --store URL"
        )
    return urls.pop()
