"""The routes that are not those of entities: lineage, and what is measured at times."""

from __future__ import annotations

from . import bodies, lineage, measurements, models, shapes, views
from .checks import Check, list_of
from .entity_routes import CHANGE, answer
from .errors import invalid
from .kinds import kind_of
from .routing import Answer, Call, Route
from .store import Json

_DEEPEST = 3
_BY_NAME = "lineage/{fromEntity}/name/{fromFQN}/{toEntity}/name/{toFQN}"
_BY_ID = "lineage/{fromEntity}/{fromId}/{toEntity}/{toId}"
_CASES = "dataQuality/testCases"


def routes() -> list[Route]:
    return [*_lineage_routes(), *_series_routes(), *_suite_routes()]


def _lineage_routes() -> list[Route]:
    details = bodies.lineage_details
    return [
        Route("PUT", "lineage", _add, bodies.add_lineage, models.ADD_LINEAGE),
        Route("PUT", _BY_NAME, _add_by_name, details, models.LINEAGE_DETAILS, since=(2,)),
        Route("PATCH", _BY_ID, _patch),
        Route("PATCH", _BY_NAME, _patch, since=(2,)),
        Route("DELETE", _BY_ID, _remove),
        Route("DELETE", _BY_NAME, _remove),
        Route("GET", "lineage/getLineageEdge/{fromId}/{toId}", _edge),
        Route("GET", f"lineage/getLineageEdge/{_BY_NAME[8:]}", _edge, since=(2,)),
        Route("GET", "lineage/{entity}/{id}", _graph),
        Route("GET", "lineage/{entity}/name/{fqn}", _graph),
    ]


def _series_routes() -> list[Route]:
    def status(_: int) -> Check:
        return bodies.pipeline_status

    def statuses(_: int) -> Check:
        return list_of(bodies.pipeline_status, most=1000)

    def profiles(_: int) -> Check:
        return bodies.profiles

    def result(_: int) -> Check:
        return bodies.test_result

    return [
        Route("PUT", "pipelines/{fqn}/status", _add_status, status, models.PIPELINE_STATUS),
        Route("PUT", "pipelines/{fqn}/status/bulk", _add_status, statuses, f"[{models.PIPELINE_STATUS}]"),
        Route("GET", "pipelines/{fqn}/status", _statuses),
        Route("PUT", "tables/{id}/tableProfile", _add_profiles, profiles, models.PROFILES),
        Route("GET", "tables/{fqn}/tableProfile/latest", _latest_profile),
        Route("GET", "tables/{fqn}/tableProfile", _table_profiles),
        Route("GET", "tables/{fqn}/columnProfile", _column_profiles),
        Route(
            "POST",
            f"{_CASES}/testCaseResults/{{fqn}}",
            _add_result,
            result,
            models.CREATE_RESULT,
            since=(1, 6),
        ),
        Route("GET", f"{_CASES}/testCaseResults/{{fqn}}", _results, since=(1, 6)),
        Route(
            "PUT", f"{_CASES}/{{fqn}}/testCaseResult", _add_result, result, models.CREATE_RESULT, until=(1, 6)
        ),
        Route("GET", f"{_CASES}/{{fqn}}/testCaseResult", _results, until=(1, 6)),
    ]


def _suite_routes() -> list[Route]:
    def suite(major: int) -> Check:
        return shapes.create("testSuite", major)

    model = models.CREATE["testSuite"]
    return [
        Route(method, f"dataQuality/testSuites/{name}", _suite, suite, model)
        for method in ("PUT", "POST")
        for name in ("basic", "executable")
    ]


def _suite(call: Call) -> Answer:
    if not (call.body.get("basicEntityReference") or call.body.get("executableEntityReference")):
        raise invalid("basicEntityReference", "must not be null")
    entity, event = call.catalog.put("testSuite", call.body, call.principal)
    return answer(call, "testSuite", entity, 201 if event == "entityCreated" else 200, event)


def _add(call: Call) -> Answer:
    edge = call.body["edge"]
    start, end = edge["fromEntity"], edge["toEntity"]
    lineage.add(call.catalog, start, end, edge.get("lineageDetails"), call.principal, edge.get("description"))
    return Answer()


def _add_by_name(call: Call) -> Answer:
    lineage.add(call.catalog, *_ends(call), call.body, call.principal)
    return Answer()


def _ends(call: Call) -> tuple[Json, Json]:
    """The two entities that a path names, by id or by name."""
    return _end(call, "from"), _end(call, "to")


def _end(call: Call, which: str) -> Json:
    kind = kind_of(call.path[f"{which}Entity"]).name
    if f"{which}Id" in call.path:
        return {"type": kind, "id": call.path[f"{which}Id"]}
    return {"type": kind, "id": call.catalog.store.by_name(kind, call.path[f"{which}FQN"])["id"]}


def _patch(call: Call) -> Answer:
    body = lineage.patch(call.catalog, *_ends(call), call.body, call.principal)
    return Answer(body, headers={CHANGE: "entityUpdated"}, model=models.LINEAGE_DETAILS)


def _remove(call: Call) -> Answer:
    lineage.remove(call.catalog, *_ends(call), call.principal)
    return Answer()


def _edge(call: Call) -> Answer:
    if "fromId" in call.path:
        return Answer(lineage.edge(call.catalog, call.path["fromId"], call.path["toId"]))
    start, end = _ends(call)
    return Answer(lineage.edge(call.catalog, start["id"], end["id"]))


def _graph(call: Call) -> Answer:
    kind, store = kind_of(call.path["entity"]).name, call.catalog.store
    by_name = "fqn" in call.path
    entity = store.by_name(kind, call.path["fqn"]) if by_name else store.by_id(kind, call.path["id"])
    up, down = _depth(call, "upstreamDepth"), _depth(call, "downstreamDepth")
    return Answer(lineage.graph(call.catalog, kind, entity, up=up, down=down), model=models.LINEAGE)


def _depth(call: Call, name: str) -> int:
    depth = call.whole(name, 1)
    if not 0 <= depth <= _DEEPEST:
        bound = f"less than or equal to {_DEEPEST}" if depth > 0 else "greater than or equal to 0"
        raise invalid(f"query param {name}", f"must be {bound}")
    return depth


def _add_status(call: Call) -> Answer:
    statuses = call.body if isinstance(call.body, list) else [call.body]
    pipeline = measurements.add_statuses(call.catalog, call.path["fqn"], statuses, call.principal)
    return Answer(pipeline, headers={CHANGE: "entityUpdated"}, model=models.ENTITY["pipeline"])


def _statuses(call: Call) -> Answer:
    for name in ("startTs", "endTs"):
        if name not in call.query:
            raise invalid(f"query param {name}", "must not be null")
    fqn = call.catalog.store.by_name("pipeline", call.path["fqn"])["fullyQualifiedName"]
    return _series(call, views.STATUS, fqn, models.PIPELINE_STATUS)


def _series(call: Call, extension: str, fqn: str, model: str) -> Answer:
    start, end = call.whole("startTs", 0), call.whole("endTs", 2**62)
    data = call.catalog.store.between(extension, fqn, start, end)
    return Answer({"data": data, "paging": {"total": len(data)}}, model=f"[{model}]")


def _add_profiles(call: Call) -> Answer:
    table = measurements.add_profiles(call.catalog, call.path["id"], call.body, call.principal)
    return Answer(table, headers={CHANGE: "entityUpdated"}, model=models.ENTITY["table"])


def _latest_profile(call: Call) -> Answer:
    return Answer(measurements.latest_profile(call.catalog, call.path["fqn"]), model=models.ENTITY["table"])


def _table_profiles(call: Call) -> Answer:
    fqn = call.catalog.store.by_name("table", call.path["fqn"])["fullyQualifiedName"]
    return _series(call, views.TABLE_PROFILE, fqn, models.TABLE_PROFILE)


def _column_profiles(call: Call) -> Answer:
    return _series(call, views.COLUMN_PROFILE, call.path["fqn"], models.COLUMN_PROFILE)


def _add_result(call: Call) -> Answer:
    result = measurements.add_result(call.catalog, call.path["fqn"], call.body, call.principal)
    return Answer(result, 201, model=models.RESULT)


def _results(call: Call) -> Answer:
    fqn = call.catalog.store.by_name("testCase", call.path["fqn"], "all")["fullyQualifiedName"]
    return _series(call, views.RESULT, fqn, models.RESULT)
