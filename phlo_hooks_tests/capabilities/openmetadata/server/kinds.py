"""The kinds of entities: where each is found, whose child it is, and which fields a reader must ask for."""

from __future__ import annotations

from dataclasses import dataclass, field

from .errors import bad_request, no_route

_COMMON = frozenset(
    {"owners", "tags", "followers", "votes", "extension", "domains", "dataProducts", "experts"}
)


@dataclass(frozen=True)
class Kind:
    """One kind.

    Args:
        name: as in an entity reference.
        collection: the path under /api/v1.
        parent: the field that names the parent in a request, and the parent's kind.
        asked: the fields that an answer has only when the reader asks for them.
    """

    name: str
    collection: str
    parent: tuple[str, str] | None = None
    asked: frozenset[str] = field(default=_COMMON)

    def fields(self, wanted: str | None) -> frozenset[str]:
        """The fields among `asked` that a reader wants; a name that is none of them is refused."""
        if wanted is None or not wanted.strip():
            return frozenset()
        names = {name.strip() for name in wanted.split(",")}
        if "*" in names:
            return self.asked
        for name in sorted(names - self.asked - _ALWAYS):
            raise bad_request(f"Invalid field name {name}")
        return frozenset(names) & self.asked


_ALWAYS = frozenset(
    {
        *("name", "columns", "service", "database", "databaseSchema", "lifeCycle", "certification"),
        *("sourceHash", "dataModel", "tablePartition", "retentionPeriod"),
    }
)


def _kind(name: str, collection: str, parent: tuple[str, str] | None = None, asked: str = "") -> Kind:
    return Kind(name, collection, parent, _COMMON | frozenset(asked.split()))


KINDS = {
    kind.name: kind
    for kind in (
        _kind("databaseService", "services/databaseServices", asked="pipelines"),
        _kind(
            "database", "databases", ("service", "databaseService"), "databaseSchemas usageSummary location"
        ),
        _kind("databaseSchema", "databaseSchemas", ("database", "database"), "tables usageSummary"),
        _kind(
            "table",
            "tables",
            ("databaseSchema", "databaseSchema"),
            "tableConstraints usageSummary customMetrics columns.customMetrics profile joins sampleData "
            "schemaDefinition testSuite tableProfilerConfig queries",
        ),
        _kind("pipelineService", "services/pipelineServices", asked="pipelines"),
        _kind(
            "pipeline",
            "pipelines",
            ("service", "pipelineService"),
            "tasks pipelineStatus usageSummary scheduleInterval",
        ),
        _kind("testDefinition", "dataQuality/testDefinitions"),
        _kind("testSuite", "dataQuality/testSuites", asked="tests summary pipelines testCaseResultSummary"),
        _kind(
            "testCase",
            "dataQuality/testCases",
            asked="testSuite testSuites testDefinition testCaseResult incidentId inspectionQuery",
        ),
        _kind("classification", "classifications", asked="usageCount termCount autoClassificationConfig"),
        _kind("tag", "tags", ("classification", "classification"), "children usageCount recognizers"),
        _kind("user", "users", asked="teams roles owns follows profile personas inheritedRoles"),
        _kind("team", "teams", asked="users parents children owns profile defaultRoles policies"),
        _kind("domain", "domains", asked="children parent"),
        _kind("dataProduct", "dataProducts", asked="assets"),
        _kind("glossaryTerm", "glossaryTerms", asked="children relatedTerms reviewers"),
    )
}
BY_COLLECTION = {kind.collection: kind for kind in KINDS.values()}


def kind_of(name: str) -> Kind:
    """The kind of that name, as in a path or a reference."""
    try:
        return KINDS[name]
    except KeyError:
        raise no_route() from None
