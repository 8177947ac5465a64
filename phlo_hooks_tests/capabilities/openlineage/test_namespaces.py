import pytest

from phlo_hooks.capabilities.openlineage.namespaces import NamespaceTemplate
from phlo_hooks.errors import ConfigurationError

RESOLVED = {
    "plain text": ("prod", "prod"),
    "location": ("dagster://{location}", "dagster://shop"),
    "group": ("{location}/{group}", "shop/sales"),
    "tag": ("{tag:team}/{location}", "data/shop"),
    "tag with a namespace": ("{tag:acme/tier}-x", "gold-x"),
    "tag that is not there": ("{location}/{tag:none}/{group}", "shop/sales"),
    "at the ends": ("/{tag:none}/{location}/{tag:none}/", "shop"),
    "many slashes": ("a///b//c", "a/b/c"),
    "a scheme keeps its slashes": ("dagster://{tag:none}/{location}", "dagster://shop"),
    "a scheme with more slashes": ("dagster:////{location}", "dagster://shop"),
    "nothing left": ("{tag:none}", "default"),
    "a scheme alone": ("dagster://{tag:none}", "dagster"),
    "slashes alone": ("{tag:none}/{tag:none}", "default"),
}


@pytest.mark.parametrize(("text", "expected"), RESOLVED.values(), ids=RESOLVED.keys())
def test_what_is_known_is_filled_in_and_the_rest_left_out(text, expected):
    template = NamespaceTemplate(text, "namespace")
    tags = {"team": "data", "acme/tier": "gold"}
    assert template.resolve(location="shop", group="sales", tags=tags) == expected


def test_an_asset_without_group_and_tags_has_a_namespace():
    template = NamespaceTemplate("{location}/{group}/{tag:team}", "namespace")
    assert template.resolve(location="shop") == "shop"


BAD = {
    "unknown token": ("{job}", "unknown token {job}: known are {location}, {group}, {tag:KEY}"),
    "a space in a token": ("{ location }", "unknown token"),
    "empty token": ("a{}", "unknown token {}"),
    "tag without a key": ("{tag:}", "a tag without a key"),
    "tag with a blank key": ("{tag: }", "a tag without a key"),
    "open brace": ("{location", "a brace without its other half"),
    "closing brace": ("location}", "a brace without its other half"),
    "nested": ("{{location}}", "a brace without its other half"),
    "empty": ("", "is empty"),
    "blank": ("  ", "is empty"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD.keys())
def test_a_template_that_cannot_work_is_refused_when_it_is_built(text, message):
    with pytest.raises(ConfigurationError) as refused:
        NamespaceTemplate(text, "dataset_namespace")
    assert str(refused.value).startswith("dataset_namespace")
    assert message in str(refused.value)


def test_the_tags_that_it_asks_for_are_known():
    assert NamespaceTemplate("{tag:team}/{tag:tier}/{group}", "x").tag_keys == {"team", "tier"}
