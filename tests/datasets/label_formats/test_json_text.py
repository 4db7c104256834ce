"""Positions of values in JSON texts."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skcaptcha.datasets.label_formats.json_text import JsonText
from skcaptcha.exceptions import DatasetError

PATH = Path("labels.json")
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=5,
)
quick = settings(max_examples=30)
indents = st.sampled_from([None, 0, 2])


@quick
@given(st.dictionaries(st.text(max_size=3), values) | st.lists(values), indents)
def test_items_are_those_of_the_json_module(value, indent):
    items = list(JsonText(PATH, json.dumps(value, indent=indent)).items())
    found = {item.key: item.value for item in items}
    assert (found if isinstance(value, dict) else [item.value for item in items]) == value


@quick
@given(st.lists(values, min_size=1, max_size=4), st.sampled_from(["\n", "\r\n", "\r"]))
def test_lines_are_counted(listed, end):
    text = JsonText(PATH, end.join(map(json.dumps, listed)))
    expected = [(value, f"line {line}") for line, value in enumerate(listed, 1)]
    assert [(item.value, item.place) for item in text.values()] == expected


@given(st.lists(values, max_size=4))
def test_members_are_found(listed):
    text = json.dumps({"other": [1], "annotations": listed, "last": {}}, indent=1)
    found = list(JsonText(PATH, text).member("annotations"))
    assert [item.value for item in found] == listed
    for item in found:
        assert text[item.start :].startswith(json.dumps(item.value)[0])


@pytest.mark.parametrize("text", ['{"a":\n x}', "[1,\n2", '["a",\n"\n"]', '{"a": 1,\n}'])
def test_an_error_names_its_line(text):
    with pytest.raises(DatasetError, match=r"labels\.json: line 2 is not valid JSON; correct it"):
        JsonText(PATH, text).value()


def test_an_error_at_the_end_of_a_line_names_that_line():
    with pytest.raises(DatasetError, match="line 1 is not valid JSON"):
        list(JsonText(PATH, '{"a": 1\n{"a": 2}\n').values())


def test_deep_nesting_is_an_error():
    with pytest.raises(DatasetError, match="line 1: its values are nested too deeply"):
        JsonText(PATH, "[" * 200_000).value()
