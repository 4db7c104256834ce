"""What readers say of labels: the right one fits best, whatever the label given is."""

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
    return load_recipe("configs/grid.yaml").pipeline()


def sliding() -> Pipeline:
    return make_pipeline(
        Grayscale(), PolarityNormalizer(), HeightScaler(pitch=12), SlidingWindow(),
        OrientedGradients(), SequenceReader(n_realignments=0, random_state=0),
    )  # fmt: skip


@pytest.fixture(scope="module", params=[cutting, sliding])
def fitted(request) -> Fitted:
    """Give a fitted model, captchas that it has not seen, and their labels."""
    images, labels = make_line_captchas(130, charset="ABC7", random_state=0)
    model = request.param().fit(list(images[:90]), labels[:90])
    return model, list(images[90:]), labels[90:]


def test_at_each_place_the_right_character_is_worth_most(fitted):
    model, images, labels = fitted
    reader = model[-1]
    wrong = np.array([label[::-1] for label in labels])
    judgments = reader.judge(model[:-1].transform(images), wrong)
    best = ["".join(reader.classes_[judgment.characters.argmax(axis=1)]) for judgment in judgments]
    assert np.mean(np.array(best) == labels) > 0.9


def test_the_right_length_is_worth_most(fitted):
    model, images, labels = fitted
    judgments = model[-1].judge(model[:-1].transform(images), labels)
    assert np.mean([judgment.lengths.argmax() == 4 for judgment in judgments]) > 0.9
    assert all(len(judgment.lengths) > 4 for judgment in judgments)


def test_what_is_said_of_a_captcha_does_not_depend_on_the_others(fitted):
    model, images, labels = fitted
    segments = model[:-1].transform(images)
    together = model[-1].judge(segments, labels)
    for i in (0, 17):
        (alone,) = model[-1].judge(segments[i : i + 1], labels[i : i + 1])
        np.testing.assert_allclose(alone.characters, together[i].characters, rtol=1e-5, atol=1e-5)


def test_labels_of_another_length_are_judged_too(fitted):
    model, images, labels = fitted
    other = labels.astype("U9")
    other[3], other[5] = "AB", "ABCABCABC"
    judgments = model[-1].judge(model[:-1].transform(images), other)
    assert [len(judgments[i].characters) for i in (0, 1)] == [4, 4]
    for i in (3, 5):
        judgment = judgments[i]
        assert judgment.characters is None or len(judgment.characters) == len(other[i])
        assert judgment.lengths[4] > judgment.lengths[len(other[i])]
