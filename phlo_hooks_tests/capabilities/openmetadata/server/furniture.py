"""What a new server has before anyone writes to it: its users, its tags, its test definitions."""

from __future__ import annotations

from collections.abc import Iterator

from .store import Json

BOT, ADMIN = "ingestion-bot", "admin"
_TAGS = {
    "Tier": ("Tier1", "Tier2", "Tier3", "Tier4", "Tier5"),
    "PII": ("None", "NonSensitive", "Sensitive"),
    "PersonalData": ("Personal", "SpecialCategory"),
}
# Name, what it is about, and its parameters: name, type, whether it is required.
_TESTS: tuple[tuple[str, str, tuple[tuple[str, str, bool], ...]], ...] = (
    ("tableRowCountToEqual", "TABLE", (("value", "INT", True),)),
    ("tableRowCountToBeBetween", "TABLE", (("minValue", "INT", False), ("maxValue", "INT", False))),
    ("tableCustomSQLQuery", "TABLE", (("sqlExpression", "STRING", True),)),
    ("columnValuesToBeNotNull", "COLUMN", ()),
    ("columnValuesToBeUnique", "COLUMN", ()),
    ("columnValuesToBeBetween", "COLUMN", (("minValue", "INT", False), ("maxValue", "INT", False))),
)


def furniture() -> Iterator[tuple[str, Json]]:
    """The kind and the request of each."""
    yield "user", {"name": ADMIN, "email": "admin@open-metadata.org", "isAdmin": True}
    yield "user", {"name": BOT, "email": "ingestion-bot@open-metadata.org", "isBot": True}
    yield "team", {"name": "Organization", "teamType": "Organization"}
    yield from _tags()
    for name, about, parameters in _TESTS:
        yield "testDefinition", _test(name, about, parameters)


def _tags() -> Iterator[tuple[str, Json]]:
    for name, tags in _TAGS.items():
        yield (
            "classification",
            {
                "name": name,
                "description": name,
                "provider": "system",
                "mutuallyExclusive": name != "PersonalData",
            },
        )
        for tag in tags:
            yield "tag", {"name": tag, "classification": name, "description": tag, "provider": "system"}


def _test(name: str, about: str, parameters: tuple[tuple[str, str, bool], ...]) -> Json:
    fields = [{"name": each, "dataType": type_, "required": required} for each, type_, required in parameters]
    return {
        "name": name,
        "description": name,
        "entityType": about,
        "testPlatforms": ["OpenMetadata"],
        "parameterDefinition": fields,
        "provider": "system",
    }
