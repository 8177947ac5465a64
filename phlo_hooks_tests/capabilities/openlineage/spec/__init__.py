"""The OpenLineage spec 2-0-2, as checks of what is sent: written down from the spec, for no package ships it."""

from __future__ import annotations

from phlo_hooks_tests.capabilities.openlineage.spec.validator import check, errors_of

__all__ = ["check", "errors_of"]
