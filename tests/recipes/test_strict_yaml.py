"""YAML values; tests/recipes/test_hostile_recipes.py tests refused input."""

import pytest

from skcaptcha.recipes._strict_yaml import parse_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e1", 10.0), ("-1E-3", -0.001), (".5e+2", 50.0), ("2.e2", 200.0), ("0", 0), ("1e", "1e")],
)
def test_numbers_are_written_as_in_yaml_1_2(text, value):
    found = parse_yaml(text, "x.yaml")
    assert (found, type(found)) == (value, type(value))
