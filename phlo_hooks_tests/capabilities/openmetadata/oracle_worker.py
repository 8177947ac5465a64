"""The process of the oracle: reads a question on each line, and answers on a line.

It is run by its path, in a process of its own: two versions of one package are in it, one at a time.
"""

from __future__ import annotations

import importlib
import json
import sys
import types
import warnings
from typing import Any

import pydantic
import pydantic.networks

warnings.simplefilter("ignore")
# The schemas have a pattern for an address; what else makes one is for a library that nobody needs here.
# Where pydantic takes it from when it is first asked for anything about networks.
pydantic.networks.EmailStr = str  # type: ignore[misc,assignment]


class _Model(pydantic.BaseModel):
    """The base of all: a schema is built when it is used, or an import takes half a minute."""

    model_config = pydantic.ConfigDict(defer_build=True)


class Version:
    """The models of one version."""

    def __init__(self, folder: str) -> None:
        self._modules = _stubs(f"{folder}/metadata")

    def model(self, name: str) -> Any:
        """The class of that name, as in `entity.data.table:Table`."""
        module, _, class_ = name.partition(":")
        for loaded in [each for each in sys.modules if each.partition(".")[0] == "metadata"]:
            del sys.modules[loaded]
        sys.modules.update(self._modules)
        try:
            return getattr(importlib.import_module(f"metadata.generated.schema.{module}"), class_)
        finally:
            mine = {name: each for name, each in sys.modules.items() if name.partition(".")[0] == "metadata"}
            self._modules.update(mine)


def _stubs(path: str) -> dict[str, types.ModuleType]:
    """The package without what it does on import, and the base class that its models have."""
    package = types.ModuleType("metadata")
    package.__path__ = [path]
    base = types.ModuleType("metadata.ingestion.models.custom_pydantic")
    base.BaseModel, base.CustomSecretStr = _Model, pydantic.SecretStr  # type: ignore[attr-defined]
    between = {name: types.ModuleType(name) for name in ("metadata.ingestion", "metadata.ingestion.models")}
    return {"metadata": package, **between, base.__name__: base}


def judge(model: Any, value: Any) -> str | None:
    """What is wrong with a value; nothing is taken for what it is not, so that "1" is no number."""
    try:
        model.model_validate_json(json.dumps(value), strict=True)
    except pydantic.ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg'][:200]}" for each in found[:5])
    return None


def main() -> None:
    versions: dict[str, Version] = {}
    for line in sys.stdin:
        question = json.loads(line)
        folder = question["folder"]
        version = versions.setdefault(folder, Version(folder))
        try:
            answer = {"problem": judge(version.model(question["model"]), question["value"])}
        except Exception as error:  # noqa: BLE001 - whatever it is, the test must hear of it
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
