"""What is refused when the resource is built, and what is looked up where it is used."""

from __future__ import annotations

import logging
import re
from typing import Any

import dagster as dg
import pytest
from pydantic import ValidationError

from phlo_hooks.capabilities import LightdashResource
from phlo_hooks.errors import ConfigurationError, DeliveryError
from phlo_hooks.testing import Fault
from phlo_hooks_tests.capabilities.lightdash.explores import broken, explore
from phlo_hooks_tests.capabilities.lightdash.helpers import EXPLORES, refreshed, resource_on, work_on
from phlo_hooks_tests.capabilities.lightdash.server import PROJECT, TOKEN, Lightdash

GOOD = {"token": TOKEN, "project": PROJECT, "explores": EXPLORES}
REFUSED = {
    "scheme": ({"url": "ftp://bi"}, "url has the scheme 'ftp'"),
    "password": ({"url": "https://me:pass@bi"}, "token=EnvVar"),
    "project": ({"project": "shop"}, "project 'shop' is no uuid: take what stands behind /projects/"),
    "token with its scheme": ({"token": f"ApiKey {TOKEN}"}, "without 'ApiKey'"),
    "no token": ({"token": ""}, "token is empty"),
    "token with a line break": ({"token": f"{TOKEN}\n"}, "token is empty, or has characters"),
    "timeout": ({"timeout": 0}, "timeout 0.0: use seconds, above 0"),
    "endless": ({"timeout": float("inf")}, "use seconds, above 0"),
    "no explores": ({"explores": {}}, "explores is empty: use {'orders': ['marts/orders']}"),
    "no assets": ({"explores": {"orders": []}}, "explores['orders'] is empty: name the assets"),
}


@pytest.mark.parametrize(("fields", "says"), REFUSED.values(), ids=REFUSED)
def test_what_can_never_work_is_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(says)) as caught:
        LightdashResource(**{**GOOD, **fields})
    assert str(caught.value).startswith("LightdashResource: ")
    assert TOKEN not in str(caught.value)
    assert "me:pass" not in str(caught.value)


@pytest.mark.parametrize("fields", [{"tokn": TOKEN}, {"timeout": TOKEN}, {"explores": {"orders": TOKEN}}])
def test_a_misspelt_field_or_a_wrong_type_is_refused_without_its_value(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        LightdashResource(**{**GOOD, **fields})
    assert TOKEN not in str(caught.value)


VARIABLES = {"url": "LD_URL", "token": "LD_TOKEN", "project": "LD_PROJECT"}


def test_variables_are_looked_up_at_each_use(lightdash: Lightdash, monkeypatch: pytest.MonkeyPatch) -> None:
    resource = resource_on(lightdash, **{field: dg.EnvVar(name) for field, name in VARIABLES.items()})
    monkeypatch.setenv("LD_URL", lightdash.url + "/")
    monkeypatch.setenv("LD_PROJECT", PROJECT)
    with pytest.raises(DeliveryError, match="LightdashResource: token: .* LD_TOKEN is not set"):
        resource.begin(work_on("orders"))
    monkeypatch.setenv("LD_TOKEN", TOKEN)
    assert refreshed(resource, work_on("orders")).state == "done"


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("url", "bi.example.com", "url has the scheme ''"),
        ("project", "shop", "no uuid"),
        ("token", f"ApiKey {TOKEN}", "without 'ApiKey'"),
    ],
)
def test_what_a_variable_holds_is_checked_too(
    lightdash: Lightdash, monkeypatch: pytest.MonkeyPatch, field: str, value: str, says: str
) -> None:
    monkeypatch.setenv("LD_VALUE", value)
    with pytest.raises(ConfigurationError, match=says) as caught:
        resource_on(lightdash, **{field: dg.EnvVar("LD_VALUE")}).begin(work_on("orders"))
    assert TOKEN not in str(caught.value)


def test_a_service_account_bears_its_token(lightdash: Lightdash) -> None:
    """Lightdash refuses it as an ApiKey."""
    lightdash.token = "ldsvc_0123456789abcdef"
    assert refreshed(resource_on(lightdash), work_on("orders")).state == "done"
    assert {each.headers["authorization"] for each in lightdash.server.requests} == {
        "Bearer ldsvc_0123456789abcdef"
    }


def test_the_token_is_in_no_repr(lightdash: Lightdash) -> None:
    resource = resource_on(lightdash)
    assert TOKEN not in f"{resource!r} {resource} {resource.client()!r}"


def test_the_token_is_in_nothing_that_is_told(lightdash: Lightdash, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever Lightdash repeats of it."""
    caplog.set_level(logging.DEBUG)
    lightdash.repeats = True
    lightdash.compile_fails = "git said"
    told: list[object] = [refreshed(resource_on(lightdash), work_on("orders", recompile=True))]
    lightdash.compile_fails = None
    lightdash.definition("daily").fails = f"password {TOKEN}"
    lightdash.definition("by_status").job_fails = f"password {TOKEN}"
    lightdash.definition("per_city").error = f"password {TOKEN}"
    lightdash.explores["stock"] = broken("stock", f"password {TOKEN}")
    told.append(refreshed(resource_on(lightdash), work_on("orders", "customers", "stock")))
    lightdash.role = "viewer"
    lightdash.explores["orders"] = explore("orders")
    with pytest.raises(DeliveryError) as refused:
        resource_on(lightdash).begin(work_on("orders", recompile=True))
    told.append(str(refused.value))
    lightdash.server.next(Fault.answer(500, f"Bearer {TOKEN}"), Fault.answer(200, f"<p>{TOKEN}</p>"))
    for _ in range(2):
        with pytest.raises(DeliveryError) as caught:
            resource_on(lightdash).begin(work_on("orders"))
        told.append(str(caught.value))
    with pytest.raises(ConfigurationError) as caught_model:
        resource_on(lightdash).get_model("stock")
    told.append(str(caught_model.value))
    assert "[redacted]" in str(told[0])
    assert TOKEN not in "\n".join(map(str, told)) + caplog.text
