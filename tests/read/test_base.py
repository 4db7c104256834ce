"""Scores of labels: the correct characters and lengths have the best scores."""

import numpy as np
import pytest
from sklearn.pipeline import Pipeline, make_pipeline

from skcaptcha import load_recipe
from skcaptcha.datasets import make_line_captchas
from skcaptcha.denoise import Grayscale, HeightScaler, PolarityNormalizer
from skcaptcha.features import OrientedGradients
from skcaptcha.read import SequenceReader
from skcaptcha.segment import SlidingWindow

Fitted = tuple[Pipeline, list[np.ndarray], np.ndarray]


def cutting() -> Pipeline:
    return load_recipe("grid").pipeline()


def sliding() -> Pipeline:
    return make_pipeline(
        Grayscale(), PolarityNormalizer(), HeightScaler(pitch=12), SlidingWindow(),
        OrientedGradients(), SequenceReader(n_realignments=0, random_state=0),
    )  # fmt: skip


@pytest.fixture(scope="module", params=[cutting, sliding])
def fitted(request) -> Fitted:
    """Return a fitted model, captchas that it has not seen, and their labels."""
    images, labels = make_line_captchas(130, charset="ABC7", random_state=0)
    model = request.param().fit(list(images[:90]), labels[:90])
    return model, list(images[90:]), labels[90:]


def test_the_right_character_has_the_best_score_at_each_position(fitted):
    model, images, labels = fitted
    reader = model[-1]
    wrong = np.array([label[::-1] for label in labels])
    scores = reader.score_labels(model[:-1].transform(images), wrong)
    best = ["".join(reader.classes_[own.characters.argmax(axis=1)]) for own in scores]
    assert np.mean(np.array(best) == labels) > 0.9


def test_the_right_length_has_the_best_score(fitted):
    model, images, labels = fitted
    scores = model[-1].score_labels(model[:-1].transform(images), labels)
    assert np.mean([own.lengths.argmax() == 4 for own in scores]) > 0.9
    assert all(len(own.lengths) > 4 for own in scores)


def test_scores_do_not_depend_on_the_other_captchas(fitted):
    model, images, labels = fitted
    segments = model[:-1].transform(images)
    together = model[-1].score_labels(segments, labels)
    for i in (0, 17):
        (alone,) = model[-1].score_labels(segments[i : i + 1], labels[i : i + 1])
        np.testing.assert_allclose(alone.characters, together[i].characters, rtol=1e-5, atol=1e-5)


def test_labels_of_another_length_have_scores(fitted):
    model, images, labels = fitted
    other = labels.astype("U9")
    other[3], other[5] = "AB", "ABCABCABC"
    scores = model[-1].score_labels(model[:-1].transform(images), other)
    assert [len(scores[i].characters) for i in (0, 1)] == [4, 4]
    for i in (3, 5):
        own = scores[i]
        assert own.characters is None or len(own.characters) == len(other[i])
        assert own.lengths[4] > own.lengths[len(other[i])]
