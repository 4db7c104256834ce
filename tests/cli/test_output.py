"""JSON reports of any size can be read back."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skcaptcha.cli._output import JsonList, write_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just("a\u2028b\x85c\nd"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(VALUES, max_size=4), st.dictionaries(st.text(min_size=1), VALUES, max_size=3))
def test_lists_and_values_can_be_read_back(tmp_path_factory, elements, report):
    file = tmp_path_factory.getbasetemp() / "report.json"
    with JsonList() as captchas:
        for element in elements:
            captchas.append(element)
        write_json(report | {"captchas": captchas}, file)
    assert json.loads(file.read_text()) == report | {"captchas": elements}
    write_json(report, file)
    assert json.loads(file.read_text()) == report


def test_arrays_become_lists_and_lines_are_indented(tmp_path):
    file = tmp_path / "report.json"
    with JsonList() as captchas:
        captchas.append({"boxes": np.array([[1, 2]])})
        write_json({"n": np.int64(1), "captchas": captchas, "failed": []}, file)
    expected = {"n": 1, "captchas": [{"boxes": [[1, 2]]}], "failed": []}
    assert file.read_text() == json.dumps(expected, indent=2) + "\n"
