"""The figure shows each trace in one row."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.pipeline import Pipeline, make_pipeline

from skcaptcha.datasets import make_dot_captchas
from skcaptcha.denoise import Binarizer, Grayscale
from skcaptcha.features import RawPixels
from skcaptcha.inspection import Trace, trace
from skcaptcha.read import CharacterReader, Reading
from skcaptcha.report import draw_traces
from skcaptcha.segment import EqualSplit

X, Y = make_dot_captchas(20, random_state=0)


@pytest.fixture(scope="module")
def model() -> Pipeline:
    steps = Grayscale(), Binarizer(), EqualSplit(6), RawPixels(), CharacterReader()
    return make_pipeline(*steps).fit(X, Y)


def test_each_trace_is_a_row(model):
    traces = [trace(model, image, title=f"${k}$ <&") for k, image in enumerate(X[:3])]
    figure = draw_traces(traces)
    columns = max(len(each.stages) for each in traces) + 3
    assert len(figure.axes) == 3 * columns
    written = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert all(each.reading.text in written for each in traces)
    figure.canvas.draw()


def test_answers_are_shown(model):
    steps = trace(model, X[0])
    answered = replace(steps, reading=replace(steps.reading, answer="7"))
    assert "answer 7" in [text.get_text() for text in draw_traces([answered]).axes[-1].texts]


def test_only_windows_that_were_read_are_drawn():
    image = np.zeros((20, 60), dtype=np.uint8)
    boxes = np.array([[x, 0, 10, 20] for x in range(0, 50, 5)])
    image[:, 10:20] = image[:, 30:40] = 255
    crops = np.zeros((len(boxes), 20, 10), dtype=np.uint8)
    reading = Reading("AB", 0.9, boxes[[2, 6]], np.array([0.9, 0.9]), ())
    figure = draw_traces([Trace("a.png", [("gray", image)], boxes, crops, reading)])
    _, drawn, strip, _ = figure.axes
    assert [patch.get_x() for patch in drawn.patches] == [9.5, 29.5]
    assert strip.images[0].get_array().min() == 255
    assert [text.get_text()[0] for text in strip.texts] == ["A", "B"]
