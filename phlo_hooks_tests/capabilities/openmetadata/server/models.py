"""The names of the schemas: module and class of the models that are made from them."""

from __future__ import annotations

CREATE = {
    "databaseService": "api.services.createDatabaseService:CreateDatabaseServiceRequest",
    "database": "api.data.createDatabase:CreateDatabaseRequest",
    "databaseSchema": "api.data.createDatabaseSchema:CreateDatabaseSchemaRequest",
    "table": "api.data.createTable:CreateTableRequest",
    "pipelineService": "api.services.createPipelineService:CreatePipelineServiceRequest",
    "pipeline": "api.data.createPipeline:CreatePipelineRequest",
    "testDefinition": "api.tests.createTestDefinition:CreateTestDefinitionRequest",
    "testSuite": "api.tests.createTestSuite:CreateTestSuiteRequest",
    "testCase": "api.tests.createTestCase:CreateTestCaseRequest",
    "classification": "api.classification.createClassification:CreateClassificationRequest",
    "tag": "api.classification.createTag:CreateTagRequest",
    "user": "api.teams.createUser:CreateUserRequest",
    "team": "api.teams.createTeam:CreateTeamRequest",
}
ENTITY = {
    "databaseService": "entity.services.databaseService:DatabaseService",
    "database": "entity.data.database:Database",
    "databaseSchema": "entity.data.databaseSchema:DatabaseSchema",
    "table": "entity.data.table:Table",
    "pipelineService": "entity.services.pipelineService:PipelineService",
    "pipeline": "entity.data.pipeline:Pipeline",
    "testDefinition": "tests.testDefinition:TestDefinition",
    "testSuite": "tests.testSuite:TestSuite",
    "testCase": "tests.testCase:TestCase",
    "classification": "entity.classification.classification:Classification",
    "tag": "entity.classification.tag:Tag",
    "user": "entity.teams.user:User",
    "team": "entity.teams.team:Team",
    "domain": "entity.domains.domain:Domain",
    "dataProduct": "entity.domains.dataProduct:DataProduct",
    "glossaryTerm": "entity.data.glossaryTerm:GlossaryTerm",
}
ADD_LINEAGE = "api.lineage.addLineage:AddLineageRequest"
LINEAGE_DETAILS = "type.entityLineage:LineageDetails"
LINEAGE = "type.entityLineage:EntityLineage"
PIPELINE_STATUS = "entity.data.pipeline:PipelineStatus"
PROFILES = "api.data.createTableProfile:CreateTableProfileRequest"
TABLE_PROFILE = "entity.data.table:TableProfile"
COLUMN_PROFILE = "entity.data.table:ColumnProfile"
CREATE_RESULT = "api.tests.createTestCaseResult:CreateTestCaseResult"
RESULT = "tests.basic:TestCaseResult"

# What the schema requires, and an answer has only when it is asked for.
_ASKED = {"testCase": {"testDefinition", "testSuite"}}


def of_view(kind: str, fields: frozenset[str]) -> str | None:
    """The schema of an entity as a reader sees it; None where the reader did not ask for all that it requires."""
    return ENTITY[kind] if _ASKED.get(kind, set()) <= fields else None
