import numpy as np
import pytest

from skcaptcha.read import Reading
from skcaptcha.report._reading_text import answer_text, remark, uncertain_characters


def make_reading(**given) -> Reading:
    boxes = np.zeros((2, 4), dtype=int)
    return Reading("A\n", 0.4, boxes, np.array([0.95, 0.42]), **{"runners_up": (), **given})


def test_only_uncertain_characters_are_listed():
    assert list(uncertain_characters(make_reading())) == [(r"\n 42.0 %", 0.42)]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({}, ""),
        ({"runners_up": (("AB", 0.3), ("AC", 0.1))}, "or AB 30.0 %"),
        ({"runners_up": (("AB", 0.0004),)}, ""),
        ({"runners_up": (("AB", 0.3),), "out_of_distribution": True}, "unlike the training set"),
    ],
)
def test_remark(given, text):
    assert remark(make_reading(**given)) == text


@pytest.mark.parametrize(("answer", "text"), [(None, ""), ("", "no answer"), ("-7", "answer -7")])
def test_answer(answer, text):
    assert answer_text(make_reading(answer=answer)) == text
