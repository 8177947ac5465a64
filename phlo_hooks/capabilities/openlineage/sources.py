"""A data source: the server, or the file, that holds tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from phlo_hooks.capabilities.openlineage.facts import DatasetName
from phlo_hooks.capabilities.openlineage.places import Place, place
from phlo_hooks.capabilities.openlineage.systems import System, system
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.table_names import table_parts


@dataclass(frozen=True)
class DataSource:
    """Where the tables of one storage kind are.

    Args:
        system: None of a system that nobody here knows.
        place: as configured; its path may name the database and the schema.
        namespace: of the tables, where the system does not give it.
    """

    system: System | None
    place: Place
    namespace: str = ""

    def own_name(self) -> DatasetName | None:
        """The name of the table that a URI leads to; None where it leads to a whole database."""
        return self.system.own_name(self.place) if self.system else None

    def name(self, table_name: str) -> DatasetName | None:
        """The name of a table; None where it has too few parts, or too many, or cannot be read."""
        if self.system is None:
            return DatasetName(self.namespace, table_name)
        # A topic has dots in its name, and no schema.
        parts = (table_name,) if self.system.levels == 1 else table_parts(table_name)
        return self.system.name(self.place, parts) if parts else None


# Server=db;Password=…
_OPTIONS = re.compile(r"[;=]")
_NOWHERE = Place("", "", "", None, "")
_BIGQUERY = DataSource(system("bigquery"), _NOWHERE)


def read_sources(configured: Mapping[str, str]) -> dict[str, DataSource]:
    """The data source of each storage kind, in small letters. BigQuery is one everywhere.

    Args:
        configured: storage kind, or asset kind, to where it is.

    Raises:
        ConfigurationError: a value cannot be a data source of its kind.
    """
    found = {kind.lower(): _source(kind, text.strip()) for kind, text in configured.items()}
    return {"bigquery": _BIGQUERY} | found


def uri_source(uri: str) -> DataSource | None:
    """The data source that a table's own URI names; None of one that is no database's."""
    found = place(uri)
    is_a = system(found.scheme) if found else None
    return _known_source(is_a, found) if found and is_a else None


def file_source(path: str, kinds: tuple[str, ...]) -> DataSource | None:
    """The data source that a file is, by the kinds of the asset; None of one that holds no tables."""
    known = (system(kind) for kind in kinds)
    is_a = next((one for one in known if one and one.needs == "path"), None)
    return DataSource(is_a, replace(_NOWHERE, path=path)) if is_a else None


def _source(kind: str, text: str) -> DataSource:
    known = system(kind)
    if known is not None and known.needs != "host" and "://" not in text:
        return _without_host(known, kind, text)
    found = _at_web(known, place(text))
    is_a = system(found.scheme) if found else None
    source = _known_source(is_a, found) if found and is_a else _other_source(known, text, found)
    if source is None:
        raise ConfigurationError(
            f"data_sources[{kind!r}] is {_shown(text, found)}: {_expected(is_a or known)}"
        )
    return source


def _without_host(known: System, kind: str, text: str) -> DataSource:
    """The path of a file, MotherDuck's md:database, or no more than bigquery."""
    if not text or (not known.needs and text.lower() != known.scheme):
        raise ConfigurationError(f"data_sources[{kind!r}] is {text!r}: {_expected(known)}")
    # MotherDuck takes its token as a query.
    path = text.partition("?")[0] if known.needs else ""
    return DataSource(known, replace(_NOWHERE, scheme=known.scheme, path=path))


def _at_web(known: System | None, found: Place | None) -> Place | None:
    """Databricks and others are known by the address of their web page."""
    at_web = known is not None and found is not None and found.scheme in {"http", "https"}
    return replace(found, scheme=known.scheme) if known and found and at_web else found


def _known_source(is_a: System, found: Place) -> DataSource | None:
    if is_a.needs == "host" and (not found.host or "@" in found.path):
        return None
    if is_a.needs == "path" and not found.path.strip("/"):
        return None
    return DataSource(is_a, found if is_a.needs else _in_project(found))


def _in_project(found: Place) -> Place:
    """BigQuery has its project where others have their host."""
    return replace(found, path=f"{found.host}/{found.path}", host="", authority="")


def _other_source(known: System | None, text: str, found: Place | None) -> DataSource | None:
    """Of a system that nobody knows: the text is the namespace."""
    if known is not None or not text:
        return None
    if "://" not in text:
        if _OPTIONS.search(text):
            return None
        return DataSource(None, _NOWHERE, text.rpartition("@")[2].partition("?")[0].rstrip("/"))
    if found is None:
        return None
    return DataSource(None, found, f"{found.scheme}://{found.authority}{found.path}".rstrip("/"))


def _shown(text: str, found: Place | None) -> str:
    """Nothing of a URL that cannot be read: a password may be anywhere in it."""
    if found is not None and "://" in text:
        return repr(f"{found.scheme}://{found.authority}{found.path}")
    return "not a URL that can be read" if re.search(r"[:@?;=]", text) else repr(text)


def _expected(is_a: System | None) -> str:
    return f"give it as {is_a.example}" if is_a else "give it as scheme://host:port"
