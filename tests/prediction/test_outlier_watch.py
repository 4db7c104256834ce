"""The file for a monitor: how many of the last images are unlike the training images."""

import json
from pathlib import Path

import numpy as np
import pytest

from skcaptcha.datasets import make_line_captchas
from skcaptcha.exceptions import ImageError, ModelError
from skcaptcha.prediction import OutlierWatch
from skcaptcha.read import Reading
from skcaptcha.recipes import load_recipe


def reading(*, unlike: bool) -> Reading:
    return Reading("A", 1.0, np.ones((1, 4), int), np.ones(1), (), out_of_distribution=unlike)


@pytest.fixture(scope="module")
def model(lines):
    images, labels = lines
    return load_recipe("raw-knn").pipeline().fit(images, labels)


@pytest.fixture(scope="module")
def lines():
    return make_line_captchas(60, charset="AB", random_state=0)


def found(file: Path) -> tuple[int, int, int]:
    content = json.loads(file.read_text())
    return content["n_read"], content["n_recent"], content["n_out_of_distribution"]


def test_the_last_thousand_images_count(model, tmp_path):
    file = tmp_path / "watch.json"
    watch = OutlierWatch(model, file)
    for k in range(400):
        watch.add(reading(unlike=k % 2 == 0))
    watch.add(ImageError("1.png", "it is empty"))
    assert found(file)[0] >= 1  # written with the first one
    watch.write()
    assert found(file) == (400, 400, 200)
    for _ in range(900):
        watch.add(reading(unlike=False))
    watch.write()
    assert found(file) == (1300, 1000, 50)
    assert [path.name for path in tmp_path.iterdir()] == ["watch.json"]


def test_a_model_without_detection_is_refused(lines, tmp_path):
    images, labels = lines
    model = load_recipe("raw-knn").pipeline().fit(images[:10], labels[:10])
    with pytest.raises(ModelError, match="cannot detect images that are unlike"):
        OutlierWatch(model, tmp_path / "watch.json")
