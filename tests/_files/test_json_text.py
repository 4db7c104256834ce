"""JSON keeps numbers exactly and contains only valid UTF-8."""

import json
from pathlib import Path

import numpy as np

from skcaptcha._files.json_text import to_json


def test_numpy_numbers_are_exact():
    values = np.array([0.1, 1 / 3, 1e-300])
    assert json.loads(to_json(values)) == values.tolist()
    assert json.loads(to_json({"n": np.int64(2**62)})) == {"n": 2**62}


def test_other_objects_are_converted_to_text():
    assert json.loads(to_json(Path("a/b.png"))) == str(Path("a/b.png"))


def test_names_that_are_not_utf8_are_escaped():
    name = b"\xff\xc3\xa9.png".decode(errors="surrogateescape")
    assert json.loads(to_json([name]).decode()) == ["\udcffé.png"]
