"""The name of a dataset that is a file, a folder, or whatever else a URI leads to."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

from openlineage.client.naming import dataset as naming

from phlo_hooks.capabilities.openlineage.facts import DatasetName
from phlo_hooks.capabilities.openlineage.places import Place, place

_ABSOLUTE = re.compile(r"/[^/]|[A-Za-z]:[\\/]")
_AZURE = re.compile(r"([^@:]+)@([^.]+)\..+")
# The web addresses of an object in S3, as a presigned URL has them.
_S3_HOST = re.compile(r"(?:(?P<bucket>.+)\.)?s3(?:[.\-][a-z0-9\-]+)*\.amazonaws\.com(?:\.cn)?")


def location_name(uri: str) -> DatasetName | None:
    """The name of what `uri` leads to; None where it leads to nothing that has a name."""
    if _ABSOLUTE.match(uri):
        return _client_name(naming.LocalFileSystem(_folder(uri)))
    found = place(uri)
    if found is None:
        return None
    name = _BY_SCHEME.get(found.scheme, _other)(found)
    return name if name is None or isinstance(name, DatasetName) else _client_name(name)


_Named = naming.DatasetNaming | DatasetName | None


def _client_name(name: naming.DatasetNaming) -> DatasetName:
    return DatasetName(name.get_namespace(), name.get_name())


def _folder(path: str) -> str:
    """An absolute path, whether or not a slash says that it is a folder."""
    return path.rstrip("/") or "/"


def _object(path: str) -> str:
    """A key in a bucket; a whole bucket is /."""
    return path.strip("/") or "/"


def _s3(found: Place) -> _Named:
    return naming.S3(found.authority, _object(found.path)) if found.authority else None


def _gcs(found: Place) -> _Named:
    return naming.GCS(found.authority, _object(found.path)) if found.authority else None


def _azure(make: Callable[[str, str, str], naming.DatasetNaming]) -> Callable[[Place], _Named]:
    def named(found: Place) -> _Named:
        parts = _AZURE.fullmatch(found.authority)
        return make(parts[1], parts[2], _object(found.path)) if parts else None

    return named


def _hdfs(found: Place) -> _Named:
    if not found.host:
        return None
    # 8020 is the name node's own.
    return naming.HDFS(found.host, str(found.port or 8020), _folder(found.path))


def _dbfs(found: Place) -> _Named:
    path = _folder(found.path)
    return naming.DBFS(found.authority, path) if found.authority else DatasetName("dbfs", path)


def _file(found: Place) -> _Named:
    path = _folder(unquote(found.path))
    if found.authority in {"", "localhost"}:
        return naming.LocalFileSystem(path)
    return naming.RemoteFileSystem(found.authority, path)


def _web(found: Place) -> _Named:
    at_s3 = _S3_HOST.fullmatch(found.host)
    if at_s3 is None:
        return _other(found)
    bucket, _, key = (at_s3["bucket"] or "", "", found.path) if at_s3["bucket"] else _first_of(found.path)
    return naming.S3(bucket, _object(unquote(key))) if bucket else None


def _first_of(path: str) -> tuple[str, str, str]:
    return path.strip("/").partition("/")


def _other(found: Place) -> _Named:
    """The specification's rule for all: the namespace is the scheme and authority, the name is the path."""
    path = found.path.strip("/")
    if not found.authority or not path or "@" in path:
        return None
    return DatasetName(f"{found.scheme}://{found.authority}", path)


_BY_SCHEME: dict[str, Callable[[Place], _Named]] = {
    "abfs": _azure(naming.ABFSS),
    "abfss": _azure(naming.ABFSS),
    "dbfs": _dbfs,
    "file": _file,
    "gcs": _gcs,
    "gs": _gcs,
    "hdfs": _hdfs,
    "http": _web,
    "https": _web,
    "s3": _s3,
    "s3a": _s3,
    "s3n": _s3,
    "wasb": _azure(naming.WASBS),
    "wasbs": _azure(naming.WASBS),
}
