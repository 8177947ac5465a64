"""Whether an event, in the JSON form that is sent, is what the OpenLineage spec 2-0-2 asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from phlo_hooks_tests.capabilities.openlineage.spec.dataset_facets import DATASET_FACETS
from phlo_hooks_tests.capabilities.openlineage.spec.events import EVENTS, kind_of
from phlo_hooks_tests.capabilities.openlineage.spec.facet import DELETABLE, Facet, Place, base_of
from phlo_hooks_tests.capabilities.openlineage.spec.flow_facets import FLOW_FACETS
from phlo_hooks_tests.capabilities.openlineage.spec.formats import FORMATS
from phlo_hooks_tests.capabilities.openlineage.spec.job_facets import JOB_FACETS
from phlo_hooks_tests.capabilities.openlineage.spec.rules import broken
from phlo_hooks_tests.capabilities.openlineage.spec.run_facets import RUN_FACETS
from phlo_hooks_tests.capabilities.openlineage.spec.shapes import CLOSED, Shape

FACETS: tuple[Facet, ...] = (*RUN_FACETS, *JOB_FACETS, *DATASET_FACETS, *FLOW_FACETS)

_BY_PLACE = {(each.place, each.key): each for each in FACETS}
# "{prefix}_{name}, where both prefix and name are in camelCase" (OpenLineage.md, Custom Facet Naming).
_CUSTOM_KEY = re.compile(r"[a-z][a-zA-Z0-9]*_[a-z][a-zA-Z0-9]*", re.ASCII)
_SPEC_FACETS = "https://openlineage.io/spec/facets/"


def errors_of(event: Mapping[str, Any], *, strict: bool = True) -> list[str]:
    """What is wrong with an event, each with the JSON path of where; none: it is valid.

    First the event by its own schema, then each of its facets, and what no schema says only where those find
    nothing: a rule need not ask twice what it reads.

    Args:
        event: a RunEvent, JobEvent or DatasetEvent, as `json.loads` gives it.
        strict: also what the spec permits and no producer means: fields that it does not name, a RunEvent
            without an `eventType`, a facet of one's own that names the base of all facets as its schema.
    """
    kind = kind_of(event)
    if kind is None:
        return [f"$: is neither RunEvent, JobEvent nor DatasetEvent: it has {sorted(event)}"]
    found = list(_event_errors(event, kind, strict=strict))
    return found or [f"{path}: {message}" for path, message in broken(event)]


def check(event: Mapping[str, Any], *, strict: bool = True) -> None:
    """Assert that an event is valid; see `errors_of`."""
    errors = errors_of(event, strict=strict)
    assert not errors, "not OpenLineage:\n" + "\n".join(errors)


def _event_errors(event: Mapping[str, Any], kind: str, *, strict: bool) -> Iterator[str]:
    shape_errors = list(_by_schema(EVENTS[kind], event, "$", strict=strict))
    yield from shape_errors
    url = event.get("schemaURL")
    if isinstance(url, str) and not url.endswith(f"/OpenLineage.json#/$defs/{kind}"):
        yield f"$.schemaURL: {url!r} does not end with '/OpenLineage.json#/$defs/{kind}'"
    if strict and kind == "RunEvent" and "eventType" not in event:
        yield "$: there is no 'eventType': the spec permits that, but it says nothing of the run's state"
    if not shape_errors:
        for place, path, facets in _facets_of_event(event):
            yield from _all_facets(place, path, facets, strict=strict)


def _facets_of_event(event: Mapping[str, Any]) -> Iterator[tuple[Place, str, Mapping[str, Any]]]:
    yield from _facets(event, "$", ("run", Place.RUN), ("job", Place.JOB), ("dataset", Place.DATASET))
    for side, own, place in (
        ("inputs", "inputFacets", Place.INPUT),
        ("outputs", "outputFacets", Place.OUTPUT),
    ):
        for number, dataset in enumerate(event.get(side, [])):
            path = f"$.{side}[{number}]"
            yield Place.DATASET, f"{path}.facets", dataset.get("facets", {})
            yield place, f"{path}.{own}", dataset.get(own, {})


def _facets(
    holder: Mapping[str, Any], path: str, *parts: tuple[str, Place]
) -> Iterator[tuple[Place, str, Mapping[str, Any]]]:
    for part, place in parts:
        yield place, f"{path}.{part}.facets", holder.get(part, {}).get("facets", {})


def _all_facets(place: Place, path: str, facets: Mapping[str, Any], *, strict: bool) -> Iterator[str]:
    for key, content in facets.items():
        errors = list(_facet_errors(place, f"{path}.{key}", key, content, strict=strict))
        yield from errors
        if not errors and (place, key) == (Place.RUN, "parent"):
            yield from _within_parent(content, f"{path}.{key}", strict=strict)


def _within_parent(parent: Mapping[str, Any], path: str, *, strict: bool) -> Iterator[str]:
    """The parent's run and job, and the root's, may have facets of their own."""
    parts = (("run", Place.RUN), ("job", Place.JOB))
    for holder, at in ((parent, path), (parent.get("root", {}), f"{path}.root")):
        for place, where, facets in _facets(holder, at, *parts):
            yield from _all_facets(place, where, facets, strict=strict)


def _facet_errors(place: Place, path: str, key: str, content: Any, *, strict: bool) -> Iterator[str]:
    facet = _BY_PLACE.get((place, key))
    deleted = place in DELETABLE and isinstance(content, dict) and content.get("_deleted") is True
    shape = base_of(place) if facet is None or deleted else facet.schema
    yield from _by_schema(shape, content, path, strict=strict)
    if facet is None:
        yield from _custom(place, path, key, content, strict=strict)
        return
    url = content.get("_schemaURL") if isinstance(content, dict) else None
    if isinstance(url, str) and not deleted and not facet.is_schema_url(url):
        yield f"{path}._schemaURL: {url!r} is not that of {facet.name}, {facet.schema_url!r}"


def _custom(place: Place, path: str, key: str, content: Any, *, strict: bool) -> Iterator[str]:
    belongs = [each.place.value for each in FACETS if each.key == key]
    if belongs:
        yield f"{path}: {key!r} belongs to the {' or the '.join(belongs)}, not to the {place.value}"
        return
    if not _CUSTOM_KEY.fullmatch(key):
        yield f"{path}: {key!r} is no standard facet, and no '{{prefix}}_{{name}}' in camelCase as a custom one"
    url = content.get("_schemaURL") if isinstance(content, dict) else None
    if not isinstance(url, str):
        return
    if not re.match(r"https?://[^/]+/", url):
        yield f"{path}._schemaURL: {url!r} is no absolute URL"
    elif url.startswith(_SPEC_FACETS):
        yield f"{path}._schemaURL: {url!r} is a standard facet, and {key!r} is none"
    elif strict and "/OpenLineage.json#/$defs/" in url:
        yield f"{path}._schemaURL: {url!r} is the base of all facets, not the schema of {key!r}"


def _unknown_fields(_: Any, closed: bool, instance: Any, schema: Shape) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for name in sorted(instance.keys() - schema["properties"].keys()):
            yield ValidationError(f"the spec knows no field {name!r} here")


_LENIENT = Draft202012Validator
_STRICT = extend(Draft202012Validator, {CLOSED: _unknown_fields})


def _by_schema(shape: Shape, instance: Any, path: str, *, strict: bool) -> Iterator[str]:
    validator = (_STRICT if strict else _LENIENT)(shape, format_checker=FORMATS)
    for error in validator.iter_errors(instance):
        yield f"{path}{error.json_path.removeprefix('$')}: {error.message}"
