"""The routes about the server itself, and its search for people."""

from __future__ import annotations

from .errors import bad_request
from .routing import Answer, Call, Route
from .views import whole

_INDEXES = {"user_search_index": "user", "team_search_index": "team", "user": "user", "team": "team"}


def routes() -> list[Route]:
    return [
        Route("GET", "system/version", _version),
        Route("GET", "users/loggedInUser", _myself),
        Route("GET", "search/query", _search),
    ]


def _version(call: Call) -> Answer:
    version = ".".join(str(part) for part in call.version)
    return Answer({"version": version, "revision": "0" * 40, "timestamp": 1_700_000_000_000})


def _myself(call: Call) -> Answer:
    store = call.catalog.store
    return Answer(whole(store, "user", store.by_name("user", call.principal.name)))


def _search(call: Call) -> Answer:
    """People by one field, as in `q=email.keyword:ana@example.com`; other queries are not understood here."""
    kind = _INDEXES.get(call.query.get("index", ""))
    field, colon, wanted = call.query.get("q", "").partition(":")
    if kind is None or not colon:
        raise bad_request(f"this server finds users and teams by one field, not {call.query.get('q')}")
    store, field = call.catalog.store, field.removesuffix(".keyword")
    wanted = wanted.strip('"').lower()
    found = [
        whole(store, kind, each) for each in store.all(kind) if str(each.get(field, "")).lower() == wanted
    ]
    start, size = call.whole("from", 0), call.whole("size", 10)
    hits = [{"_index": kind, "_id": each["id"], "_source": each} for each in found if not each["deleted"]]
    total = {"value": len(hits), "relation": "eq"}
    return Answer({"hits": {"total": total, "hits": hits[start : start + size]}})
