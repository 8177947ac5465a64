"""What each request may say: our own reading of the API's JSON schemas, for both versions."""

from __future__ import annotations

from collections.abc import Mapping

from . import vocabulary as v
from .checks import (
    Check,
    anything,
    boolean,
    lazily,
    list_of,
    mapping,
    number,
    one_of,
    record,
    text,
    uuid,
    whole,
)

string = text()
fqn = text(1, 3072)
# The last pattern of a name: whatever it is, two colons in a row separate the parts of an entity link.
entity_name = text(1, 256, r"^(?:(?!::)[\s\S])*$")
test_case_name = text(1, 256, r"^(?:(?!::)[\s\S])*$")
# No part of a link may hold what separates and closes it.
entity_link = text(1, None, r"^<#E::\w+::(?:[^:<>|]|:[^:<>|])+(?:::(?:[^:<>|]|:[^:<>|])+)*>$")

reference = record(
    {"id": uuid, "type": string},
    {
        "name": string,
        "fullyQualifiedName": string,
        "description": string,
        "displayName": string,
        "deleted": boolean,
        "inherited": boolean,
        "href": string,
    },
)
references = list_of(reference)
tag_label = record(
    {
        "tagFQN": string,
        "source": one_of("Classification", "Glossary"),
        "labelType": one_of(*v.LABEL_TYPES),
        "state": one_of("Suggested", "Confirmed"),
    },
    {
        "name": string,
        "displayName": string,
        "description": string,
        "style": mapping,
        "href": string,
        "reason": string,
        "appliedAt": string,
        "appliedBy": string,
        "metadata": mapping,
    },
)
tags = list_of(tag_label)
custom_metrics = list_of(record({}, {"name": string, "value": number}))

_described: Mapping[str, Check] = {"displayName": string, "description": string}
_asset: Mapping[str, Check] = {
    **_described,
    "owners": references,
    "tags": tags,
    "domains": list_of(string),
    "dataProducts": list_of(fqn),
    "extension": anything,
    "sourceUrl": string,
    "lifeCycle": mapping,
    "sourceHash": text(1, 32),
}
_service: Mapping[str, Check] = {
    **_described,
    "connection": mapping,
    "owners": references,
    "tags": tags,
    "domains": list_of(string),
    "dataProducts": list_of(fqn),
    "ingestionRunner": reference,
}

column = record(
    {"name": text(1, 256, r"^(?:(?!::)[\s\S])*$"), "dataType": one_of(*v.DATA_TYPES)},
    {
        **_described,
        "arrayDataType": one_of(*v.DATA_TYPES),
        "dataLength": whole,
        "precision": whole,
        "scale": whole,
        "dataTypeDisplay": string,
        "fullyQualifiedName": fqn,
        "tags": tags,
        "constraint": one_of(*v.CONSTRAINTS),
        "ordinalPosition": whole,
        "jsonSchema": string,
        "children": lazily(lambda: list_of(column)),
        "profile": mapping,
        "customMetrics": anything,
        "extension": anything,
    },
)
_table_constraint = record(
    {},
    {
        "constraintType": one_of(*v.TABLE_CONSTRAINTS),
        "columns": list_of(string),
        "referredColumns": list_of(fqn),
        "relationshipType": one_of(*v.RELATIONSHIPS),
    },
)
_data_model = record(
    {"modelType": one_of("DBT", "DDL")},
    {
        "resourceType": string,
        "dbtSourceProject": string,
        "description": string,
        "path": string,
        "rawSql": string,
        "sql": string,
        "upstream": list_of(string),
        "owners": references,
        "tags": tags,
        "columns": list_of(column),
        "generatedAt": string,
    },
)
task = record(
    {"name": text(1)},
    {
        **_described,
        "fullyQualifiedName": string,
        "sourceUrl": string,
        "downstreamTasks": list_of(string),
        "taskType": string,
        "taskSQL": string,
        "startDate": string,
        "endDate": string,
        "tags": tags,
        "owners": references,
    },
)
_parameter_definition = record(
    {},
    {
        "name": string,
        "displayName": string,
        "dataType": one_of(*v.TEST_VALUES),
        "description": string,
        "required": boolean,
        "optionValues": anything,
        "validationRule": mapping,
    },
)

CREATE: Mapping[str, tuple[Mapping[str, Check], Mapping[str, Check]]] = {
    "databaseService": ({"name": entity_name, "serviceType": one_of(*v.DATABASE_SERVICES)}, _service),
    "database": (
        {"name": entity_name, "service": fqn},
        {**_asset, "default": boolean, "retentionPeriod": string},
    ),
    "databaseSchema": ({"name": entity_name, "database": fqn}, {**_asset, "retentionPeriod": string}),
    "table": (
        {"name": entity_name, "databaseSchema": fqn, "columns": list_of(column)},
        {
            **_asset,
            "tableType": one_of(*v.TABLE_TYPES),
            "dataModel": _data_model,
            "locationPath": string,
            "tableConstraints": list_of(_table_constraint),
            "tablePartition": mapping,
            "tableProfilerConfig": mapping,
            "schemaDefinition": string,
            "retentionPeriod": string,
            "fileFormat": one_of(*v.FILE_FORMATS),
        },
    ),
    "pipelineService": (
        {"name": entity_name, "serviceType": one_of(*v.PIPELINE_SERVICES)},
        {**_service, "scheduleInterval": string, "lifeCycle": mapping},
    ),
    "pipeline": (
        {"name": entity_name, "service": fqn},
        {
            **_asset,
            "concurrency": whole,
            "pipelineLocation": string,
            "startDate": string,
            "tasks": list_of(task),
            "state": one_of("Active", "Inactive"),
            "scheduleInterval": string,
        },
    ),
    "testDefinition": (
        {
            "name": test_case_name,
            "entityType": one_of("TABLE", "COLUMN"),
            "testPlatforms": list_of(one_of(*v.TEST_PLATFORMS)),
        },
        {
            **_described,
            "owners": references,
            "supportedDataTypes": list_of(one_of(*v.DATA_TYPES)),
            "provider": one_of("system", "user", "automation"),
            "parameterDefinition": list_of(_parameter_definition),
            "dataQualityDimension": one_of(*v.DIMENSIONS),
            "supportedServices": list_of(string),
            "domains": list_of(string),
            "sqlExpression": string,
            "validatorClass": string,
        },
    ),
    "testSuite": (
        {"name": text(1, 256)},
        {
            **_described,
            "owners": references,
            "basicEntityReference": fqn,
            "executableEntityReference": fqn,
            "dataContract": reference,
            "domains": list_of(string),
            "tags": tags,
            "reviewers": references,
        },
    ),
    "testCase": (
        {"name": test_case_name, "testDefinition": fqn, "entityLink": entity_link},
        {
            **_described,
            "parameterValues": list_of(record({}, {"name": string, "value": string})),
            "owners": references,
            "reviewers": references,
            "computePassedFailedRowCount": boolean,
            "useDynamicAssertion": boolean,
            "tags": tags,
            "dimensionColumns": list_of(string),
        },
    ),
    "classification": (
        {"name": entity_name, "description": string},
        {
            "displayName": string,
            "provider": string,
            "mutuallyExclusive": boolean,
            "domains": list_of(string),
            "owners": references,
            "reviewers": references,
            "autoClassificationConfig": mapping,
        },
    ),
    "tag": (
        {"name": entity_name, "description": string},
        {
            "displayName": string,
            "classification": fqn,
            "parent": fqn,
            "style": mapping,
            "associatedTags": list_of(string),
            "provider": string,
            "mutuallyExclusive": boolean,
            "domains": list_of(string),
            "owners": references,
            "reviewers": references,
            "recognizers": anything,
            "autoClassificationEnabled": boolean,
            "autoClassificationPriority": whole,
        },
    ),
    "user": (
        {"name": entity_name, "email": text(6, 127, r"^\S+@\S+\.\S+$")},
        {**_described, "isBot": boolean, "isAdmin": boolean, "teams": list_of(uuid), "profile": mapping},
    ),
    "team": (
        {
            "name": entity_name,
            "teamType": one_of("Group", "Department", "Division", "BusinessUnit", "Organization"),
        },
        {
            **_described,
            "email": string,
            "users": list_of(uuid),
            "parents": list_of(uuid),
            "isJoinable": boolean,
        },
    ),
}
# Fields that are lists, also where they are empty.
LISTS = frozenset({"owners", "tags", "domains", "dataProducts"})
_SINCE_2: Mapping[str, Mapping[str, Check]] = {
    "databaseService": {"style": mapping},
    "pipelineService": {"style": mapping},
    "table": {"aliases": list_of(string)},
    "testCase": {"topDimensions": anything},
}

restoring = record({"id": uuid})


def create(kind: str, major: int) -> Check:
    """The request that creates or updates an entity of a kind."""
    required, optional = CREATE[kind]
    return record(required, {**optional, **(_SINCE_2.get(kind, {}) if major >= 2 else {})})


def created_fields(kind: str) -> frozenset[str]:
    """What such a request may say, in any version; nothing where there is none."""
    required, optional = CREATE.get(kind, ({}, {}))
    return frozenset({*required, *optional, *_SINCE_2.get(kind, {})})
