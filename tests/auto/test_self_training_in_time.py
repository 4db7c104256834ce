"""The final fit of a network takes the time that the rounds leave."""

import logging

import pytest
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from skcaptcha.auto._self_training_in_time import SelfTrainingInTime
from skcaptcha.datasets import make_line_captchas
from skcaptcha.denoise import Binarizer, Grayscale, HeightScaler, PolarityNormalizer
from skcaptcha.features import RawPixels
from skcaptcha.images import ImageDecoder
from skcaptcha.read import CharacterReader, ConvolutionalReader
from skcaptcha.segment import EqualSplit


def fit(seconds_left, *, n_unlabeled: int = 4) -> SelfTrainingInTime:
    """Return a reader that was fitted to 20 labeled captchas and others that it cannot read."""
    X, y = make_line_captchas(20 + n_unlabeled, charset="AB", random_state=0)
    network = ConvolutionalReader(
        max_iter=2, channels=(2, 2, 2, 2, 2), n_hidden=2, budget=40.0, random_state=0
    )
    pipeline = make_pipeline(
        ImageDecoder(), Grayscale(), PolarityNormalizer(), HeightScaler(height=8, margin=0), network
    )
    reader = SelfTrainingInTime(pipeline, n_views=0, random_state=0)
    labels = [*y[:20].tolist(), *[None] * n_unlabeled]
    return reader.fit_in_time(list(X), labels, seconds_left)


@pytest.mark.parametrize(
    ("seconds", "n_rounds", "budget"),
    [(200.0, 1, 200.0), (70.0, 0, 70.0), (3.0, 0, 10.0)],
)
def test_the_final_fit_takes_what_rounds_leave(seconds, n_rounds, budget):
    reader = fit(lambda: seconds)
    assert reader.n_iter_ == n_rounds
    assert reader.estimator_[-1].budget == budget
    assert (reader.labeled_iter_[20:] == -1).all()


def test_without_captchas_that_could_teach_it_takes_everything():
    assert fit(lambda: 160.0, n_unlabeled=0).estimator_[-1].budget == 160.0


def test_a_committee_that_fails_teaches_nothing(caplog):
    X, y = make_line_captchas(30, charset="AB", random_state=0)
    # Members learn from 18 captchas, with fewer characters than neighbors.
    neighbors = KNeighborsClassifier(n_neighbors=4 * 20 - 1)
    pipeline = make_pipeline(
        ImageDecoder(),
        Grayscale(),
        Binarizer(),
        EqualSplit(4),
        RawPixels(),
        CharacterReader(neighbors),
    )
    reader = SelfTrainingInTime(pipeline, n_views=0, random_state=0)
    with caplog.at_level(logging.WARNING):
        reader.fit_in_time(list(X), [*y[:20].tolist(), *[None] * 10], lambda: 60.0)
    assert "do not teach, because a model failed: Expected n_neighbors" in caplog.text
    assert reader.termination_condition_ == "failed"
    assert reader.labeled_iter_.tolist() == [0] * 20 + [-1] * 10
    plain = pipeline.fit(list(X[:20]), y[:20])
    assert (reader.predict(X) == plain.predict(X)).all()
