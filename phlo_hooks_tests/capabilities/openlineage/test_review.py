"""What a review found, and must not come back."""

import itertools
import threading
from types import SimpleNamespace

import dagster as dg
import pytest

from phlo_hooks import with_hooks
from phlo_hooks.assets import AssetInfo, CheckInfo, CodeReference
from phlo_hooks.capabilities import OpenLineageResource
from phlo_hooks.capabilities.openlineage import static
from phlo_hooks.capabilities.openlineage.facets.job import asset_job_facets
from phlo_hooks.capabilities.openlineage.lineage import Lineage
from phlo_hooks.capabilities.openlineage.partition_paths import without_partition
from phlo_hooks.capabilities.openlineage.sender import Sender
from phlo_hooks.errors import DeliveryError, PermanentError, RetryLater
from phlo_hooks.event_parts import ColumnEdge
from phlo_hooks.events import DefinitionsEvent, LineageEvent, QualityResultEvent, TelemetryEvent
from phlo_hooks.memory import MemoryState
from phlo_hooks.redaction import redact_text
from phlo_hooks.state import StateChange
from phlo_hooks_tests.capabilities.openlineage.helpers import sent
from phlo_hooks_tests.capabilities.openlineage.shop import ROOT, Shelf, Shop, end, run, start, states, where
from phlo_hooks_tests.producers.recording import runtime_of

POSTGRES = {"postgres": "postgres://db/shop"}
TABLE = ("postgres://db:5432", "shop.raw.orders")
EDGE = ColumnEdge(column="total", upstream_asset="raw/orders", upstream_column="amount")


def _code(*locations):
    info = AssetInfo("a", code_references=tuple(map(CodeReference, locations)))
    facet = asset_job_facets(info).get("sourceCodeLocation")
    return facet and sent(facet)


def test_the_password_in_a_code_reference():
    """With `[redacted]` in the place of its host's user, Python 3.11 refuses the URL, and so did each event."""
    where = _code(redact_text("https://ci:glcbt-64_abcdef@gitlab.com/a/b"))
    assert "https://gitlab.com/a/b" == where["url"]


def test_a_code_reference_that_is_no_url():
    assert _code("https://[x/y") is None


def test_one_outlet_for_all_threads_of_a_relay():
    """Each of eight would open connections that nobody closes, and a composite forget who has what."""
    for _ in range(10):
        resource, found, together = OpenLineageResource(url="http://x"), [], threading.Barrier(8)

        def ask(resource=resource, found=found, together=together):
            together.wait()
            found.append(resource.outlet())

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert 8 == len(found)
        assert 1 == len(set(map(id, found)))


def _orders(**changes):
    """A materialization that says where its table is, which the definitions do not."""
    return end(
        "raw/orders", table_name="raw.orders", metadata={"dagster/storage_kind": "postgres"}, **changes
    )


def _called(datasets):
    return [(each["namespace"], each["name"]) for each in datasets]


def _check():
    place = where("report", check_name="fresh")
    return QualityResultEvent(
        event_type="quality.result", asset_key="report", check_name="fresh", passed=True, correlation=place
    )


READERS = {
    "what a column came from the last time": (
        [AssetInfo("report")],
        [end("report", run_id=ROOT, column_lineage=(EDGE,)), end("report", status="failure")],
    ),
    "a column's source in the definitions": ([AssetInfo("report", column_lineage=(EDGE,))], [end("report")]),
    "what a check looks at besides": ([CheckInfo("report", "fresh", upstream=("raw/orders",))], [_check()]),
}


@pytest.mark.parametrize(("things", "events"), READERS.values(), ids=READERS)
def test_who_reads_a_table_calls_it_as_who_writes_it(things, events):
    """Where it is has to be looked up for each of them, not only for those that `deps` names."""
    shop = Shop(Shelf(AssetInfo("raw/orders"), *things), data_sources=POSTGRES)
    shop.play(_orders())
    assert TABLE in _called(shop.play(*events)[-1]["inputs"])


def test_a_table_that_another_tool_tells_of():
    """It is excluded; its readers are told all the same, and have to mean the same table."""
    shelf = Shelf(AssetInfo("raw/orders"), AssetInfo("report", upstream=("raw/orders",)))
    shop = Shop(shelf, data_sources=POSTGRES, exclude=("raw/orders",))
    assert [] == shop.play(_orders())
    assert [TABLE] == _called(shop.play(end())[-1]["inputs"])


NAMED = {
    "by its table": {"data_sources": POSTGRES},
    "by its location": {"dataset_namespace": "dagster/{location}"},
    "by its group": {"dataset_namespace": "{group}"},
}


def test_what_is_reported_of_a_table_of_another_code_location():
    """Each location that has the key hears of it; one that only reads it must not rename it, for a third."""
    shared, stub = MemoryState(), AssetInfo("raw/orders", executable=False)
    naming = {"dataset_namespace": "dagster/{location}", "shared": shared}
    there = Shop(Shelf(AssetInfo("raw/orders")), location="there", **naming)
    readers = [AssetInfo("report", upstream=("raw/orders",))]
    here, third = (Shop(Shelf(stub, *readers), location=name, **naming) for name in ("here", "third"))
    there.play(end("raw/orders"))
    (written,) = _called(here.play(end("raw/orders", attempt=2))[-1]["outputs"])
    assert ("dagster/there", "raw/orders") == written
    assert [written] == _called(third.play(end())[-1]["inputs"])


def test_a_table_of_another_code_location_and_of_a_tenant():
    """Its name is made of the run's tag: each run reads its own tenant's, and not the one written last."""
    shared, naming = MemoryState(), {"dataset_namespace": "{tag:tenant}"}
    there = Shop(Shelf(AssetInfo("raw/orders")), location="there", shared=shared, **naming)
    there.play(run(tags={"tenant": "acme"}), end("raw/orders", tags={"tenant": "acme"}))
    stub = AssetInfo("raw/orders", executable=False)
    here = Shop(Shelf(stub, AssetInfo("report", upstream=("raw/orders",))), shared=shared, **naming)
    tags = {"tenant": "zoo"}
    sent = here.play(run(tags=tags, run_id=ROOT), end(tags=tags, run_id=ROOT))
    assert [("zoo", "raw/orders")] == _called(sent[-1]["inputs"])


@pytest.mark.parametrize("naming", NAMED.values(), ids=NAMED)
def test_a_table_of_another_code_location(naming):
    """There it is an asset with a group, here no more than a key: it is one dataset."""
    shared = MemoryState()
    there = Shop(Shelf(AssetInfo("raw/orders", group="raw")), location="there", shared=shared, **naming)
    stub = AssetInfo("raw/orders", group="default", executable=False)
    here = Shop(Shelf(stub, AssetInfo("report", upstream=("raw/orders",))), shared=shared, **naming)
    written = _called(there.play(_orders())[-1]["outputs"])
    assert written == _called(here.play(end())[-1]["inputs"])


def _changed(fingerprint):
    return DefinitionsEvent(event_type="definitions.changed", location="shop", fingerprint=fingerprint)


def test_a_graph_that_takes_many_calls(monkeypatch):
    """Also where nothing of it is new: to look at 10,000 assets takes longer than one call may, and each call
    began with the first of them, for ever."""
    seconds = itertools.count()
    monkeypatch.setattr(static, "_BUDGET", 3.5)
    monkeypatch.setattr(static, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    shelf, state, told = Shelf(*(AssetInfo(f"a{at}") for at in range(10))), MemoryState(), []
    shop = Shop(shelf)
    send = static.GraphSender(
        static.Graph(shop.settings, shelf, shop.ledger), state, lambda: SimpleNamespace(send=told.append)
    )
    for event in (_changed("first"), _changed("second")):
        for _ in range(3):
            with pytest.raises(RetryLater, match="told as far as"):
                send(event)
        send(event)
        assert 20 == len(told)


def test_an_end_that_is_tried_again():
    """The start that it brought was taken, and is not sent with each attempt."""
    shop, took = Shop(), []

    def send(event):
        if event.eventType.value == "COMPLETE" and len(took) == 1:
            took.append("refused")
            raise DeliveryError("503")
        took.append(event.eventType.value)

    sender = Sender(shop.composer, shop.ledger, lambda: SimpleNamespace(send=send))
    event = end()
    with pytest.raises(DeliveryError):
        sender(event)
    sender(event)
    assert ["START", "refused", "COMPLETE"] == took
    sender(event)
    assert ["START", "COMPLETE"] == took[3:], "a replay is all of it"


def test_an_end_that_brings_its_start_names_the_same_dataset():
    """A materialization that nothing planned, of an op or from outside."""
    sent = Shop().play(end("unknown", metadata={"dagster/uri": "s3://lake/orders"}))
    assert ["START", "COMPLETE"] == states(sent)
    assert [[("s3://lake", "orders")]] * 2 == [_called(each["outputs"]) for each in sent]


def test_partitions_in_folders_are_one_dataset():
    """Else each is a dataset of its own, and the start of one names the one that was written before."""
    shop, day = Shop(), "2026-03-0{}"
    for at in (1, 2):
        key = day.format(at)
        uri = {"dagster/uri": f"s3://lake/orders/dt={key}/part-0.parquet"}
        begun = shop.play(start("raw/orders", partition_key=key))
        ended = shop.play(end("raw/orders", partition_key=key, metadata=uri))
    assert [("s3://lake", "orders")] == _called(begun[0]["outputs"]) == _called(ended[0]["outputs"])


PATHS = {
    "a folder": ("s3://lake/orders/2026-03-01", "s3://lake/orders"),
    "a folder as Hive has it": ("s3://lake/orders/dt=2026-03-01/a.parquet", "s3://lake/orders"),
    "a file": ("/srv/orders/2026-03-01.csv.gz", "/srv/orders"),
    "a file that begins otherwise": ("gs://lake/orders/orders-2026-03-01.csv", "gs://lake/orders"),
    "a short key": ("s3://lake/orders/region=eu/x", "s3://lake/orders"),
    "a short key in a word": ("s3://lake/europe/x", "s3://lake/europe/x"),
    "nothing before it": ("s3://2026-03-01/2026-03-01", "s3://2026-03-01/2026-03-01"),
    "none": ("s3://lake/orders", "s3://lake/orders"),
    "no path": ("orders", "orders"),
}


@pytest.mark.parametrize(("uri", "whole"), PATHS.values(), ids=PATHS)
def test_the_path_of_all_partitions(uri, whole):
    assert whole == without_partition(uri, ["2026-03-01", "eu"])


def test_a_name_that_a_materialization_states():
    """As the page has it; who reads the dataset has it, too."""
    shop = Shop(Shelf(AssetInfo("raw/orders"), AssetInfo("report", upstream=("raw/orders",))))
    stated = {"openlineage/namespace": "hive://lake:9083", "openlineage/name": "raw.orders"}
    assert [tuple(stated.values())] == _called(shop.play(end("raw/orders", metadata=stated))[-1]["outputs"])
    assert [tuple(stated.values())] == _called(shop.play(end())[-1]["inputs"])


def test_a_file_that_became_a_table():
    """A URI counts before a table: the one that is no longer said named the dataset for ever."""
    shop = Shop(Shelf(AssetInfo("raw/orders")), data_sources=POSTGRES)
    shop.play(end("raw/orders", metadata={"dagster/uri": "s3://lake/orders"}))
    table = {"dagster/table_name": "raw.orders", "dagster/storage_kind": "postgres"}
    assert [TABLE] == _called(shop.play(end("raw/orders", run_id=ROOT, metadata=table))[-1]["outputs"])
    nothing = shop.play(end("raw/orders", attempt=2))
    assert [TABLE] == _called(nothing[-1]["outputs"]), "what says nothing leaves it there"


def _graph_sender(shelf, state, send):
    shop = Shop(shelf)
    graph = static.Graph(shop.settings, shelf, shop.ledger)
    return static.GraphSender(graph, state, lambda: SimpleNamespace(send=send))


def test_one_asset_that_is_refused_keeps_no_other_back():
    """Of 5,000, all that come after it in the alphabet were never told."""
    took = []

    def send(event):
        if "a1" in str(event):
            raise PermanentError("400")
        took.append(event)

    sender = _graph_sender(Shelf(AssetInfo("a0"), AssetInfo("a1"), AssetInfo("a2")), MemoryState(), send)
    for _ in range(2):
        with pytest.raises(PermanentError, match="not told of 1 assets: a1: 400"):
            sender(_changed("first"))
    assert 4 == len(took)


def test_an_event_that_nothing_can_be_made_of():
    """It is a dead letter now, and not after three days, in which the rest of its run waits behind it."""
    shop = Shop()
    shop.composer.messages = lambda event, page: 1 / 0
    sender = Sender(shop.composer, shop.ledger, lambda: pytest.fail("nothing is sent"))
    with pytest.raises(PermanentError, match=r"transform.end: ZeroDivisionError"):
        sender(end())


SCHEMAS = ({"columns": [{"name": 1}]}, {"columns": [{"name": "a", "tags": None}]}, {"columns": 5}, "a table")


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_an_observation_with_a_schema_of_its_own(schema):
    event = TelemetryEvent(
        event_type="telemetry.metric",
        name="dagster.observation",
        payload={"dagster/column_schema": schema},
        correlation=where("source"),
    )
    (told,) = Shop().play(event)
    assert "schema" not in told["dataset"]["facets"]


PLACES = {
    "a space": ("s3://lake/my folder", "s3://lake/my%20folder"),
    "another alphabet": ("s3://lake/\u00e4", "s3://lake/%C3%A4"),
    "no URI at all": ("/srv/lake", None),
    "a drive": ("C:\\lake\\orders", None),
}


@pytest.mark.parametrize(("place", "uri"), PLACES.values(), ids=PLACES)
def test_a_place_as_a_uri(place, uri):
    """A backend that checks it refuses the event otherwise, and so does `play`."""
    ended = Shop().play(end(metadata={"dagster/uri": place}))[-1]
    assert uri == ended["outputs"][0]["facets"]["dataSource"].get("uri")


def test_what_all_code_locations_share():
    """In the store; each has a memory of its own besides."""
    runtime = runtime_of(with_hooks(dg.Definitions(), plugins=False))
    with dg.DagsterInstance.ephemeral() as instance:
        here, there = (runtime.host(instance, location, "openlineage") for location in ("here", "there"))
        another = runtime.host(instance, "there", "another")
        here.shared.commit([StateChange("dataset/a", 1)])
        here.state.commit([StateChange("run/a", 1)])
        assert 1 == there.shared.get("dataset/a").value
        assert there.state.get("run/a") is None
        assert another.shared.get("dataset/a") is None


@pytest.mark.parametrize(("producer", "wanted"), [("dagster", False), ("user", True)])
def test_the_lineage_of_a_materialization_is_no_delivery(producer, wanted):
    """Nothing was sent of it, and it was one of three deliveries of each asset with an upstream."""
    events, *_ = OpenLineageResource(url="http://x").get_hooks()
    event = LineageEvent(edges=(("a", "b"),), producer=producer)
    assert wanted == events.filters.when(event)


def test_a_table_that_the_definitions_move():
    """Its old name, which each run had repeated, hid the new one until the next run, and from static lineage for good."""
    before, after = (
        Shelf(AssetInfo("raw/orders", table_name=name, kinds=("postgres",))) for name in ("raw.a", "raw.b")
    )
    shop = Shop(before, data_sources=POSTGRES)
    shop.play(end("raw/orders", table_name="raw.a"))
    page = shop.ledger.open(run_id=None, dagster_run=None, assets=["raw/orders"])
    assert "shop.raw.b" == Lineage(shop.settings, after, page, {}).static("raw/orders").name


def test_a_backfill_of_assets_in_several_code_locations():
    """Each tells of it, and its runs in each have it as parent: it is one run of one job."""
    here, there = (Shop(job_namespace="dagster/{location}", location=name).settings for name in ("a", "b"))
    for name in (None, "__ASSET_JOB"):
        assert ("dagster", "backfill") == here.backfill_job(name) == there.backfill_job(name)
    assert ("dagster/a", "nightly.backfill") == here.backfill_job("nightly")


def test_a_job_that_is_called_as_its_asset():
    """In a backend the run, which writes nothing itself, took from the asset's job what that writes."""
    shelf = Shelf(AssetInfo("nightly"))
    sent = Shop(shelf).play(run(), end("nightly"), run("success", at=9))
    assert ["nightly.job", "nightly", "nightly", "nightly.job"] == [each["job"]["name"] for each in sent]
    assert "nightly.job" == sent[1]["run"]["facets"]["parent"]["job"]["name"]


def test_a_replay_moves_nothing():
    """Of last week's events, where a table is now has become where it was then."""
    shop, places = Shop(), [{"dagster/uri": f"s3://lake/{name}"} for name in ("old", "new")]
    old, new = (end("raw/orders", attempt=at, metadata=place) for at, place in enumerate(places, 1))
    shop.play(old, new, old)
    assert ("s3://lake", "new") in _called(shop.play(end())[-1]["inputs"])
