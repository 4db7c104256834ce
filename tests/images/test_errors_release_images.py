"""Stored errors do not keep the images that caused them in memory."""

import gc
import os
import tracemalloc
import weakref

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.exceptions import FitFailedWarning
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import Bunch

from skcaptcha.datasets import make_line_captchas
from skcaptcha.denoise import Grayscale
from skcaptcha.exceptions import ImageError, SegmentationError, SkcaptchaError
from skcaptcha.features import RawPixels
from skcaptcha.fitting import exclude_unusable_images
from skcaptcha.images import ImageDecoder
from skcaptcha.images._process_each import process_each
from skcaptcha.model_selection import SharedGridSearchCV
from skcaptcha.read import CharacterReader, read_captchas
from skcaptcha.segment import EqualSplit

N = 40


def model():
    images, labels = make_line_captchas(8, charset="AB", random_state=0)
    steps = (
        ImageDecoder(),
        Grayscale(),
        EqualSplit(n_characters=4),
        RawPixels(),
        CharacterReader(),
    )
    return make_pipeline(*steps).fit(list(images), labels)


def test_errors_of_files_that_are_not_images(tmp_path):
    paths = [tmp_path / f"{i}.png" for i in range(N)]
    for path in paths:
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + os.urandom(200_000))
    fitted = model()
    process_each(fitted, paths[:1], read_captchas)  # triggers lazy imports
    gc.collect()
    tracemalloc.start()
    try:
        results = process_each(fitted, paths, read_captchas)
        # Images are released without the garbage collector.
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert all(isinstance(result, ImageError) for result in results)
    assert held < 500_000, f"{held} bytes are held; the files have {N * 200_000}"


def test_errors_of_images_that_cannot_be_segmented():
    gone = []

    def read(model, images):
        gone.extend(weakref.ref(image) for image in images)
        return read_captchas(model, images)

    results = process_each(model(), [np.zeros((20, 2 + i % 2), np.uint8) for i in range(N)], read)
    gc.collect()
    assert all(isinstance(result, SegmentationError) for result in results)
    assert [reference for reference in gone if reference() is not None] == []
    for result in results:
        assert (result.__traceback__, result.__cause__, result.__context__) == (None, None, None)


def test_errors_of_training_images(monkeypatch):
    kept = []
    monkeypatch.setattr(
        "skcaptcha.fitting._exclude.failures_of",
        lambda captchas, errors: kept.extend(errors.values()) or [],
    )
    data = [b"nothing", np.zeros((9, 9), np.uint8)]
    exclude_unusable_images(Bunch(data=data, target=["AB", "AB"]))
    (error,) = kept
    assert isinstance(error, SkcaptchaError)
    assert (error.__traceback__, error.__context__) == (None, None)


class Scaled(TransformerMixin, BaseEstimator):
    def __init__(self, by=1):
        self.by = by

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X * self.by


class Counting(ClassifierMixin, BaseEstimator):
    """Counts the arrays passed to fit that are still in memory."""

    def __init_subclass__(cls):
        cls.seen, cls.held = [], []

    def fit(self, X, y):
        self.seen.append(weakref.ref(X))
        self.held.append(sum(reference() is not None for reference in self.seen))
        self.classes_ = np.unique(y)
        return self


class Unfit(Counting):
    """Cannot be fitted if the first label is not 0."""

    def fit(self, X, y):
        super().fit(X, y)
        if y[0] != 0:
            try:
                raise KeyError(X.shape)
            except KeyError as error:
                raise ValueError("nothing can be learned") from error
        return self

    def predict(self, X):
        return np.zeros(len(X), int)


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_errors_during_a_search():
    X, y = np.ones((20, 3)), np.arange(20) % 2
    folds = [(np.arange(1, 20), np.arange(1)), (np.arange(10), np.arange(10, 20))]
    search = SharedGridSearchCV(
        Pipeline([("scale", Scaled()), ("last", Unfit())]), {"scale__by": range(1, N)}, cv=folds
    )
    with pytest.warns(FitFailedWarning, match=rf"{N - 1} of {2 * N - 2} fits .* ValueError"):
        search.fit(X, y)
    # The training data of one candidate and of the previous one.
    assert len(Unfit.held) > 2 * N - 2
    assert max(Unfit.held) <= 2


class Unread(Counting):
    """Can be fitted, but cannot predict."""

    def predict(self, X):
        raise ValueError("nothing can be read")


@pytest.mark.filterwarnings("ignore:Scoring failed", "ignore:One or more of the test scores")
def test_errors_of_scores_during_a_search():
    X, y = np.ones((20, 3)), np.arange(20) % 2
    search = SharedGridSearchCV(
        Pipeline([("scale", Scaled()), ("last", Unread())]), {"scale__by": range(1, N)}, cv=2
    )
    gc.disable()  # a cycle would keep the samples until the next collection
    try:
        search.set_params(refit=False).fit(X, y)
    finally:
        gc.enable()
    assert len(Unread.held) == 2 * (N - 1)
    assert max(Unread.held) <= 2
