"""Fully qualified names: as OpenMetadata writes them, and read back."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from phlo_hooks.capabilities.openmetadata import fqn
from phlo_hooks.errors import ConfigurationError

from .server import fqn as theirs

# A busy machine is no failure.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

NAMES = st.text(min_size=1, max_size=12)


@PATIENT
@given(st.lists(NAMES, min_size=1, max_size=5))
def test_parts_come_back(names):
    """Whatever is in them: dots, quotes, spaces, letters of any language."""
    assert fqn.parts(fqn.joined(*names)) == tuple(names)


@PATIENT
@given(NAMES, NAMES)
def test_other_names_are_other_names(first, second):
    """`a.b` in one part is not `a` and `b`."""
    assert (fqn.joined(first, second) == fqn.joined(f"{first}.{second}")) is False


@PATIENT
@given(st.lists(st.text("ab. ü'-", min_size=1, max_size=6), min_size=2, max_size=4))
def test_the_server_writes_them_so_too(names):
    """The name that it gives a child."""
    above = fqn.quoted(names[0])
    for name in names[1:]:
        above = theirs.add(above, name)
    assert fqn.joined(*names) == above


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", 'a."b', 'a.b"c', 'a."".b', '"a"b.c'])
def test_what_is_no_name(text):
    with pytest.raises(ConfigurationError, match="is no name of OpenMetadata: write service.database"):
        fqn.parts(text)


TABLES = {
    "lake.shop.raw.orders": "lake.shop.raw.orders",
    '"lake"."shop"."raw"."orders"': "lake.shop.raw.orders",
    '"my.lake".shop."v1.2"."a b"': '"my.lake".shop."v1.2".a b',
    "lake.shop db.raw.größe": "lake.shop db.raw.größe",
}


@pytest.mark.parametrize(("text", "name"), TABLES.items())
def test_names_of_tables(text, name):
    """With quotes only where there have to be some."""
    assert fqn.table_name(text) == name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a.b.c", "'a.b.c' has 3 parts: a table's name has four"),
        ("a.b.c.d.e", "has 5 parts"),
        ("a.b.c.d::e", "'d::e' is no name to OpenMetadata"),
        ('a.b.c."d""e"', """'d"e' is no name to OpenMetadata"""),
        (f"a.b.c.{'x' * 257}", "it takes 1 to 256 characters"),
    ],
)
def test_what_is_no_name_of_a_table(text, words):
    with pytest.raises(ConfigurationError) as caught:
        fqn.table_name(text)
    assert words in str(caught.value)
