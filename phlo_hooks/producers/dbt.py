"""What dagster-dbt leaves in Dagster's log: models, tests, and why a model is missing.

Only metadata, specs and error texts are read: neither dagster-dbt nor dbt has to be installed.

One step runs many models. When it fails, its error names each node that failed itself, with dbt's own
message, and none that dbt skipped on that account. So a planned model that is neither there nor named was
skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any, NamedTuple, TypeVar

import dagster as dg

from phlo_hooks.producers.metadata import Column, MaterializationFacts, facts, first, text, whole

K = TypeVar("K")

TOOL = "dbt"
MESSAGE_KEY = "phlo_hooks/dbt_message"
COLUMN_KEY = "dagster/column"
TEST_KEY = "dagster_dbt/test"
_FAILED_ROWS = "dagster_dbt/failed_row_count"

_TABLE_KINDS = frozenset({"model", "seed", "snapshot"})
# dbt found that the table is still good, and did nothing; dagster-dbt reports a materialization all the same.
_NOT_REBUILT = frozenset({"no-op", "reused"})
_CRASHED = frozenset({"error", "runtime error"})
# Around the name: the hash of a generic test's arguments, a model's version, a unit test's model.
_AROUND_NAME = {
    "test": re.compile(r"\.[0-9a-f]{10}$"),
    "model": re.compile(r"\.v\d[\w.]*$"),
    "unit_test": re.compile(r"^.*\."),
}

_UNIQUE_ID = re.compile(r"[a-z_]+\.\w+\..")
_FAILED = re.compile(r"The dbt CLI process with command\b.*?\bfailed with exit code `(-?\d+)`", re.DOTALL)
_ERRORS = "Errors parsed from dbt logs:"
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_PROGRESS = re.compile(r"^(?:\d+ of \d+ |CANCEL query ).*\[[A-Z][\w ]*(?: in [\d.]+s)?\]\s*$", re.MULTILINE)
_TRACEBACK = re.compile(
    r"^Traceback \(most recent call last\):$.*?(?=^Failure in |\Z)", re.MULTILINE | re.DOTALL
)
# Only at the start of a line: dbt indents its messages, which say the like. "Failure in model …" is a line of
# its own; dbt 1.7 and older begin with the message, "Database Error in model …".
_SECTION = re.compile(
    r"^(?:(?P<what>Failure|(?:[A-Z]\w+ )+Error) in (?P<kind>\w+) (?P<name>\S+) \((?P<path>.+)\)"
    r"|Encountered an error:)[ \r]*$",
    re.MULTILINE,
)


class DbtNode(NamedTuple):
    """The dbt node behind an asset or a check. Its file tells two versions of a model apart."""

    unique_id: str
    path: str | None = None

    @property
    def kind(self) -> str:
        """Such as `model`, `seed`, `snapshot`, `test`."""
        return self.unique_id.partition(".")[0]

    @property
    def name(self) -> str:
        """Its name, as its author wrote it; of a generic test, as dbt made it."""
        full_name = self.unique_id.split(".", 2)[-1]
        around = _AROUND_NAME.get(self.kind)
        return around.sub("", full_name) if around else full_name


@dataclass(frozen=True)
class DbtFacts:
    """A model, seed or snapshot that was built."""

    unique_id: str
    resource_type: str
    name: str
    invocation_id: str | None
    status: str | None
    table: MaterializationFacts
    tool: str = TOOL

    @property
    def rebuilt(self) -> bool:
        """Whether dbt did anything to the table."""
        return self.status not in _NOT_REBUILT


@dataclass(frozen=True)
class QualityFacts:
    """A dbt test that was run."""

    unique_id: str
    check_name: str
    status: str
    failed_rows: int | None
    seconds: float | None
    invocation_id: str | None

    @property
    def passed(self) -> bool:
        """Whether dbt says so."""
        return self.status in ("pass", "success")

    @property
    def severity(self) -> str:
        """WARN where dbt only warns; of a test that passed, the log does not tell."""
        return "WARN" if self.status == "warn" else "ERROR"

    @property
    def crashed(self) -> bool:
        """Whether its SQL failed, so that nothing was found out. Dagster has it as not passed."""
        return self.status in _CRASHED


@dataclass(frozen=True)
class FailedNode:
    """What dbt says of a node that failed itself."""

    kind: str
    name: str
    path: str | None
    message: str

    def is_(self, node: DbtNode) -> bool:
        """Whether dbt means this node, which it names without package, version and hash."""
        if None not in (self.path, node.path) and self.path != node.path:
            return False
        return (self.kind, self.name) == (node.kind, node.name) or self.name == node.unique_id


@dataclass(frozen=True)
class DbtError:
    """Why a dbt command failed, without its command line, progress, traceback and colours."""

    message: str
    failed: tuple[FailedNode, ...] = ()

    def of(self, node: DbtNode) -> FailedNode | None:
        """What dbt says of a node that failed itself; None of one that did not."""
        return next((failed for failed in self.failed if failed.is_(node)), None)

    def failed_assets(self, planned: Mapping[K, DbtNode]) -> dict[K, str]:
        """Those of the planned assets that failed themselves, with dbt's own message. The rest was skipped.

        When dbt failed before it ran anything, all of them failed, with the message of the whole.
        """
        if not self.failed:
            return dict.fromkeys(planned, self.message)
        found = {key: self.of(node) for key, node in planned.items()}
        return {key: failed.message for key, failed in found.items() if failed}

    def blocker(self, spec_metadata: Mapping[str, Any]) -> FailedNode | None:
        """The failed model or test nearest upstream of a skipped asset, by the manifest in its spec."""
        node, manifest = node_of(spec_metadata), manifest_of(spec_metadata)
        if node is None or not manifest:
            return None
        found = (self.of(_node(unique_id, manifest)) for unique_id in _blockers(node.unique_id, manifest))
        return next((failed for failed in found if failed), None)


def is_dbt(metadata: Mapping[str, Any]) -> bool:
    """Whether dagster-dbt wrote this metadata, of whichever kind of event."""
    return "invocation_id" in metadata and _built(metadata) is not None


def dbt_facts(metadata: Mapping[str, Any], spec_metadata: Mapping[str, Any] | None = None) -> DbtFacts | None:
    """What a materialization says that dagster-dbt made; None of any other.

    Args:
        metadata: of the materialization.
        spec_metadata: of the asset's spec. Only there does dagster-dbt say the relation's name and what
            the columns mean: `fetch_column_metadata` finds their types and no more.
    """
    node = _built(metadata)
    if node is None or not is_dbt(metadata) or node.kind not in _TABLE_KINDS:
        return None
    return DbtFacts(
        unique_id=node.unique_id,
        resource_type=node.kind,
        name=node.name,
        invocation_id=text(first(metadata, "invocation_id")),
        status=text(first(metadata, "status")),
        table=_table(facts(metadata), facts(spec_metadata or {})),
    )


def quality_facts(metadata: Mapping[str, Any]) -> QualityFacts | None:
    """What a check evaluation, or an observation, says of the dbt test it comes from; None without one."""
    node, status = _built(metadata), text(first(metadata, "status"))
    if node is None or status is None or not is_dbt(metadata) or node.kind != "test":
        return None
    return QualityFacts(
        unique_id=node.unique_id,
        check_name=node.name,
        status=status,
        # dbt counts 0 failed rows of a test that could not look at any.
        failed_rows=None if status in _CRASHED else whole(first(metadata, _FAILED_ROWS)),
        seconds=facts(metadata).seconds,
        invocation_id=text(first(metadata, "invocation_id")),
    )


def quality_from_observation(observation: dg.AssetObservation) -> QualityFacts | None:
    """The test behind an observation of dagster-dbt's; None of any other.

    Tests of sources, tests of several models without an asset key in their meta, and tests that were not
    selected are no asset checks. Each gives one observation for each asset that it looks at.
    """
    return quality_facts(observation.metadata)


def node_of(spec_metadata: Mapping[str, Any]) -> DbtNode | None:
    """The dbt node of an asset or a check, from the metadata of its spec; None when dbt does not make it."""
    unique_id = text(first(spec_metadata, "dagster_dbt/unique_id"))
    return None if unique_id is None else _node(unique_id, manifest_of(spec_metadata))


def manifest_of(spec_metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """The manifest that the assets were made from; empty where dbt does not make them."""
    return getattr(spec_metadata.get("dagster_dbt/manifest"), "manifest", None) or {}


def compiled_sql(spec_metadata: Mapping[str, Any]) -> str | None:
    """The statement of a model, where its manifest is of a command that compiled it; one that was only parsed
    has none.
    """
    unique_id = text(first(spec_metadata, "dagster_dbt/unique_id"))
    node = manifest_of(spec_metadata).get("nodes", {}).get(unique_id, {})
    return text(node.get("compiled_code")) if node.get("resource_type") == "model" else None


def test_facts(spec_metadata: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, str]:
    """The column that a test looks at, and which test it is, as metadata, as far as the manifest has them.

    Args:
        spec_metadata: of the check, which says no more than the test's unique id.
        manifest: that the asset of the check was made from.
    """
    unique_id = text(first(spec_metadata, "dagster_dbt/unique_id"))
    node = manifest.get("nodes", {}).get(unique_id, {})
    found = {COLUMN_KEY: node.get("column_name"), TEST_KEY: (node.get("test_metadata") or {}).get("name")}
    return {key: value for key, value in found.items() if isinstance(value, str) and value}


def dbt_error(error_text: str) -> DbtError | None:
    """What a step's error says of dbt; None when it is not dagster-dbt's.

    Args:
        error_text: the message of the recorded error, whole.
    """
    failed = _FAILED.search(error_text)
    if failed is None:
        return None
    said = _PROGRESS.sub("", _ANSI.sub("", error_text.partition(_ERRORS)[2])).strip()
    message = _TRACEBACK.sub("", said.removeprefix("Encountered an error:")).strip()
    return DbtError(message or f"dbt failed with exit code {failed[1]}", tuple(_failed_nodes(said)))


def failed_nodes(error_text: str) -> dict[str, str]:
    """The names of the nodes that failed themselves, tests too, with dbt's own message."""
    error = dbt_error(error_text)
    return {node.name: node.message for node in error.failed} if error else {}


def failure_message(error_text: str, node: str) -> str | None:
    """dbt's own message for a node that failed itself, by unique id or name; None for one that did not."""
    error = dbt_error(error_text)
    found = error.of(DbtNode(node)) if error else None
    return found.message if found else None


def failed_observations(invocation: Any) -> Iterator[dg.AssetObservation]:
    """One observation for each model, seed or snapshot that failed, where dbt must not fail the step.

    With `raise_on_error=False` Dagster's log does not say what failed. Yield these after the stream:

        build = dbt.cli(["build"], context=context, raise_on_error=False)
        yield from build.stream()
        yield from failed_observations(build)

    Args:
        invocation: the `DbtCliInvocation`, its stream read to the end.
    """
    error = dbt_error(str(invocation.get_error() or ""))
    manifest, translator = invocation.manifest, invocation.dagster_dbt_translator
    for failed in error.failed if error else ():
        unique_id = _unique_id(failed, manifest)
        if unique_id is not None:
            spec = translator.get_asset_spec(manifest, unique_id, invocation.project)
            metadata = {"unique_id": unique_id, "status": "error", MESSAGE_KEY: failed.message}
            yield dg.AssetObservation(spec.key, description=failed.message, metadata=metadata)


def failure_from_observation(observation: dg.AssetObservation) -> FailedNode | None:
    """What `failed_observations` recorded; None of any other observation."""
    node, message = _built(observation.metadata), text(first(observation.metadata, MESSAGE_KEY))
    if node is None or message is None:
        return None
    return FailedNode(node.kind, node.name, None, message)


def _built(metadata: Mapping[str, Any]) -> DbtNode | None:
    unique_id = text(first(metadata, "unique_id"))
    return DbtNode(unique_id) if unique_id and _UNIQUE_ID.match(unique_id) else None


def _table(built: MaterializationFacts, declared: MaterializationFacts) -> MaterializationFacts:
    meant = {column.name.lower(): column for column in declared.columns}
    return replace(
        built,
        table_name=built.table_name or declared.table_name,
        columns=tuple(_explained(column, meant.get(column.name.lower())) for column in built.columns),
    )


def _explained(column: Column, declared: Column | None) -> Column:
    if declared is None:
        return column
    tags = {**declared.tags, **column.tags}
    return replace(column, description=column.description or declared.description, tags=tags)


def _failed_nodes(said: str) -> Iterator[FailedNode]:
    starts = list(_SECTION.finditer(said))
    for start, following in zip_longest(starts, starts[1:]):
        end = following.start() if following else None
        if start["kind"]:
            yield _failed_node(start, said[start.end() : end].strip())


def _failed_node(start: re.Match[str], body: str) -> FailedNode:
    heading = start[0].strip()
    message = body if body and start["what"] == "Failure" else f"{heading}\n  {body}".rstrip()
    return FailedNode(start["kind"], start["name"], start["path"], message)


def _node(unique_id: str, manifest: Mapping[str, Any]) -> DbtNode:
    nodes = manifest.get("unit_tests" if unique_id.startswith("unit_test.") else "nodes", {})
    return DbtNode(unique_id, nodes.get(unique_id, {}).get("original_file_path"))


def _unique_id(failed: FailedNode, manifest: Mapping[str, Any]) -> str | None:
    if failed.kind not in _TABLE_KINDS:
        return None
    return next((each for each in manifest["nodes"] if failed.is_(_node(each, manifest))), None)


def _blockers(unique_id: str, manifest: Mapping[str, Any]) -> Iterator[str]:
    """What a node waits for in `dbt build`, nearest first: its unit tests, its parents and their tests."""
    waiting = {unique_id: None}
    queue = [unique_id]
    for current in queue:
        yield current
        tests = ("unit_test.", "test.") if current != unique_id else ("unit_test.",)
        yield from (each for each in manifest["child_map"].get(current, ()) if each.startswith(tests))
        parents = dict.fromkeys(manifest["parent_map"].get(current, ()))
        queue += [parent for parent in parents if parent not in waiting]
        waiting.update(parents)
