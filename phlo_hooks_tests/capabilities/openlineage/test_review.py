"""What a review found, and must not come back."""

import threading

from phlo_hooks.assets import AssetInfo, CodeReference
from phlo_hooks.capabilities import OpenLineageResource
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


def test_one_outlet_for_all_threads_of_a_relay():
    """Each of eight would open connections that nobody closes, and a composite forget who has what."""
    for _ in range(10):
        resource, found, together = OpenLineageResource(url="http://x"), [], threading.Barrier(8)

        def ask(resource=resource, found=found, together=together):
            together.wait()
            found.append(resource.outlet())

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert 8 == len(found)
        assert 1 == len(set(map(id, found)))
