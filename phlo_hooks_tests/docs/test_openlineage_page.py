"""`docs/capabilities/openlineage.md`: its tables are those of the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import phlo_hooks.capabilities.openlineage as package
from phlo_hooks.capabilities import OpenLineageResource
from phlo_hooks.capabilities.openlineage.own_facets import OWN_FACETS
from phlo_hooks_tests.capabilities.openlineage.spec.dataset_facets import DATASET_FACETS
from phlo_hooks_tests.capabilities.openlineage.spec.facet import Place
from phlo_hooks_tests.capabilities.openlineage.spec.flow_facets import FLOW_FACETS
from phlo_hooks_tests.capabilities.openlineage.spec.job_facets import JOB_FACETS
from phlo_hooks_tests.capabilities.openlineage.spec.run_facets import RUN_FACETS
from phlo_hooks_tests.docs.pages import DOCS, table

PAGE = DOCS / "capabilities" / "openlineage.md"
CODE = [
    ast.parse(path.read_text(encoding="utf-8")) for path in Path(str(package.__file__)).parent.rglob("*.py")
]
_NAME = re.compile(r"`([^`]+)`")


def test_every_facet_is_in_the_table() -> None:
    """Each that the code makes, under its key and where it stands, and no other."""
    shown = [(_NAME.findall(name)[0], on) for name, on, *_ in table(PAGE, "facet")]
    assert len(set(shown)) == len(shown)
    assert set(shown) == set(made())


def test_every_field_is_in_the_table() -> None:
    """With its description and default, in the order of the code."""
    assert [tuple(row) for row in table(PAGE, "field")] == [
        (f"`{name}`", field.description, _default(field))
        for name, field in OpenLineageResource.model_fields.items()
    ]


def test_the_fields_of_our_own_facets_are_listed() -> None:
    """And their schemas are linked."""
    section = PAGE.read_text(encoding="utf-8").partition("### Our own facets")[2].partition("\n## ")[0]
    for key, facet in OWN_FACETS.items():
        fields = {name for name in facet.__annotations__ if not name.startswith("_")}
        assert {key, *fields} <= set(_NAME.findall(section))
        assert f"{facet.__name__}.1-0-0.json" in section


def made() -> Iterator[tuple[str, str]]:
    """Key and place of the facets that functions of the package make that it calls itself."""
    known = {each.name: each for each in (*DATASET_FACETS, *FLOW_FACETS, *JOB_FACETS, *RUN_FACETS)}
    own = {facet.__name__: key for key, facet in OWN_FACETS.items()}
    called = {name for tree in CODE for name in _calls(tree)}
    for tree in CODE:
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef) and function.name in called:
                for name in _calls(function):
                    if name in known:
                        yield known[name].key, _WHERE[known[name].place]
                    elif name in own:
                        yield own[name], "run" if "Run" in name else "dataset"


_WHERE = {
    Place.RUN: "run",
    Place.JOB: "job",
    Place.DATASET: "dataset",
    Place.INPUT: "input",
    Place.OUTPUT: "output",
}


def _calls(tree: ast.AST) -> Iterator[str]:
    """The names of what is called in a piece of code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                yield node.func.attr
            elif isinstance(node.func, ast.Name):
                yield node.func.id


def _default(field: Any) -> str:
    return "" if field.default in (None, {}) else f"`{field.default!r}`"
