"""The routes that every kind of entity has."""

from __future__ import annotations

from functools import partial

from . import columns, etags, fqn as names, models, shapes, views
from .errors import bad_request
from .kinds import KINDS, Kind
from .links import parse
from .paging import page
from .routing import Answer, Call, Handler, Route
from .store import Json

CHANGE = "X-OpenMetadata-Change"


def routes() -> list[Route]:
    return [route for kind in KINDS.values() for route in _of(kind)]


def _of(kind: Kind) -> list[Route]:
    def route(method: str, path: str, handler: Handler, *, writes: bool = False) -> Route:
        check = partial(shapes.create, kind.name) if writes else None
        model = models.CREATE.get(kind.name) if writes else None
        return Route(method, f"{kind.collection}{path}", handler, check=check, model=model)

    reading = [
        route("GET", "", partial(_list, kind)),
        route("GET", "/{id}", partial(_get, kind)),
        route("GET", "/name/{fqn}", partial(_get_by_name, kind)),
        route("DELETE", "/{id}", partial(_delete, kind)),
        route("DELETE", "/name/{fqn}", partial(_delete_by_name, kind)),
    ]
    if kind.name not in shapes.CREATE:
        return reading
    return [
        *reading,
        route("POST", "", partial(_post, kind), writes=True),
        route("PUT", "", partial(_put, kind), writes=True),
        route("PATCH", "/{id}", partial(_patch, kind)),
        route("PATCH", "/name/{fqn}", partial(_patch_by_name, kind)),
        Route("PUT", f"{kind.collection}/restore", partial(_restore, kind), check=lambda _: shapes.restoring),
    ]


def answer(call: Call, kind: str, entity: Json, status: int, event: str) -> Answer:
    """An entity after a write."""
    shown = call.catalog.shown(kind, entity)
    headers = {CHANGE: event, "ETag": etags.strong(shown, call.version[0])}
    return Answer(shown, status, headers, models.ENTITY[kind])


def _list(kind: Kind, call: Call) -> Answer:
    store, fields = call.catalog.store, kind.fields(call.query.get("fields"))
    found = [entity for entity in store.all(kind.name) if _wanted(kind, entity, call)]
    body = page(found, dict(call.query), lambda entity: views.view(store, kind.name, entity, fields))
    model = models.of_view(kind.name, fields)
    return Answer(body, model=model and f"[{model}]")


def _wanted(kind: Kind, entity: Json, call: Call) -> bool:
    if call.include != "all" and entity["deleted"] != (call.include == "deleted"):
        return False
    for parameter in ("service", "database", "databaseSchema", "parent"):
        fqn = call.query.get(parameter)
        if fqn is not None and not f"{entity['fullyQualifiedName']}.".startswith(f"{names.normal(fqn)}."):
            return False
    return kind.name != "testCase" or _wanted_case(entity, call)


def _wanted_case(case: Json, call: Call) -> bool:
    suite, link = call.query.get("testSuiteId"), call.query.get("entityLink")
    if suite is not None and case["testSuite"]["id"] != suite:
        return False
    if link is None:
        return True
    kind, fqn, column = parse(link)
    table = call.catalog.store.by_name(kind, fqn)
    if column is None and not call.flag("includeAllTests"):
        return case["entityFQN"] == table["fullyQualifiedName"]
    wanted = [
        each["fullyQualifiedName"]
        for each in columns.walk(table["columns"])
        if column in (None, each["name"])
    ]
    return case["entityFQN"] in wanted or (
        column is None and case["entityFQN"] == table["fullyQualifiedName"]
    )


def _shown(kind: Kind, call: Call, entity: Json) -> Answer:
    call.catalog.permissions.check(call.principal, "ViewBasic", kind.name)
    fields = kind.fields(call.query.get("fields"))
    shown = views.view(call.catalog.store, kind.name, entity, fields)
    etag = etags.strong(shown, call.version[0])
    return Answer(shown, headers={"ETag": etag}, model=models.of_view(kind.name, fields))


def _get(kind: Kind, call: Call) -> Answer:
    return _shown(kind, call, call.catalog.store.by_id(kind.name, call.path["id"], call.include))


def _get_by_name(kind: Kind, call: Call) -> Answer:
    return _shown(kind, call, call.catalog.store.by_name(kind.name, call.path["fqn"], call.include))


def _post(kind: Kind, call: Call) -> Answer:
    entity = call.catalog.create(kind.name, call.body, call.principal, **_extra(kind, call))
    return answer(call, kind.name, entity, 201, "entityCreated")


def _put(kind: Kind, call: Call) -> Answer:
    entity, event = call.catalog.put(kind.name, call.body, call.principal, **_extra(kind, call))
    return answer(call, kind.name, entity, 201 if event == "entityCreated" else 200, event)


def _extra(kind: Kind, call: Call) -> Json:
    """A suite that is written where the logical ones are is none of a table's."""
    if kind.name == "testSuite" and call.body.get("basicEntityReference"):
        raise bad_request("Cannot create a basic test suite here: use dataQuality/testSuites/basic")
    return {}


def _patch(kind: Kind, call: Call) -> Answer:
    return _patched(kind, call, call.catalog.store.by_id(kind.name, call.path["id"], "all"))


def _patch_by_name(kind: Kind, call: Call) -> Answer:
    return _patched(kind, call, call.catalog.store.by_name(kind.name, call.path["fqn"], "all"))


def _patched(kind: Kind, call: Call, entity: Json) -> Answer:
    if_match = call.headers.get("if-match")
    patched, event = call.catalog.patch(kind.name, entity, call.body, call.principal, if_match)
    return answer(call, kind.name, patched, 200, event)


def _delete(kind: Kind, call: Call) -> Answer:
    hard, recursive = call.flag("hardDelete"), call.flag("recursive")
    entity = call.catalog.delete(kind.name, call.path["id"], call.principal, hard=hard, recursive=recursive)
    return answer(call, kind.name, entity, 200, "entityDeleted" if hard else "entitySoftDeleted")


def _delete_by_name(kind: Kind, call: Call) -> Answer:
    include = "all" if call.flag("hardDelete") else "non-deleted"
    entity = call.catalog.store.by_name(kind.name, call.path["fqn"], include)
    path = {"id": entity["id"]}
    return _delete(kind, Call(call.catalog, call.principal, call.version, path, call.query, call.headers))


def _restore(kind: Kind, call: Call) -> Answer:
    entity = call.catalog.restore(kind.name, call.body["id"], call.principal)
    return answer(call, kind.name, entity, 200, "entityRestored")
