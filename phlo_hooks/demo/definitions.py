"""What `workspace.yaml` loads. Importing it builds the definitions, and parses the dbt project once."""

from __future__ import annotations

from phlo_hooks.demo.lakehouse import build_definitions

defs = build_definitions()
