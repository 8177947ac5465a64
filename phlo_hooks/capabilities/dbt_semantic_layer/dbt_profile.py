"""The database that a dbt project's profile names, reached by dbt's own adapter."""

from __future__ import annotations

import os
import re
import threading
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from phlo_hooks.capabilities.dbt_semantic_layer.database import Database, Rows
from phlo_hooks.capabilities.dbt_semantic_layer.duckdb_file import DuckDbFile
from phlo_hooks.errors import ConfigurationError, DeliveryError, MissingExtraError, PermanentError
from phlo_hooks.redaction import Redactor, looks_secret

if TYPE_CHECKING:
    from dbt.adapters.base.impl import BaseAdapter
    from dbt.config.runtime import RuntimeConfig

_WRONG_TYPE = re.compile(r"(invalid: ).*( (?:is not (?:of type|valid|one of)|does not match))")
# dbt keeps what it is about in variables of the whole process.
_LOADING = threading.Lock()


@dataclass(frozen=True)
class Profile:
    """Which profile of a dbt project is meant.

    Args:
        project_dir: of the dbt project.
        profiles_dir: where `profiles.yml` is; else where dbt would look.
        target: of the profile; else its default.
        variables: as `dbt --vars` takes them.
    """

    project_dir: str
    profiles_dir: str | None = None
    target: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)

    def database(self, lock_file: str | None, timeout: float) -> Database:
        """The database that it names.

        Args:
            lock_file, timeout: as of `DuckDbFile`.

        Raises:
            ConfigurationError: the profile cannot be read.
            MissingExtraError: dbt is not installed.
        """
        with _LOADING:
            config = self._config()
        credentials: Any = config.credentials
        if _is_file(credentials):
            return DuckDbFile(str(Path(self.project_dir, credentials.path)), lock_file, timeout)
        return DbtDatabase(config)

    def _config(self) -> RuntimeConfig:
        try:
            from dbt.config.runtime import RuntimeConfig, load_profile, load_project
            from dbt.flags import get_flags, set_from_args
            from dbt_common.context import set_invocation_context
            from dbt_common.exceptions import DbtBaseException
        except ImportError:
            raise MissingExtraError("dbt-core", "metricflow") from None
        set_invocation_context(dict(os.environ))
        set_from_args(Namespace(profiles_dir=self._profiles_dir()), None)
        variables = dict(self.variables)
        try:
            profile = load_profile(self.project_dir, variables, None, self.target)
            project = load_project(self.project_dir, False, profile, variables)
        except DbtBaseException as exc:
            raise ConfigurationError(
                f"the dbt profile of {self.project_dir} cannot be used: {_without_values(str(exc))}"
            ) from None
        return RuntimeConfig.from_parts(project, profile, get_flags())  # type: ignore[no-untyped-call]

    def _profiles_dir(self) -> str:
        """As dbt looks for it: the variable, the project, the home."""
        if self.profiles_dir is not None:
            return self.profiles_dir
        beside = Path(self.project_dir, "profiles.yml").is_file()
        return os.environ.get("DBT_PROFILES_DIR") or (
            self.project_dir if beside else str(Path.home() / ".dbt")
        )


def _without_values(text: str) -> str:
    """What dbt says of a profile, without the value that it says it of: that may be a password."""
    secrets = Redactor(value for name, value in os.environ.items() if looks_secret(name))
    return secrets.text(_WRONG_TYPE.sub(r"\1a value\2", " ".join(text.split())))


def _is_file(credentials: Any) -> bool:
    """Whether it is one DuckDB file: neither in memory, nor MotherDuck, nor several of them."""
    if credentials.type != "duckdb" or credentials.attach:
        return False
    return not credentials.path.startswith((":memory:", "md:")) and "://" not in credentials.path


class DbtDatabase:
    """A database through the dbt adapter that belongs to it.

    Args:
        config: of the dbt project and its profile.
    """

    def __init__(self, config: RuntimeConfig) -> None:
        self._config = config
        credentials = config.credentials
        safe = {*credentials._connection_keys(), "type"}  # noqa: SLF001 - what dbt itself would print
        values = {key: value for key, value in credentials.to_dict().items() if key not in safe}
        self._redactor = Redactor(str(value) for value in values.values() if value)

    @property
    def dialect(self) -> str:
        """See `Database`."""
        return str(self._config.credentials.type)

    def run(self, sql: str) -> Rows:
        """See `Database`."""
        from dbt.adapters.exceptions.connection import FailedToConnectError
        from dbt_common.exceptions import DbtBaseException

        try:
            with self._adapter.connection_named(f"phlo-hooks-{uuid4().hex}"):
                _, table = self._adapter.execute(sql, auto_begin=True, fetch=True)
                return Rows(tuple(table.column_names), tuple(tuple(row.values()) for row in table.rows))
        except FailedToConnectError as exc:
            raise DeliveryError(f"the {self.dialect} database cannot be reached: {self._said(exc)}") from None
        except DbtBaseException as exc:
            raise PermanentError(
                f"the {self.dialect} database refuses the query: {self._said(exc)}"
            ) from None

    def _said(self, exc: Exception) -> str:
        return self._redactor.text(" ".join(str(exc).split()))[:500]

    @cached_property
    def _adapter(self) -> BaseAdapter:
        """One of our own: dbt's registry belongs to whoever runs dbt in this process."""
        from dbt.adapters.factory import FACTORY
        from dbt.mp_context import get_mp_context

        adapter: Any = FACTORY.get_adapter_class_by_name(self.dialect)
        made: BaseAdapter = adapter(self._config, get_mp_context())
        return made
