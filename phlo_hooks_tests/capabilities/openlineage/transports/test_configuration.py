"""Where a transport is read from, who wins, and what is refused."""

from __future__ import annotations

import copy
import os
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml
from openlineage.client import OpenLineageClient
from openlineage.client.transport import HttpTransport

from phlo_hooks.capabilities.openlineage.transports import Outlet, TransportSettings
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.testing import FaultServer
from phlo_hooks_tests.capabilities.openlineage.transports.helpers import outlet_of, run_event, send


def write(path: Path, content: Any) -> Path:
    """A YAML file."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def http(url: str, **fields: Any) -> dict[str, Any]:
    """As `openlineage.yml` has it."""
    return {"transport": {"type": "http", "url": url, **fields}}


@pytest.mark.parametrize("place", ["openlineage.yml", ".openlineage/openlineage.yml"])
def test_a_file_in_its_place(server: FaultServer, home: Path, place: str) -> None:
    write(home / place, http(server.url))
    send()
    assert server.count == 1


def test_a_file_that_is_named(server: FaultServer, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the resource, before OPENLINEAGE_CONFIG, before that of the working directory."""
    monkeypatch.setenv("OPENLINEAGE_CONFIG", str(write(home / "b.yml", http(server.url, endpoint="b"))))
    write(home / "openlineage.yml", http(server.url, endpoint="c"))
    send(config_file=str(write(home / "a.yml", http(server.url, endpoint="a"))))
    send()
    assert [request.path for request in server.requests] == ["/a", "/b"]


def test_the_environment(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", server.url)
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "key-123456")
    monkeypatch.setenv("OPENLINEAGE_ENDPOINT", "in")
    send()
    (request,) = server.requests
    assert (request.path, request.headers["authorization"]) == ("/in", "Bearer key-123456")


def test_the_environment_by_sections(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "http")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__URL", server.url)
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__AUTH", '{"type": "api_key", "apiKey": "key-123456"}')
    monkeypatch.setenv("OPENLINEAGE__TAGS__JOB__TEAM", "data")
    send()
    (request,) = server.requests
    assert request.headers["authorization"] == "Bearer key-123456"
    tags = {tag["key"]: tag["value"] for tag in request.json()["job"]["facets"]["tags"]["tags"]}
    assert tags == {"team": "data"}


def test_async_http_takes_the_url_of_the_environment(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "async_http")
    monkeypatch.setenv("OPENLINEAGE_URL", server.url)
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "key-123456")
    send()
    assert server.processed[0].headers["authorization"] == "Bearer key-123456"


def test_the_url_of_the_environment_joins_a_composite(
    server: FaultServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with the client."""
    monkeypatch.setenv("OPENLINEAGE_URL", server.url)
    with FaultServer() as other:
        children = {"mine": {"type": "http", "url": other.url}}
        write(home / "openlineage.yml", {"transport": {"type": "composite", "transports": children}})
        send()
        assert (server.count, other.count) == (1, 1)


def test_who_wins(server: FaultServer, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The resource over the file, the file over the environment: the client's order."""
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__ENDPOINT", "environment")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__URL", server.url)
    write(home / "openlineage.yml", {"transport": {"type": "http"}})
    send()
    write(home / "openlineage.yml", http(server.url, endpoint="file"))
    send()
    send(endpoint="resource")
    send(url=server.url, endpoint="url")
    send(transport={"type": "http", "url": server.url, "endpoint": "transport"})
    paths = ["/environment", "/file", "/resource", "/url", "/transport"]
    assert paths == [request.path for request in server.requests]


ENVIRONMENTS: list[dict[str, str]] = [
    {"OPENLINEAGE_URL": "URL", "OPENLINEAGE_API_KEY": "key-123456", "OPENLINEAGE_ENDPOINT": "in"},
    {"OPENLINEAGE__TRANSPORT__TYPE": "http", "OPENLINEAGE__TRANSPORT__URL": "URL"},
    {
        "OPENLINEAGE__TRANSPORT": '{"type": "http", "url": "URL", "endpoint": "whole"}',
        "OPENLINEAGE_URL": "URL",
    },
    {"OPENLINEAGE__TRANSPORT": '{"type": "http", "url": "URL"}', "OPENLINEAGE__TRANSPORT__ENDPOINT": "part"},
    {
        "OPENLINEAGE__TRANSPORT__TYPE": "composite",
        "OPENLINEAGE__TRANSPORT__TRANSPORTS__A__TYPE": "http",
        "OPENLINEAGE__TRANSPORT__TRANSPORTS__A__URL": "URL",
        "OPENLINEAGE__TRANSPORT__TRANSPORTS__A__ENDPOINT": "a",
        "OPENLINEAGE_URL": "URL",
    },
    {
        "OPENLINEAGE__TRANSPORT__TYPE": "composite",
        "OPENLINEAGE__TRANSPORT__TRANSPORTS": '{"a": {"type": "http", "url": "URL"}}',
        "OPENLINEAGE_URL": "URL",
    },
    {
        "OPENLINEAGE__TRANSPORT__TYPE": "composite",
        "OPENLINEAGE__TRANSPORT__TRANSPORTS__DEFAULT_HTTP__TYPE": "http",
        "OPENLINEAGE__TRANSPORT__TRANSPORTS__DEFAULT_HTTP__URL": "URL",
        "OPENLINEAGE_URL": "http://127.0.0.1:1",
    },
    {
        "OPENLINEAGE__TRANSPORT__TYPE": "async_http",
        "OPENLINEAGE_URL": "URL",
        "OPENLINEAGE_ENDPOINT": "in",
        "OPENLINEAGE__TRANSPORT__AUTH": '{"type": "api_key", "apiKey": "key-123456"}',
        "OPENLINEAGE_API_KEY": "another-key",
    },
]


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=range(len(ENVIRONMENTS)))
def test_the_environment_means_what_it_means_to_the_client(
    server: FaultServer, environment: dict[str, str]
) -> None:
    """The same requests as from the client itself."""
    given = {name: value.replace("URL", server.url) for name, value in environment.items()}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        send()
    ours = [(each.path, each.headers.get("authorization")) for each in server.requests]
    server.clear()
    before = dict(os.environ)
    try:
        os.environ.update(given)
        client = OpenLineageClient()
        client.emit(run_event())
        client.close()
    finally:
        os.environ.clear()
        os.environ.update(before)
    assert ours
    assert ours == [(each.path, each.headers.get("authorization")) for each in server.requests]


def test_the_key_of_the_environment_goes_to_the_url_of_the_environment_alone(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", server.url)
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "key-123456")
    send(url=server.url)
    with FaultServer() as other:
        send(url=other.url)
        assert "authorization" not in other.requests[0].headers
    assert server.requests[0].headers["authorization"] == "Bearer key-123456"


def test_what_a_file_has_for_another_backend_does_not_leak_into_a_url(
    server: FaultServer, home: Path
) -> None:
    auth = {"type": "api_key", "apiKey": "key-123456"}
    write(home / "openlineage.yml", http("http://127.0.0.1:1", auth=auth))
    send(url=server.url)
    assert "authorization" not in server.requests[0].headers


def test_the_other_sections(server: FaultServer, home: Path) -> None:
    """Filters, tags, facets and trimmers of a file hold, also with a url of the resource."""
    sections = {
        "filters": [{"type": "regex", "regex": "secret-.*"}],
        "tags": {"run": {"team": "data"}},
        "facets": {"environment_variables": ["HOME"]},
    }
    write(home / "openlineage.yml", sections)
    with outlet_of(url=server.url) as outlet:
        outlet.send(run_event("secret-job"))
        outlet.send(run_event())
    (request,) = server.requests
    facets = request.json()["run"]["facets"]
    assert facets["environmentVariables"]["environmentVariables"] == [{"name": "HOME", "value": str(home)}]
    assert "team" in [tag["key"] for tag in facets["tags"]["tags"]]


def test_disabled(server: FaultServer, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the user wishes: nothing is sent, and nothing is wrong."""
    monkeypatch.setenv("OPENLINEAGE_DISABLED", " True ")
    write(home / "openlineage.yml", "{ nonsense")
    send(url=server.url)
    assert server.count == 0


def test_what_the_user_gave_is_left_as_it_was(server: FaultServer) -> None:
    """The client takes names and priorities out of it."""
    children = [
        {"type": "http", "url": server.url, "name": "one"},
        {"type": "console", "name": "two", "priority": 3},
    ]
    before = copy.deepcopy(children)
    send(transport={"type": "composite", "transports": children})
    send(transport={"type": "composite", "transports": children})
    assert children == before
    assert server.count == 2


def test_the_environment_is_left_as_it_was(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """At every moment: another thread looks all the time, and every write is caught."""
    monkeypatch.setenv("OPENLINEAGE_URL", server.url)
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "key-123456")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "async_http")
    before, seen, over = dict(os.environ), [], threading.Event()

    def look() -> None:
        while not over.is_set():
            seen.append(dict(os.environ) == before)

    def caught(*arguments: object) -> None:
        raise AssertionError(f"os.environ was written to: {arguments[1]}")

    watcher = threading.Thread(target=look)
    watcher.start()
    with monkeypatch.context() as patch:
        patch.setattr(type(os.environ), "__setitem__", caught)
        patch.setattr(type(os.environ), "__delitem__", caught)
        send()
    over.set()
    watcher.join()
    assert all(seen)
    assert seen
    assert dict(os.environ) == before
    assert server.count == 1


def test_a_class_of_the_users_own(server: FaultServer) -> None:
    send(transport={"type": f"{OwnHttp.__module__}.OwnHttp", "url": server.url})
    assert server.count == 1


class OwnHttp(HttpTransport):
    """A transport of the user's own."""

    kind = "own"


REFUSED = {
    "nothing": ({}, "no OpenLineage transport is configured: set url="),
    "empty url": ({"url": " "}, "url= is empty"),
    "both": ({"url": "http://a", "transport": {"type": "console"}}, "both set"),
    "no type": ({"transport": {"url": "http://a"}}, "transport= has no type"),
    "unknown type": (
        {"transport": {"type": "htpp"}},
        "'htpp' is unknown: use one of amazon_datazone_api, async_http",
    ),
    "unknown child": (
        {"transport": {"type": "composite", "transports": [{"type": "nope"}]}},
        "'nope' is unknown",
    ),
    "unknown grandchild": (
        {"transport": {"type": "transform", "transport": {"type": "nope"}, "transformer_class": "a.B"}},
        "'nope' is unknown",
    ),
    "unknown class": (
        {"transport": {"type": "no.such.Class"}},
        "'no.such.Class' cannot be set up: Failed to import",
    ),
    "no transport": ({"transport": {"type": "os.PathLike"}}, "'os.PathLike' cannot be set up: "),
    "no transformer": (
        {"transport": {"type": "transform", "transport": {"type": "console"}}},
        "'transformer_class' not passed",
    ),
    "no children": ({"transport": {"type": "composite", "transports": []}}, "has no transports"),
    "child without type": ({"transport": {"type": "composite", "transports": [{"url": "x"}]}}, "has no type"),
    "no url": ({"transport": {"type": "http"}}, "'http' has no url"),
    "scheme": ({"url": "ftp://host"}, "no valid url"),
    "no host": ({"url": "http://"}, "no valid url"),
    "port": ({"url": "http://host:99999"}, "no valid url"),
    "api key": ({"transport": {"type": "console"}, "api_key": "key-123456"}, "are for HTTP"),
    "auth": (
        {"transport": {"type": "http", "url": "http://a", "auth": {"type": "api_key"}}},
        "apiKey is required",
    ),
    "auth without a type": (
        {"transport": {"type": "http", "url": "http://a", "auth": {"apiKey": "key-123456"}}},
        "'http' has an auth without a type",
    ),
    "datadog": ({"transport": {"type": "datadog"}}, "apiKey is required"),
    "file": ({"transport": {"type": "file"}}, "'file' has no log_file_path"),
    "timeout": (
        {"transport": {"type": "http", "url": "http://a", "timeout": "soon"}},
        "timeout 'soon': use seconds",
    ),
    "no timeout": (
        {"transport": {"type": "http", "url": "http://a", "timeout": 0}},
        "timeout 0: use seconds",
    ),
    "compression": (
        {"transport": {"type": "http", "url": "http://a", "compression": "zip"}},
        "compression 'zip'",
    ),
    "children by name": ({"transport": {"type": "composite", "transports": "http"}}, "has no transports"),
    "kafka": ({"transport": {"type": "kafka", "topic": "a"}}, "needs topic and config"),
    "no file": ({"config_file": "none.yml"}, "none.yml cannot be read (No such file"),
    "a directory": ({"config_file": "."}, "cannot be read (Is a directory)"),
}


@pytest.mark.parametrize(("fields", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_work_is_refused(fields: dict[str, Any], message: str) -> None:
    """When the outlet is made, and not when the first event is lost."""
    with pytest.raises(ConfigurationError) as caught:
        Outlet(TransportSettings(**fields))
    assert message in str(caught.value)
    assert caught.value.__cause__ is None


BROKEN = {
    "yaml": ("transport:\n  type: http\n  api_key: [canary-1\n", "openlineage.yml is no YAML at line 4"),
    "a list": ("- 1\n", "holds no mapping"),
    "transport": ("transport: http\n", "is no mapping"),
    "facets": ("transport: {type: console}\nfacets: {nope: 1}\n", "cannot be set up"),
    "filters": ("transport: {type: console}\nfilters: [{kind: x}]\n", "cannot be set up"),
    "empty": ("# nothing\n", "no OpenLineage transport is configured"),
    "latin": (b"transport: \xe4\n", "it is not UTF-8"),
}


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_cannot_work_is_refused(home: Path, content: Any, message: str) -> None:
    """The client logs it, and prints the events instead of sending them."""
    path = home / "openlineage.yml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigurationError) as caught:
        Outlet(TransportSettings())
    assert message in str(caught.value)
    assert "canary" not in str(caught.value)


def test_a_config_that_the_environment_names_has_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLINEAGE_CONFIG", "/nowhere/openlineage.yml")
    with pytest.raises(ConfigurationError, match="/nowhere/openlineage.yml cannot be read"):
        Outlet(TransportSettings(url="http://127.0.0.1:1"))


LIBRARIES = {
    "kafka": ({"topic": "a", "config": {}}, "confluent_kafka", "pip install confluent-kafka"),
    "amazon_datazone_api": ({"domainId": "a"}, "boto3", "pip install boto3"),
    "gcplineage": (
        {"project_id": "a"},
        "google.cloud.datacatalog_lineage_v1",
        "pip install google-cloud-datacatalog",
    ),
    "msk-iam": ({"topic": "a", "config": {}}, "aws_msk_iam_sasl_signer", "aws-msk-iam-sasl-signer-python"),
}


@pytest.mark.parametrize("kind", LIBRARIES)
def test_a_library_that_is_missing(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    fields, module, hint = LIBRARIES[kind]
    from phlo_hooks.capabilities.openlineage.transports import preparation

    monkeypatch.setattr(preparation, "find_spec", lambda name: None if name == module else object())
    with pytest.raises(ConfigurationError) as caught:
        Outlet(TransportSettings(transport={"type": kind, **fields}))
    assert f"transport {kind!r} needs a library" in str(caught.value)
    assert hint in str(caught.value)
