"""Names of tables with tokens in them: `lakehouse.main.{schema}.{name}`."""

from __future__ import annotations

import re
from functools import cached_property

from phlo_hooks.assets import AssetInfo
from phlo_hooks.capabilities.openmetadata import fqn
from phlo_hooks.envelope import suggest
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.table_names import table_parts

TOKENS = {
    "asset": "the asset's key, its parts joined by /",
    "name": "the last part of the key",
    "group": "the asset's group",
    "database": "the first of three parts of dagster/table_name",
    "schema": "the last but one part of dagster/table_name",
    "table": "the last part of dagster/table_name",
}
_TOKEN = re.compile(r"\{([^{}]*)\}")


class NameTemplate:
    """A name of four parts, each of which may hold tokens. What they stand for is never read as a name:
    a dot in it is part of the name.

    Args:
        text: the name.
        where: the field that it is from.

    Raises:
        ConfigurationError: it is no name of a table, or holds a token that there is not.
    """

    def __init__(self, text: str, where: str) -> None:
        self.text, self._where = text, where
        try:
            self._parts = fqn.parts(fqn.table_name(text))
        except ConfigurationError as exc:
            raise ConfigurationError(f"{where}: {exc}") from None
        for token in self._tokens:
            if token not in TOKENS:
                known = ", ".join(f"{{{each}}}" for each in TOKENS)
                raise ConfigurationError(
                    f"{where} {text!r} holds {{{token}}}{suggest(token, [*TOKENS])}: use {known}"
                )

    @cached_property
    def _tokens(self) -> list[str]:
        return [token for part in self._parts for token in _TOKEN.findall(part)]

    def filled(self, info: AssetInfo) -> str:
        """The name for one asset.

        Raises:
            ConfigurationError: the asset has nothing for one of the tokens.
        """
        values = _values(info)
        for token in self._tokens:
            if not values.get(token):
                raise ConfigurationError(
                    f"{self._where} {self.text!r} needs {{{token}}}, {TOKENS[token]}, which this asset does "
                    "not say: set metadata openmetadata/fqn on it, or give it a pattern of its own"
                )
        return fqn.joined_table(*(_TOKEN.sub(lambda match: values[match[1]], part) for part in self._parts))


def _values(info: AssetInfo) -> dict[str, str]:
    table = table_parts(info.table_name or "")
    values = {"asset": info.key, "name": info.key.rpartition("/")[2], "group": info.group or ""}
    return values | dict(zip(("table", "schema", "database"), reversed(table), strict=False))
