"""Tables: created, filled in, kept up to date, and what people wrote left alone."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from phlo_hooks.capabilities.openmetadata.tables import writer
from phlo_hooks.errors import DeliveryError, PermanentError, RetryLater
from phlo_hooks.events import Column

from .bench import COLUMNS, FQN, Bench, changed, ended, names, orders, paths


def test_everything_that_is_missing_is_created(server):
    """From the service down, with what Dagster says of it."""
    bench = Bench(server, webserver_url="https://dagster.example/")
    bench.deliver(ended())
    assert paths(server) == [
        "PUT /services/databaseServices",
        "PUT /databases",
        "PUT /databaseSchemas",
        "PUT /classifications",
        "PUT /tags",
        "POST /tables",
    ]
    table = bench.table()
    assert table["description"] == "All orders."
    assert table["sourceUrl"] == "https://dagster.example/assets/raw/orders"
    assert [each["tagFQN"] for each in table["tags"]] == ["Dagster.group:raw"]
    (first, second) = table["columns"]
    assert (first["name"], first["dataType"], first["constraint"]) == ("id", "BIGINT", "NOT_NULL")
    assert (second["dataType"], second["dataLength"], second["description"]) == (
        "VARCHAR",
        20,
        "What was said.",
    )
    assert server.entity("databaseService", "lake")["serviceType"] == "CustomDatabase"
    assert server.problems == []


def test_a_second_time_writes_nothing(server):
    """Neither an event, nor a sync, nor changed definitions, nor a process that remembers nothing."""
    bench = Bench(server, orders(owners=("team:data",), tags={"tier": "1.5"}))
    server.seed("team", {"name": "data", "teamType": "Group"})
    bench.deliver(ended(columns=COLUMNS))
    server.reset_counts()
    bench.deliver(ended(at=60, columns=COLUMNS), changed())
    bench.sync()
    forgetful = Bench(server, *bench.assets)
    forgetful.sync()
    assert paths(server) == []


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("postgresql", "Postgres"), ("snowflake", "Snowflake"), ("iceberg", "CustomDatabase")],
)
def test_the_service_is_of_the_kind_of_the_storage(server, kind, expected):
    bench = Bench(server, orders(storage_kind=kind), services={"*": "warehouse.shop"})
    bench.sync()
    assert server.entity("databaseService", "warehouse")["serviceType"] == expected


def test_a_service_type_that_is_given(server):
    Bench(server, service_type="Datalake").sync()
    assert server.entity("databaseService", "lake")["serviceType"] == "Datalake"


def test_nothing_is_created_unless_wanted(server, caplog):
    """It is told once, and what is there is still filled in."""
    bench = Bench(server, create=False)
    bench.deliver(ended(), ended(at=1))
    assert paths(server) == []
    assert [each.getMessage() for each in caplog.records] == [
        f"table {FQN}, for asset raw/orders, is not in OpenMetadata, and create is off"
    ]
    _seed(server, columns=[{"name": "id", "dataType": "BIGINT"}])
    bench.deliver(ended(at=2))
    assert bench.table()["description"] == "All orders."


def test_what_people_wrote_stays(server):
    """Their description, owners, tags, display name, and what they said of columns."""
    jane = server.seed("user", {"name": "jane", "email": "jane@example.com"})
    server.seed("team", {"name": "data", "teamType": "Group"})
    owners = [{"id": jane["id"], "type": "user"}]
    tags = [
        {"tagFQN": "PII.Sensitive", "source": "Classification", "labelType": "Manual", "state": "Confirmed"}
    ]
    columns = [
        {"name": "id", "dataType": "INT", "description": "The number."},
        {"name": "note", "dataType": "STRING"},
        {"name": "more", "dataType": "STRING"},
    ]
    _seed(server, description="Theirs.", displayName="Orders", owners=owners, tags=tags, columns=columns)
    described = (Column(name="id", type="BIGINT", description="Ours."), COLUMNS[1])
    bench = Bench(server, orders(owners=("team:data",), columns=described))
    bench.deliver(ended(columns=described))
    table = bench.table()
    assert (table["description"], table["displayName"]) == ("Theirs.", "Orders")
    assert [each["name"] for each in table["owners"]] == ["jane"]
    assert sorted(each["tagFQN"] for each in table["tags"]) == ["Dagster.group:raw", "PII.Sensitive"]
    said = [(each["name"], each["dataType"], each.get("description")) for each in table["columns"]]
    assert said == [
        ("id", "INT", "The number."),
        ("note", "STRING", "What was said."),
        ("more", "STRING", None),
    ]
    server.reset_counts()
    bench.deliver(ended(at=1, columns=described))
    assert paths(server) == []


def test_what_is_ours_follows_dagster(server):
    """What was written by us, and nobody has touched, is kept up to date."""
    for name in ("data", "sales"):
        server.seed("team", {"name": name, "teamType": "Group"})
    bench = Bench(server, orders(owners=("team:data",), tags={"tier": "1"}))
    bench.deliver(ended())
    renamed = (
        *COLUMNS[:1],
        Column(name="note", type="TEXT", description="New."),
        Column(name="paid", type="BOOL"),
    )
    bench.assets = (
        orders(owners=("team:sales",), tags={"tier": "2"}, description="Of shops.", columns=renamed),
    )
    bench.deliver(changed())
    table = bench.table()
    assert table["description"] == "Of shops."
    assert names(table["owners"]) == ["sales"]
    assert sorted(each["tagFQN"] for each in table["tags"]) == ["Dagster.group:raw", "Dagster.tier:2"]
    said = [(each["name"], each["dataType"], each.get("description")) for each in table["columns"]]
    assert said == [("id", "BIGINT", None), ("note", "TEXT", "New."), ("paid", "BOOLEAN", None)]
    server.reset_counts()
    bench.sync()
    assert paths(server) == []


def test_what_was_ours_and_people_changed_is_theirs(server):
    bench = Bench(server)
    bench.deliver(ended())
    server.edit("table", FQN, [{"op": "replace", "path": "/description", "value": "Better."}])
    server.edit("table", FQN, [{"op": "add", "path": "/columns/1/description", "value": "Better."}])
    bench.assets = (
        orders(description="New.", columns=(COLUMNS[0], Column(name="note", description="New."))),
    )
    bench.deliver(changed())
    table = bench.table()
    assert table["description"] == "Better."
    assert table["columns"][1]["description"] == "Better."


def test_columns_that_a_connector_changed_are_its_own(server):
    """From then on only what is said of them is written."""
    bench = Bench(server)
    bench.deliver(ended())
    theirs = [{"name": "ID", "dataType": "NUMBER"}, {"name": "note", "dataType": "STRING"}]
    server.edit("table", FQN, [{"op": "replace", "path": "/columns", "value": theirs}])
    bench.assets = (orders(columns=(*COLUMNS, Column(name="paid", type="BOOL"))),)
    bench.deliver(changed(), ended())
    columns = bench.table()["columns"]
    assert [(each["name"], each["dataType"]) for each in columns] == [("ID", "NUMBER"), ("note", "STRING")]
    assert columns[1]["description"] == "What was said."


def test_what_stands_at_a_column_moves_with_it(server):
    """A person's tag, when Dagster says that a column was put before it."""
    bench = Bench(server)
    bench.deliver(ended())
    pii = {"tagFQN": "PII.Sensitive", "source": "Classification", "labelType": "Manual", "state": "Confirmed"}
    server.edit("table", FQN, [{"op": "add", "path": "/columns/1/tags", "value": [pii]}])
    bench.deliver(ended(at=1, columns=(Column(name="first", type="INT"), *COLUMNS)))
    columns = bench.table()["columns"]
    assert names(columns) == ["first", "id", "note"]
    assert [each["tagFQN"] for each in columns[2]["tags"]] == ["PII.Sensitive"]


def test_columns_that_only_a_materialization_says(server):
    """They stay when the definitions, which know none, are written afterwards."""
    bench = Bench(server, orders(columns=()))
    bench.deliver(ended(columns=COLUMNS))
    server.reset_counts()
    bench.sync()
    assert names(bench.table()["columns"]) == ["id", "note"]
    assert paths(server) == []


def test_what_a_materialization_does_not_say_of_a_column(server):
    """The definitions say it; what both say, the materialization knows better."""
    bench = Bench(server)
    bench.deliver(ended(columns=(Column(name="note", type="TEXT"), Column(name="id"))))
    note, id_ = bench.table()["columns"]
    assert (note["dataType"], note["description"]) == ("TEXT", "What was said.")
    assert (id_["dataType"], id_["constraint"]) == ("BIGINT", "NOT_NULL")


def test_an_external_asset_only_fills_what_is_empty(server):
    """Another code location computes it, and knows it better."""
    owner, reader = Bench(server), Bench(server, orders(executable=False, description="Theirs.", columns=()))
    reader.shared = owner.shared
    owner.deliver(ended())
    server.reset_counts()
    reader.sync()
    owner.sync()
    assert paths(server) == []
    assert owner.table()["description"] == "All orders."


def test_two_assets_with_one_table(server, caplog):
    """The first counts, and it is told; an asset that has another key now takes it over."""
    bench = Bench(server, orders(), orders(key="z", description="Other."))
    bench.deliver(ended(), ended("z"), ended(), ended("z"))
    assert bench.table()["description"] == "All orders."
    (told,) = [each.getMessage() for each in caplog.records]
    assert told.startswith(
        f"assets raw/orders and z are both mapped to table {FQN}: what raw/orders says counts"
    )
    bench.assets = (orders(key="z", description="Other."),)
    bench.deliver(ended("z"))
    assert bench.table()["description"] == "Other."


def test_owners_that_openmetadata_does_not_know(server, caplog):
    """A warning for each, once; those that there are, are written, and the others when they are there."""
    server.seed("user", {"name": "jane.doe", "email": "Jane.Doe@example.com"})
    server.seed("user", {"name": "max", "email": "max@elsewhere.com"})
    server.seed("team", {"name": "unit", "teamType": "BusinessUnit"})
    bench = Bench(server, orders(owners=("jane.doe@example.com", "max@example.com", "team:unit")))
    bench.deliver(ended(), ended(at=1))
    assert names(bench.table()["owners"]) == ["jane.doe"]
    told = [each.getMessage().split()[1] for each in caplog.records]
    assert told == ["max@example.com", "team:unit"]
    server.seed("user", {"name": "max@example.com", "email": "max@example.com"})
    bench.deliver(ended(at=2))
    assert sorted(names(bench.table()["owners"])) == ["jane.doe", "max@example.com"]


USERS = tuple(f"u{n}@example.com" for n in range(6))


@pytest.mark.parametrize(
    ("owners", "written"),
    [
        (("team:a", *USERS), ["a"]),
        (("team:a", "team:b"), ["a"]),
        ((USERS[0], "team:a"), ["u0"]),
        (USERS, ["u0", "u1", "u2", "u3", "u4"]),
    ],
    ids=["a team and users", "two teams", "a user and a team", "six users"],
)
def test_owners_that_openmetadata_does_not_take_together(server, caplog, owners, written):
    """The first that may be; that the others are left out is told."""
    for name in ("a", "b"):
        server.seed("team", {"name": name, "teamType": "Group"})
    for user in USERS:
        server.seed("user", {"name": user.partition("@")[0], "email": user})
    bench = Bench(server, orders(owners=owners))
    bench.deliver(ended())
    assert sorted(names(bench.table()["owners"])) == written
    assert "OpenMetadata takes one team or 5 users" in caplog.text
    server.reset_counts()
    bench.deliver(ended(at=1))
    assert paths(server) == []


def test_a_table_that_was_deleted(server, caplog):
    """Stays so until its asset is materialized once more: then it is there, and is restored."""
    caplog.set_level(logging.WARNING)
    bench = Bench(server)
    bench.deliver(ended())
    server.edit("table", FQN, [{"op": "add", "path": "/displayName", "value": "Orders"}])
    server.delete("table", FQN)
    server.reset_counts()
    bench.sync()
    bench.deliver(changed())
    assert paths(server) == []
    bench.deliver(ended(at=1))
    assert paths(server) == ["PUT /tables/restore"]
    table = bench.table()
    assert (table["deleted"], table["displayName"]) == (False, "Orders")


def test_a_table_that_was_deleted_for_good(server):
    """Is created anew, with all that Dagster says."""
    bench = Bench(server)
    bench.deliver(ended())
    server.delete("table", FQN, hard=True)
    bench.deliver(ended(at=1))
    assert bench.table()["description"] == "All orders."


def test_a_table_that_somebody_else_created_anew(server):
    """Under the same name, with the same columns: nothing of it is ours any more."""
    bench = Bench(server)
    bench.deliver(ended())
    theirs = [
        {key: each[key] for key in each if key != "fullyQualifiedName"} for each in bench.table()["columns"]
    ]
    server.delete("table", FQN, hard=True)
    server.seed("table", {"name": "orders", "databaseSchema": "lake.shop.raw", "columns": theirs})
    bench.assets = (orders(columns=COLUMNS[:1]),)
    bench.deliver(changed())
    assert names(bench.table()["columns"]) == ["id", "note"]


def test_a_schema_that_was_deleted(server):
    """It would come back with all that was in it: a person has to say so."""
    bench = Bench(server)
    bench.deliver(ended())
    server.delete("databaseSchema", "lake.shop.raw")
    with pytest.raises(PermanentError, match=r"schema lake.shop.raw, for asset raw/orders, was deleted in"):
        bench.deliver(ended(at=1))


@pytest.mark.parametrize("status", ["failure", "skipped", "canceled", "no_data"])
def test_a_materialization_that_failed_writes_nothing(server, status):
    bench = Bench(server)
    bench.deliver(ended(status=status, columns=COLUMNS, metrics={"rows": 3}))
    assert server.requests == []
    assert bench.shared.list() == []


@pytest.mark.parametrize("status", [412, 404], ids=["changed", "deleted"])
def test_somebody_else_writes_at_the_same_time(server, status):
    """The table is read once more, and nothing of theirs is lost."""
    _seed(server, columns=[])
    server.fail("PATCH", "^tables/", status)
    bench = Bench(server)
    bench.deliver(ended())
    assert bench.table()["description"] == "All orders."
    assert len([each for each in server.requests if each.method == "PATCH"]) == 2


@pytest.mark.parametrize("path", ["^services", "^databases$", "^databaseSchemas$", "^tags$", "^tables$"])
def test_somebody_else_creates_the_same_at_the_same_time(server, path):
    """The first assets of two runs, in a new service: the server refuses one of both."""
    server.fail("POST" if "tables" in path else "PUT", path, 409, applied=True)
    bench = Bench(server)
    bench.deliver(ended())
    assert bench.table()["description"] == "All orders."


def test_a_table_that_comes_between_look_and_write_is_merged(server, monkeypatch):
    """From a connector, or from the hook for lineage, which knows no columns: nothing of it is emptied."""
    bench = Bench(server)
    ensure = writer.ensure_schema

    def connector(*args):
        ensure(*args)
        if not server.entities("table"):
            server.seed("table", {"name": "orders", "databaseSchema": "lake.shop.raw", "description": "Ours.",
                                  "columns": [{"name": "by_them", "dataType": "INT"}]})  # fmt: skip

    monkeypatch.setattr(writer, "ensure_schema", connector)
    bench.deliver(ended())
    assert bench.table()["description"] == "Ours."
    assert names(bench.table()["columns"]) == ["by_them"]


def test_several_at_once(server):
    """Each is there in the end, and all of it is written once."""
    keys = [f"t{n}" for n in range(8)]
    assets = (orders(key=key, table_name=f"raw.{key}", tags={"of": key[:1]}) for key in keys)
    bench = Bench(server, *assets)
    (hook,) = (each for each in bench.resource.hooks_on(bench.host()) if each.hook_name == "tables")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda key: hook.handler(ended(key, columns=COLUMNS)), keys))
    assert sorted(names(server.entities("table"))) == keys
    server.reset_counts()
    bench.sync()
    assert paths(server) == []


@pytest.mark.parametrize("operation", ["EditTags", "EditOwners", "EditDescription"])
def test_what_the_token_may_not_do(server, operation):
    """Is named, is tried again, and is written when it may."""
    server.seed("team", {"name": "data", "teamType": "Group"})
    _seed(server, columns=[])
    server.permissions.deny(operation)
    bench = Bench(server, orders(owners=("team:data",)))
    with pytest.raises(
        DeliveryError, match=f"answered 403 to PATCH .* for asset raw/orders.*{operation}"
    ) as caught:
        bench.deliver(ended())
    assert not isinstance(caught.value, PermanentError)
    server.permissions.allow(operation)
    bench.deliver(ended())
    assert names(bench.table()["owners"]) == ["data"]


def test_a_patch_says_which_version_it_is_about(server):
    _seed(server, columns=[])
    version = server.entity("table", FQN)["version"]
    Bench(server).sync()
    (patch,) = (each for each in server.writes if each.method == "PATCH")
    assert {key.lower(): value for key, value in patch.headers.items()}["if-match"] == f'W/"{version}"'


def test_a_table_that_is_changed_without_end(server):
    """Is left to the relay."""
    _seed(server, columns=[])
    server.fail("PATCH", "^tables/", 412, times=99)
    with pytest.raises(
        RetryLater, match=f"table {FQN}, for asset raw/orders was written by others meanwhile"
    ):
        Bench(server).deliver(ended())


def test_a_refusal_names_the_asset(server):
    server.fail("POST", "^tables$", 400, body={"code": 400, "message": "columns[0].name must not be null"})
    with pytest.raises(PermanentError) as caught:
        Bench(server).deliver(ended())
    assert "answered 400 to POST /tables, table lake.shop.raw.orders, for asset raw/orders" in str(
        caught.value
    )
    assert "columns[0].name must not be null" in str(caught.value)


def test_one_that_is_refused_keeps_nobody_waiting(server):
    """Neither when the definitions change, nor in a sync."""
    bench = Bench(server, orders(), orders(key="raw/items", table_name="raw.items"))
    for deliver in (bench.sync, lambda: bench.deliver(changed())):
        server.fail("POST", "^tables$", 400)
        with pytest.raises(PermanentError, match=r"not written: 1: raw/items: .* for asset raw/items"):
            deliver()
        bench.table(FQN)
    bench.sync()
    bench.table("lake.shop.raw.items")


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_what_an_operator_can_mend_is_tried_again(server, status):
    bench = Bench(server)
    server.fail("PUT", "^databases$", status)
    with pytest.raises(DeliveryError) as caught:
        bench.deliver(ended())
    assert not isinstance(caught.value, PermanentError)
    assert server.token not in str(caught.value)
    bench.deliver(ended())
    assert bench.table()["description"] == "All orders."


def test_names_that_need_quotes(server):
    """Dots, spaces and letters of other languages, from the service to the table."""
    bench = Bench(
        server,
        orders(key="raw/größe", table_name='"v1.2"."Größe der Bestellung"'),
        services={"duckdb": '"my.lake"."shop db"'},
    )
    bench.deliver(ended("raw/größe"))
    table = bench.table('"my.lake".shop db."v1.2".Größe der Bestellung')
    assert table["name"] == "Größe der Bestellung"
    server.reset_counts()
    bench.sync()
    assert paths(server) == []


def test_a_dry_run(server):
    """Says what would be written, each once, and writes and remembers nothing."""
    bench = Bench(server, orders(), orders(key="raw/items", table_name="raw.items", owners=("team:x",)))
    setup = bench.sync(dry=True)
    assert [f"{each.method} {each.path}" for each in setup.client.changes] == [
        "PUT /services/databaseServices",
        "PUT /databases",
        "PUT /databaseSchemas",
        "PUT /classifications",
        "PUT /tags",
        "POST /tables",
        "POST /tables",
    ]
    assert setup.client.changes[-1].about == f"table {FQN}, for asset raw/orders"
    assert server.writes == []
    assert [*bench.shared.list(), *bench.state.list()] == []


def test_an_old_event_that_is_replayed_takes_no_column_away(server):
    """A dead letter of Monday on Wednesday: what people said of Tuesday's column stays."""
    bench = Bench(server)
    bench.deliver(ended(at=60, columns=COLUMNS))
    bench.deliver(ended(at=0, columns=COLUMNS[:1], table_name="raw.old"))
    assert names(bench.table()["columns"]) == ["id", "note"]
    bench.deliver(ended(at=120, columns=COLUMNS[:1]))
    assert names(bench.table()["columns"]) == ["id"]


def test_an_unresolved_asset_is_told_once(server, caplog):
    bench = Bench(
        server, orders(table_name=None), orders(key="raw/off", metadata={"openmetadata/ignore": True})
    )
    bench.deliver(ended(), ended(at=1), ended("raw/off"), changed())
    (told,) = [each.getMessage() for each in caplog.records]
    assert told.startswith(
        "asset raw/orders is no table of OpenMetadata yet: nothing says which table it is: set"
    )
    assert server.requests == []


def test_an_excluded_asset_is_not_written(server):
    bench = Bench(server, exclude="key:raw/orders")
    host = bench.host(select_assets=lambda selection: frozenset({"raw/orders"}))
    (tables,) = (each.handler for each in bench.resource.hooks_on(host) if each.hook_name == "tables")
    tables(ended())
    assert server.requests == []


def test_a_table_that_only_its_materialization_names(server):
    """It is remembered, for the definitions that do not say it."""
    bench = Bench(server, orders(table_name=None))
    bench.deliver(ended(table_name="raw.orders"), hook="lineage")
    bench.sync()
    assert bench.table()["description"] == "All orders."


def test_many_tables_take_more_than_one_call(server, monkeypatch):
    """The relay calls again, and it goes on where it was."""
    monkeypatch.setattr("phlo_hooks.capabilities.openmetadata.rounds.time", _Clock())
    bench = Bench(server, *(orders(key=f"raw/{n}", table_name=f"raw.t{n}") for n in range(5)))
    event = changed()
    with pytest.raises(RetryLater, match="tables: written as far as 'raw/1'"):
        bench.deliver(event)
    with pytest.raises(RetryLater, match="tables: written as far as 'raw/3'"):
        bench.deliver(event)
    bench.deliver(event)
    assert len(server.entities("table")) == 5


class _Clock:
    """Each look is nine seconds after the one before."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 9
        return self.now


def _seed(server, **fields):
    server.seed("databaseService", {"name": "lake", "serviceType": "CustomDatabase"})
    server.seed("database", {"name": "shop", "service": "lake"})
    server.seed("databaseSchema", {"name": "raw", "database": "lake.shop"})
    return server.seed("table", {"name": "orders", "databaseSchema": "lake.shop.raw", **fields})
