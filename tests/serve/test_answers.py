"""Answers have one status for all images, and JSON that any program can read."""

import json

import numpy as np
import pytest

from skcaptcha.exceptions import ImageError, SegmentationError
from skcaptcha.read import Reading
from skcaptcha.serve._answers import Result, failure, json_answer, result_of, status_of
from skcaptcha.serve._served_model import ModelFailedError

BOXES = np.array([[0, 0, 9, 20], [9, 0, 9, 20]])
READING = Reading("1é", 0.75, BOXES, np.array([0.75, 1]), (("7é", 0.2),), None, "1")


def test_a_reading_has_all_fields():
    content = json.loads(json_answer(result_of("a.png", READING)).body)
    assert content == {
        "filename": "a.png",
        "text": "1é",
        "answer": "1",
        "confidence": 0.75,
        "boxes": BOXES.tolist(),
        "probabilities": [0.75, 1],
        "runners_up": [["7é", 0.2]],
        "out_of_distribution": None,
    }
    assert content.keys() == Result.model_fields.keys()


@pytest.mark.parametrize(
    ("error", "sentence", "status"),
    [
        (ImageError("image 3", "the file is empty"), "the file is empty", 422),
        (SegmentationError("3 columns are too few", 17), "3 columns are too few", 422),
        (ModelFailedError("the model failed"), "the model failed", 500),
    ],
)
def test_the_error_of_an_image_has_no_index_of_its_batch(error, sentence, status):
    expected = {"filename": None, "error": sentence, "status": status}
    assert result_of(None, error) == expected


def test_the_status_is_that_of_the_best_image():
    read = result_of(None, READING)
    unusable, failed = failure(None, "empty"), failure(None, "failed", 500)
    assert status_of([unusable, read, failed]) == 200
    assert status_of([unusable, failed]) == 422
    assert status_of([failed]) == 500
