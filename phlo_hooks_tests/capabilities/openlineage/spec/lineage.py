"""What the two facets of `LineageFacet.json` 1-0-0 share: entries, and what flows into them."""

from __future__ import annotations

from phlo_hooks_tests.capabilities.openlineage.spec.shapes import (
    BOOLEAN,
    NAME,
    NAMED,
    STRING,
    UUID,
    Shape,
    array,
    mapping,
    one_of,
    record,
    ref,
    strings,
)

_TRANSFORMATION = record(strings("type"), {**strings("subtype", "description"), "masking": BOOLEAN})
_KIND: dict[str, Shape] = {"type": STRING}
# A job without a name is the job of the event; half a name is none.
_BOTH_OR_NONE = {"dependentRequired": {"namespace": ["name"], "name": ["namespace"]}}
_A_JOB: dict[str, Shape] = {"namespace": NAME, "name": NAME, "runId": UUID}


def _of_job(extra: dict[str, Shape]) -> Shape:
    return {**record(_KIND, {**_A_JOB, **extra}), **_BOTH_OR_NONE}


LINEAGE_DEFS: dict[str, Shape] = {
    "LineageInput": one_of(
        "type",
        {
            "DATASET": record(
                {**NAMED, **_KIND}, {"field": STRING, "transformations": array(_TRANSFORMATION)}
            ),
            "JOB": _of_job({"transformations": array(_TRANSFORMATION)}),
        },
    ),
}
INPUTS = array(ref("LineageInput"))
FIELDS = mapping(record({"inputs": INPUTS}))
ENTRY = one_of(
    "type",
    {
        "DATASET": record({**NAMED, **_KIND}, {"inputs": INPUTS, "fields": FIELDS}),
        "JOB": _of_job({"inputs": INPUTS}),
    },
)
