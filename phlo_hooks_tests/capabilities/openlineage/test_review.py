"""What a review found, and must not come back."""

from phlo_hooks.assets import AssetInfo, CodeReference
from phlo_hooks.capabilities.openlineage.facets.job import asset_job_facets
from phlo_hooks.redaction import redact_text
from phlo_hooks_tests.capabilities.openlineage.helpers import sent


def _code(*locations):
    info = AssetInfo("a", code_references=tuple(map(CodeReference, locations)))
    facet = asset_job_facets(info).get("sourceCodeLocation")
    return facet and sent(facet)


def test_the_password_in_a_code_reference():
    """With `[redacted]` in the place of its host's user, Python 3.11 refuses the URL, and so did each event."""
    where = _code(redact_text("https://ci:glcbt-64_abcdef@gitlab.com/a/b"))
    assert "https://gitlab.com/a/b" == where["url"]


def test_a_code_reference_that_is_no_url():
    assert _code("https://[x/y") is None
