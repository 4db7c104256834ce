"""Readings."""

import numpy as np

from skcaptcha.read import Reading
from skcaptcha.read._reading import PackedReadings


def test_packed_readings_are_unpacked_unchanged():
    boxes = np.array([[0, 0, 9, 20], [9, 0, 8, 20]])
    readings = [
        Reading("AB", 0.8, boxes, np.array([0.9, 0.8]), (("A8", 0.1),), False),
        Reading("", 0.0, boxes[:0], np.empty(0), ()),
        Reading("C", 0.7, boxes[:1], np.array([0.7]), (), True),
    ]
    for found, expected in zip(PackedReadings(readings).unpack(), readings, strict=True):
        for name, value in vars(expected).items():
            np.testing.assert_array_equal(getattr(found, name), value)
    assert PackedReadings([]).unpack() == []
