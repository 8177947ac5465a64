"""The checks fit what the client's classes write, and find what is wrong."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openlineage.client import facet_v2

from phlo_hooks_tests.capabilities.openlineage import examples
from phlo_hooks_tests.capabilities.openlineage.spec import check, errors_of
from phlo_hooks_tests.capabilities.openlineage.spec.facet import Place
from phlo_hooks_tests.capabilities.openlineage.spec.validator import FACETS

WRONG = object()


def client_facets() -> dict[str, str]:
    """Each facet class of the client with the address of its schema."""
    modules = [getattr(facet_v2, name) for name in facet_v2.__all__ if name.islower()]
    found = [each for module in modules for each in vars(module).values() if isinstance(each, type)]
    bases = {facet_v2.BaseFacet, *facet_v2.BaseFacet.__subclasses__()}
    return {
        each.__name__: each._get_schema()
        for each in found
        if issubclass(each, facet_v2.BaseFacet) and each not in bases
    }


def test_every_facet_of_the_client_is_described() -> None:
    """By name, and at the version that the client writes."""
    assert client_facets() == {each.name: each.schema_url for each in FACETS}


def test_every_facet_has_an_example() -> None:
    """Under its key, at its place."""
    described = {(each.place, each.key) for each in FACETS}
    assert described == {(place, key) for place, facets in examples.BY_PLACE.items() for key in facets}


@pytest.mark.parametrize("facet", FACETS, ids=lambda each: each.name)
def test_a_facet_of_the_client_is_valid(facet) -> None:
    """Alone, at its place, also where nothing is allowed that the spec does not name."""
    check(with_facet(facet.place, facet.key, examples.BY_PLACE[facet.place][facet.key]))


@pytest.mark.parametrize("facet", FACETS, ids=lambda each: each.name)
def test_a_description_is_a_json_schema(facet) -> None:
    """Draft 2020-12, as the spec's own."""
    Draft202012Validator.check_schema(facet.schema)


@pytest.mark.parametrize("facet", FACETS, ids=lambda each: each.name)
def test_a_facet_with_nothing_in_it_lacks_what_it_must_have(facet) -> None:
    """Each required field is missed by name."""
    empty = {"_producer": examples.PRODUCER, "_schemaURL": facet.schema_url}
    errors = errors_of(with_facet(facet.place, facet.key, empty))
    required = facet.body["required"]
    assert len(required) == len(errors)
    assert all(any(f"'{name}' is a required property" in each for each in errors) for name in required)


@pytest.mark.parametrize("facet", FACETS, ids=lambda each: each.name)
def test_a_facet_in_the_wrong_place(facet) -> None:
    """A key belongs where the spec has it, and nowhere else."""
    places = {each.place for each in FACETS if each.key == facet.key}
    for place in set(Place) - places:
        errors = errors_of(with_facet(place, facet.key, examples.BY_PLACE[facet.place][facet.key]))
        assert any(f"'{facet.key}' belongs to the " in each and place.value in each for each in errors), (
            errors
        )


@pytest.mark.parametrize("facet", FACETS, ids=lambda each: each.name)
@pytest.mark.parametrize("field", ["_producer", "_schemaURL"])
def test_what_every_facet_has(facet, field) -> None:
    """Without it, or with no URI in it, a facet is invalid."""
    content = examples.sent(examples.BY_PLACE[facet.place][facet.key])
    for change, message in (({}, "is a required property"), ({field: "no uri"}, "is not a 'uri'")):
        broken = {**{key: value for key, value in content.items() if key != field}, **change}
        assert any(message in each for each in errors_of(with_facet(facet.place, facet.key, broken)))


def with_facet(place: Place, key: str, facet: Any) -> dict[str, Any]:
    """A RunEvent with this facet alone."""
    event = examples.plain_event("COMPLETE", inputs=("raw.orders",), outputs=("orders",))
    holder = {
        Place.RUN: event["run"],
        Place.JOB: event["job"],
        Place.DATASET: event["outputs"][0],
        Place.INPUT: event["inputs"][0],
        Place.OUTPUT: event["outputs"][0],
    }[place]
    name = {Place.INPUT: "inputFacets", Place.OUTPUT: "outputFacets"}.get(place, "facets")
    holder[name] = {key: facet if isinstance(facet, dict) else examples.sent(facet)}
    return event


@pytest.mark.parametrize("make", [examples.run_event, examples.job_event, examples.dataset_event])
def test_events_with_all_facets(make) -> None:
    """All three kinds, strictly and by the letter of the spec."""
    assert [] == errors_of(make())
    assert [] == errors_of(make(), strict=False)


OUT, IN, RUN, JOB = "outputs.0.facets", "inputs.0.inputFacets", "run.facets", "job.facets"
DELETED = {"_producer": examples.PRODUCER, "_schemaURL": "https://openlineage.io/x.json", "_deleted": True}
CUSTOM = {
    "_producer": examples.PRODUCER,
    "_schemaURL": "https://example.com/1/Facet.json#/$defs/Facet",
    "any": None,
}

# Where, what is put there (WRONG: it is taken away), and what is said about it.
BROKEN = [
    ("eventTime", WRONG, "$: 'eventTime' is a required property"),
    ("eventTime", "2026-01-01T12:00:00", "$.eventTime: '2026-01-01T12:00:00' is not a 'date-time'"),
    ("eventTime", "2026-02-30T12:00:00Z", "$.eventTime: '2026-02-30T12:00:00Z' is not a 'date-time'"),
    ("eventTime", "2026-01-01 12:00:00Z", "$.eventTime: '2026-01-01 12:00:00Z' is not a 'date-time'"),
    ("producer", WRONG, "$: 'producer' is a required property"),
    ("producer", "", "$.producer: '' is not a 'uri'"),
    ("schemaURL", "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/JobEvent", "$.schemaURL: "),
    ("eventType", "DONE", "$.eventType: 'DONE' is not one of ['START', 'RUNNING',"),
    ("eventType", None, "$.eventType: None is not of type 'string'"),
    ("eventType", WRONG, "$: there is no 'eventType'"),
    ("run.runId", "run-1", "$.run.runId: 'run-1' is not a 'uuid'"),
    ("run.runId", "0190a7c400007000800000000000" + "0001", "is not a 'uuid'"),
    ("job", WRONG, "$: 'job' is a required property"),
    ("job.name", "", "$.job.name: '' should be non-empty"),
    ("job.namespace", WRONG, "$.job: 'namespace' is a required property"),
    ("job.owner", "ana", "$.job: the spec knows no field 'owner' here"),
    ("outputs.0.name", None, "$.outputs[0].name: None is not of type 'string'"),
    ("outputs.0.namespace", "", "$.outputs[0].namespace: '' should be non-empty"),
    ("outputs.0.inputFacets", {}, "$.outputs[0]: the spec knows no field 'inputFacets' here"),
    ("inputs", None, "$.inputs: None is not of type 'array'"),
    (f"{OUT}.schema", None, "$.outputs[0].facets.schema: None is not of type 'object'"),
    (f"{OUT}.schema.fields.0.name", WRONG, "$.outputs[0].facets.schema.fields[0]: 'name' is a required"),
    (f"{OUT}.schema.fields.0.nullable", True, "facets.schema.fields[0]: the spec knows no field 'nullable'"),
    (f"{OUT}.schema.fields.1.fields.0.type", 3, "schema.fields[1].fields[0].type: 3 is not of type 'string'"),
    (f"{OUT}.schema.fields.0.description", None, "schema.fields[0].description: None is not of type 'string'"),
    (f"{OUT}.schema.fields.1.name", "id", "$.outputs[0].facets.schema.fields: the column 'id' is in it more"),
    (f"{OUT}.columnLineage.fields.total", {"inputFields": []}, "the schema facet has no column 'total'"),
    (f"{OUT}.columnLineage.fields.id.inputFields.0.field", WRONG, "inputFields[0]: 'field' is a required"),
    (f"{OUT}.dataQualityMetrics.rowCount", "3", "dataQualityMetrics.rowCount: '3' is not of type 'integer'"),
    (f"{OUT}.dataQualityMetrics.columnMetrics.id.min", float("nan"), "columnMetrics.id.min: nan is no JSON number"),
    (f"{RUN}.test.tests.0.params.limit", "<<non-serializable: Decimal>>", "params.limit: the client could not write"),
    (f"{OUT}.dataQualityMetrics.lastUpdated", "yesterday", "lastUpdated: 'yesterday' is not a 'date-time'"),
    (f"{OUT}.dataSource.uri", "the warehouse", "dataSource.uri: 'the warehouse' is not a 'uri'"),
    (f"{OUT}.lifecycleStateChange.lifecycleStateChange", "APPEND", "'APPEND' is not one of ['ALTER', "),
    (f"{OUT}.lineage.inputs.0.type", "TABLE", "facets.lineage.inputs[0].type: 'TABLE' is not one of"),
    (f"{OUT}.lineage.inputs.0.name", WRONG, "facets.lineage.inputs[0]: 'name' is a required property"),
    (f"{OUT}.symlinks._schemaURL", examples.PRODUCER, "is not that of SymlinksDatasetFacet"),
    (f"{OUT}.tags._schemaURL", "https://openlineage.io/spec/facets/1-0-0/TagsJobFacet.json#/$defs/TagsJobFacet", "is not that of"),
    (f"{JOB}.lineage.entries.1.name", "raw", "'namespace' is a dependency of 'name'"),
    (f"{JOB}.jobType.emissionPattern.windowDuration", 0, "windowDuration: 0 is less than the minimum of 1"),
    (f"{RUN}.executionParameters.parameters.0.type", "int", "the spec knows no field 'type' here"),
    (f"{RUN}.nominalTime.nominalEndTime", "2026-01-01T12:30:00+01:00", "is before the start, 2026-01-01T12:00"),
    (f"{RUN}.nominalTime.nominalEndTime", "2026-01-01", "'2026-01-01' is not a 'date-time'"),
    (f"{RUN}.parent.run.runId", examples.RUN_ID, f"the run {examples.RUN_ID} is its own parent"),
    (f"{RUN}.parent.root.job.facets.sql", {}, "$.run.facets.parent.root.job.facets.sql: 'query' is a required"),
    (f"{RUN}.errorMessage.message", WRONG, "$.run.facets.errorMessage: 'message' is a required property"),
    (f"{IN}.subset.inputCondition.right.type", "place", "subset.inputCondition.right.type: 'place' is not one"),
    (f"{IN}.subset.inputCondition.left.right.value", 3, "left.right.value: 3 is not of type 'string'"),
    (f"{IN}.dataQualityAssertions.assertions.0.success", "yes", "success: 'yes' is not of type 'boolean'"),
    (f"{IN}.dataQualityAssertions.assertions.0.expected", 0, "expected: 0 is not of type 'string'"),
    (f"{RUN}.dagster", CUSTOM, "'dagster' is no standard facet, and no '{prefix}_{name}'"),
    (f"{RUN}.Dagster_Run", CUSTOM, "'Dagster_Run' is no standard facet"),
    (f"{RUN}.dagster_run", {**CUSTOM, "_schemaURL": "Facet.json"}, "'Facet.json' is not a 'uri'"),
    (f"{RUN}.dagster_run", {**CUSTOM, "_schemaURL": "urn:facet"}, "'urn:facet' is no absolute URL"),
    (f"{RUN}.dagster_run", {"_schemaURL": CUSTOM["_schemaURL"]}, "'_producer' is a required property"),
    (f"{RUN}.dagster_tags", examples.sent(examples.RUN["tags"]), "is a standard facet, and 'dagster_tags' is none"),
    (f"{RUN}.dagster_run", examples.sent(facet_v2.RunFacet()), "is the base of all facets, not the schema of"),
    (f"{RUN}.tags._deleted", True, "$.run.facets.tags: the spec knows no field '_deleted' here"),
]  # fmt: skip


def changed(event: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with something else at `a.b.0.c`; `address.street` and the like cannot be reached."""
    event = copy.deepcopy(event)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    holder: Any = event
    for part in parents:
        holder = holder[part] if isinstance(part, int) else holder.setdefault(part, {})
    if value is WRONG:
        del holder[last]
    else:
        holder[last] = value
    return event


@pytest.mark.parametrize(
    ("path", "value", "message"), BROKEN, ids=[f"{each[0]}-{number}" for number, each in enumerate(BROKEN)]
)
def test_what_is_wrong_is_found(path, value, message) -> None:
    """With the place, and in words that tell what to do."""
    errors = errors_of(changed(examples.run_event(), path, value))
    assert [each for each in errors if message in each], errors


def test_check_says_what_is_wrong() -> None:
    """All of it, a line each."""
    event = changed(changed(examples.run_event(), "job.name", ""), "eventTime", "now")
    with pytest.raises(AssertionError, match=r"eventTime: 'now' is not a 'date-time'\n.*job.name") as caught:
        check(event)
    assert 3 == len(str(caught.value).splitlines()), caught.value


@pytest.mark.parametrize("side", ["inputs", "outputs"])
def test_a_dataset_is_named_once(side) -> None:
    """Twice in the inputs is wrong; once in each, for one that is updated in place, is not."""
    event = examples.plain_event("COMPLETE", inputs=("orders",), outputs=("orders",))
    assert [] == errors_of(event)
    event[side] *= 2
    assert [f"$.{side}: the dataset 'duckdb://wh' 'orders' is in it 2 times"] == errors_of(event)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{RUN}.dagster_run", CUSTOM),
        (f"{RUN}.dagster_assetCheck", CUSTOM),
        (f"{OUT}.schema", DELETED),
        (f"{OUT}.tags.more", {"than": "the spec says"}),
        (f"{OUT}.storage.more", "is allowed in so many words"),
        (f"{RUN}.nominalTime.nominalEndTime", examples.NOON),
        ("eventTime", "2026-01-01T12:00:00.123Z"),
        ("schemaURL", "https://openlineage.io/spec/2-0-1/OpenLineage.json#/$defs/RunEvent"),
    ],
)
def test_what_is_unusual_and_valid(path, value) -> None:
    """By the letter of the spec."""
    assert [] == errors_of(changed(examples.run_event(), path, value), strict=False)


@pytest.mark.parametrize(
    "change",
    [{"more": 1}, {"eventType": WRONG}, {"run.facets.dagster_run": examples.sent(facet_v2.RunFacet())}],
    ids=["unknown field", "no event type", "base of all facets"],
)
def test_strict_is_more_than_the_spec(change) -> None:
    """What the spec permits, and is wrong all the same."""
    ((path, value),) = change.items()
    event = changed(examples.run_event(), path, value)
    assert [] == errors_of(event, strict=False)
    assert errors_of(event)


@pytest.mark.parametrize(
    "event", [{}, {"job": {}, "dataset": {}}, {"inputs": []}], ids=["nothing", "two", "neither"]
)
def test_neither_kind_of_event(event) -> None:
    """The spec's `oneOf` has exactly one answer."""
    assert "is neither RunEvent, JobEvent nor DatasetEvent" in errors_of(event)[0]
