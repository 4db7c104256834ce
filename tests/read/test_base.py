"""Scores of labels: the correct characters and lengths have the best. Readers of images."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from skcaptcha import load_recipe
from skcaptcha.datasets import make_line_captchas
from skcaptcha.denoise import Grayscale, HeightScaler, PolarityNormalizer
from skcaptcha.exceptions import ImageError, ReadingError
from skcaptcha.features import OrientedGradients
from skcaptcha.read import (
    BaseReader,
    ConvolutionalReader,
    Evaluate,
    LabelScores,
    Reading,
    SequenceReader,
)
from skcaptcha.read._base import empty_readings, folds_case, in_case_of
from skcaptcha.segment import SlidingWindow
from skcaptcha.segments import Segments

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


# --- readers of images ----------------------------------------------------------------------------


class BrightnessReader(BaseReader):
    """Read one digit from each image: 1 if it is brighter than the threshold."""

    reads_images = True

    def _fit(self, X, labels):
        self.classes_ = np.array(["0", "1"])
        means = np.array([image.mean() for image in X])
        self.threshold_ = (means[labels == "0"].max() + means[labels == "1"].min()) / 2
        self.groups_, self.n_folds_ = self._calibration_groups(3, X, np.arange(len(X)))

    def _predict(self, X):
        return np.array([str(int(image.mean() > self.threshold_)) for image in X])

    def _read(self, X):
        readings = empty_readings(X)
        for i, (image, text) in enumerate(zip(X, self._predict(X), strict=True)):
            box = np.array([[0, 0, *image.shape[::-1]]])
            readings[i] = Reading(str(text), 1.0, box, np.ones(1), ())
        return readings

    def _score_labels(self, X, labels):
        return [LabelScores(None, np.zeros(2)) for _ in labels]


def gray(shade: int, width: int = 9) -> np.ndarray:
    return np.full((5, width), shade, dtype=np.uint8)


SHADES = [gray(20), gray(200), gray(30, 7), gray(220)]


def test_a_reader_of_images_reads_denoised_images_of_any_size():
    model = make_pipeline(Grayscale(), BrightnessReader())
    in_color = [np.repeat(image[:, :, None], 3, axis=2) for image in SHADES]
    model.fit(in_color, ["0", "1", "0", "1"])
    assert model.predict(in_color[::-1]).tolist() == ["1", "0", "1", "0"]
    assert model.score(in_color, ["0", "1", "1", "1"]) == 0.75
    assert [r.boxes.tolist() for r in model[-1].read(SHADES[1:3])] == [
        [[0, 0, 9, 5]],
        [[0, 0, 7, 5]],
    ]
    assert len(model[-1].score_labels(SHADES, ["1"] * 4)) == 4


def test_a_stack_of_images_is_a_batch():
    reader = BrightnessReader().fit(np.stack(SHADES[:2]), ["0", "1"])
    assert reader.predict(np.stack(SHADES[:2])).tolist() == ["0", "1"]
    assert reader.predict([]).tolist() == []


def test_images_with_the_same_pixels_are_calibrated_together():
    images = [gray(20), gray(200), gray(20), gray(20, 3)]
    reader = BrightnessReader().fit(images, ["0", "1", "0", "0"])
    assert reader.groups_.tolist() == [0, 1, 0, 3]
    assert reader.n_folds_ == 3


def test_readers_tell_what_they_read():
    assert get_tags(BrightnessReader()).input_tags.three_d_array
    assert not get_tags(SequenceReader()).input_tags.three_d_array


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (Segments([[0, 0, 1, 1]], [0, 1]), TypeError, "Remove the segment and features steps"),
        ([np.zeros((5, 9, 3), np.uint8)], ImageError, "put Grayscale before this step"),
        ([np.zeros((5, 9))], ImageError, "image 0: expected a uint8 array"),
        ([gray(1)[:0]], ImageError, "image 0: it has no pixels"),
        (gray(1), ImageError, "wrap a single image in a list"),
        (["a.png"], ImageError, "image 0: .* found str"),
    ],
)
def test_a_reader_of_images_refuses_anything_else(X, error, message):
    reader = BrightnessReader().fit(SHADES[:2], ["0", "1"])
    for call in (reader.predict, reader.read, lambda X: reader.score_labels(X, ["0"])):
        with pytest.raises(error, match=message):
            call(X)
    with pytest.raises(error, match=message):
        BrightnessReader().fit(X, ["0"])


def test_a_reader_of_images_checks_labels_and_the_fit():
    with pytest.raises(NotFittedError):
        BrightnessReader().predict(SHADES)
    with pytest.raises(ReadingError, match=r"labels \(2\) differs from number of captchas \(4\)"):
        BrightnessReader().fit(SHADES, ["0", "1"])


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_fit_leaves_an_unfitted_reader(error):
    class Interrupted(BrightnessReader):
        interrupt = False

        def _fit(self, X, labels):
            super()._fit(X, labels)
            if self.interrupt:
                raise error

    reader = Interrupted().fit(SHADES[:2], ["0", "1"])
    assert reader.predict(SHADES[:2]).tolist() == ["0", "1"]
    reader.interrupt = True
    with pytest.raises(error):
        reader.fit(SHADES[:2], ["0", "1"])
    with pytest.raises(NotFittedError):
        reader.predict(SHADES)
    with pytest.raises(NotFittedError):
        check_is_fitted(reader)


def test_a_reader_of_segments_refuses_images():
    with pytest.raises(TypeError, match="X must be Segments with features; found list"):
        SequenceReader().fit(SHADES, ["0", "1", "0", "1"])


def network() -> Pipeline:
    return make_pipeline(
        Grayscale(), PolarityNormalizer(), HeightScaler(height=24, margin=0),
        ConvolutionalReader(max_iter=2, channels=(2,) * 5, n_hidden=4, random_state=0),
    )  # fmt: skip


@pytest.mark.parametrize("make", [cutting, sliding, network])
def test_pseudo_labeled_captchas_are_never_held_out(make, monkeypatch):
    images, labels = make_line_captchas(40, charset="ABC", random_state=0)
    model = make()
    if "calibration_cv" in model[-1].get_params():
        model[-1].set_params(calibration_cv=2)
    name = model.steps[-1][0]
    pseudo = np.arange(40) % 4 == 0
    seen = []
    original = BaseReader._calibration_groups

    def groups(self, cv, X, captchas):
        found = original(self, cv, X, captchas)
        seen.append((captchas, found[0]))
        return found

    monkeypatch.setattr(BaseReader, "_calibration_groups", groups)
    model.fit(list(images), labels, **{f"{name}__pseudo_labeled": pseudo})
    captchas, found = seen[-1]  # a network first fits the reader that it starts from
    assert ((found == -1) == pseudo[captchas]).all()
    if isinstance(model[-1], ConvolutionalReader):
        assert len(model[-1].validation_indices_) == 3
        assert not pseudo[model[-1].validation_indices_].any()
    assert not hasattr(model[-1], "_may_be_held_out")


@pytest.mark.parametrize("make", [cutting, sliding, network])
def test_without_pseudo_labels_a_fit_is_the_same(make):
    images, labels = make_line_captchas(40, charset="ABC", random_state=0)
    plain = make().fit(list(images), labels)
    model = make()
    model.fit(list(images), labels, **{f"{model.steps[-1][0]}__pseudo_labeled": [False] * 40})
    for own, other in zip(
        model[-1].read(model[:-1].transform(list(images))),
        plain[-1].read(plain[:-1].transform(list(images))),
        strict=True,
    ):
        assert (own.text, own.confidence) == (other.text, other.confidence)


@pytest.mark.parametrize("wrong", [[True], np.zeros(40), [[True] * 40]])
def test_pseudo_labeled_must_be_one_bool_for_each_captcha(wrong):
    images, labels = make_line_captchas(40, charset="ABC", random_state=0)
    model = cutting()
    with pytest.raises(ValueError, match="pseudo_labeled must be 40 bools"):
        model.fit(list(images), labels, **{f"{model.steps[-1][0]}__pseudo_labeled": wrong})


@pytest.fixture(scope="module", params=[cutting, sliding])
def ignoring_case(request) -> Fitted:
    """Return a model fitted to labels of which some have another case, captchas, and labels."""
    images, labels = make_line_captchas(130, charset="ABC7", random_state=0)
    mixed = [label.lower() if k % 5 == 0 else label for k, label in enumerate(labels.tolist())]
    model = request.param().set_params(**{f"{request.param().steps[-1][0]}__fold_case": True})
    return model.fit(list(images[:90]), mixed[:90]), list(images[90:]), labels[90:]


def test_a_reader_that_folds_case_has_one_class_for_both(ignoring_case):
    model, images, labels = ignoring_case
    assert "".join(model[-1].classes_) == "7ABC"
    lower = np.char.lower(labels)
    right = model.score(images, labels)
    assert right > 0.9
    assert model.score(images, lower) == right == np.mean(model.predict(images) == labels)
    segments = model[:-1].transform(images)
    pairs = zip(*(model[-1].score_labels(segments, y) for y in (labels, lower)), strict=True)
    assert all(np.array_equal(a.characters, b.characters) for a, b in pairs)


def test_labels_get_the_case_of_the_reader(ignoring_case, fitted):
    assert in_case_of(ignoring_case[0][-1], ["ab7", "Xß"]) == ["AB7", "Xß"]
    assert in_case_of(fitted[0][-1], ["ab7"]) == ["ab7"]


def test_constraints_of_a_reader_that_folds_case():
    images, labels = make_line_captchas(60, charset="ABC7", random_state=0)
    model = sliding().set_params(sequencereader__fold_case=True).fit(list(images), labels)
    expected = model.set_params(sequencereader__charset="AB7").predict(images[:9])
    assert model.set_params(sequencereader__charset="ab7").predict(images[:9]).tolist() == [
        *expected
    ]
    mask = ["ab", None, None, "7c"]
    texts = model.set_params(sequencereader__charset=None, sequencereader__mask=mask).predict(
        images[:9]
    )
    assert {text[0] for text in texts} <= {"A", "B"}
    assert {text[3] for text in texts} <= {"7", "C"}


def test_evaluate_folds_case_if_its_reader_does(fitted):
    assert folds_case(Evaluate(SequenceReader(fold_case=True)))
    assert not folds_case(Evaluate(SequenceReader()))
    assert not folds_case(fitted[0][-1])
