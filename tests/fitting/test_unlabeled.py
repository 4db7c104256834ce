"""Captchas without labels: which can teach, and what is said of the others."""

import warnings

import numpy as np
import pytest
from sklearn.utils import Bunch

from skcaptcha.exceptions import FitWarning
from skcaptcha.fitting import _unlabeled
from skcaptcha.fitting._unlabeled import readable_unlabeled, usable_unlabeled


def captchas(n: int) -> Bunch:
    images = [np.full((4, 9), i % 251, np.uint8) for i in range(n)]
    return Bunch(data=images, filenames=[f"{i}.png" for i in range(n)])


def test_all_are_used():
    with warnings.catch_warnings(action="error"):
        usable = usable_unlabeled(captchas(30), 100)
    assert usable is not None
    assert usable.filenames == captchas(30).filenames
    assert [image.pixels[0, 0] for image in usable.data] == list(range(30))


def test_images_without_names_are_numbered():
    some = captchas(30)
    del some["filenames"]
    usable = usable_unlabeled(some, 100)
    assert usable is not None
    assert usable.filenames[:2] == ["0", "1"]


@pytest.mark.parametrize(
    ("n", "n_labeled", "why"),
    [
        (100, 19, "at least 20 labeled images are needed"),
        (9, 50, "9 are too few to help beside 50 labeled images"),
    ],
)
def test_too_few_are_left_out(n, n_labeled, why):
    with pytest.warns(FitWarning, match=why):
        assert usable_unlabeled(captchas(n), n_labeled) is None


def test_files_that_are_not_images_are_left_out():
    some = captchas(30)
    some.data[3] = b"text"
    with pytest.warns(FitWarning, match="1 of 30 images without a label cannot be read"):
        usable = usable_unlabeled(some, 50)
    assert usable is not None
    assert len(usable.data) == 29
    assert "3.png" not in usable.filenames
    some.data = [b"text"] * 30
    with pytest.warns(FitWarning, match="30 of 30"):
        assert usable_unlabeled(some, 50) is None


def test_of_too_many_a_sample_is_used(monkeypatch):
    monkeypatch.setattr(_unlabeled, "MAX_UNLABELED", 50)
    with pytest.warns(FitWarning, match="50 of 200 images without a label are used"):
        usable = usable_unlabeled(captchas(200), 60)
    assert usable is not None
    assert len(usable.data) == 50
    assert [f"{image.pixels[0, 0]}.png" for image in usable.data] == usable.filenames
    assert len(set(usable.filenames)) == 50


def test_few_are_readable_too():
    some = captchas(2)
    some.data[0] = b"text"
    with pytest.warns(FitWarning, match="1 of 2 images without a label cannot be read"):
        readable = readable_unlabeled(some)
    assert readable is not None
    assert readable.filenames == ["1.png"]
