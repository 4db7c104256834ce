"""Known causes of errors are identified correctly."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from sklearn.pipeline import Pipeline, make_pipeline

from skcaptcha.datasets import make_line_captchas
from skcaptcha.denoise import Binarizer, Grayscale, HeightScaler, PolarityNormalizer
from skcaptcha.features import OrientedGradients, RawPixels
from skcaptcha.inspection import explain_error
from skcaptcha.read import CharacterReader, SequenceReader, read_captchas
from skcaptcha.segment import FixedBoxes, SlidingWindow
from template_reader import TemplateReader, template_pipeline

BOXES = np.array([[8, 4, 20, 21], [38, 4, 20, 21], [68, 4, 20, 21], [98, 4, 20, 21]])
X, Y = make_line_captchas(260, random_state=0)
CHARACTERS = sorted(set("".join(Y)))
X_TEST, Y_TEST = X[200:], Y[200:].tolist()


@pytest.fixture(scope="module")
def by_characters() -> Pipeline:
    steps = Grayscale(), Binarizer(), FixedBoxes(BOXES.tolist()), RawPixels(), CharacterReader()
    return make_pipeline(*steps).fit(X[:200], Y[:200])


@pytest.fixture(scope="module")
def by_sequence() -> Pipeline:
    reader = SequenceReader(random_state=0)
    steps = (
        Grayscale(),
        PolarityNormalizer(),
        HeightScaler(),
        SlidingWindow(),
        OrientedGradients(),
        reader,
    )
    return make_pipeline(*steps).fit(X[:200], Y[:200])


def with_another_character(label: str, rng: np.random.Generator) -> str:
    position = rng.integers(len(label))
    other = rng.choice([c for c in CHARACTERS if c != label[position]])
    return f"{label[:position]}{other}{label[position + 1 :]}"


@pytest.mark.parametrize("reader", ["by_characters", "by_sequence"])
def test_wrong_label_of_a_correct_reading_is_a_classification_error(reader, request):
    model = request.getfixturevalue(reader)
    rng = np.random.default_rng(0)
    kinds: Counter[str] = Counter()
    for image, label, reading in zip(X_TEST, Y_TEST, read_captchas(model, X_TEST), strict=True):
        if reading.text == label:
            wrong = with_another_character(label, rng)
            kinds[explain_error(model, image, wrong, reading).kind] += 1
    assert kinds.total() > 50
    assert kinds["classification"] > 0.75 * kinds.total()


@pytest.mark.parametrize("shift", [-7, 7])
def test_shifted_box_is_a_segmentation_error(by_characters, shift):
    boxes = BOXES.copy()
    boxes[1, 0] += shift
    gray, binarize, _, features, reader = (step for _, step in by_characters.steps)
    segmenter = FixedBoxes(boxes.tolist()).fit(binarize.transform(gray.transform(X_TEST)))
    # The reader is trained with the correct boxes.
    model = make_pipeline(gray, binarize, segmenter, features, reader)
    causes = [
        explain_error(model, image, label, reading)
        for image, label, reading in zip(X_TEST, Y_TEST, read_captchas(model, X_TEST), strict=True)
        if reading.text[1] != label[1]
    ]
    assert len(causes) > 40
    assert np.mean([cause.kind == "segmentation" for cause in causes]) > 0.85


def test_path_through_a_shifted_box_is_a_segmentation_error(by_sequence):
    for image, label, reading in zip(
        X_TEST[:20], Y_TEST, read_captchas(by_sequence, X_TEST[:20]), strict=False
    ):
        boxes = reading.boxes.copy()
        boxes[1, 0] += boxes[1, 2] // 2
        other = "X" if label[1] != "X" else "Y"
        wrong = replace(reading, text=f"{label[0]}{other}{label[2:]}", boxes=boxes)
        cause = explain_error(by_sequence, image, label, wrong)
        assert cause.kind == "segmentation"
        assert "to the left of its box" in cause.explanation


@pytest.mark.parametrize("reader", ["by_characters", "by_sequence"])
def test_wrong_number_of_boxes_is_a_segmentation_error(reader, request):
    model = request.getfixturevalue(reader)
    reading = read_captchas(model, X_TEST[:1])[0]
    for label in (reading.text[:-1], f"{reading.text}A"):
        cause = explain_error(model, X_TEST[0], label, reading)
        assert cause.kind == "segmentation"
        assert cause.explanation == f"4 boxes for {len(label)} characters"


@pytest.mark.parametrize("reader", ["by_characters", "by_sequence"])
def test_character_missing_from_the_training_labels_is_named(reader, request):
    model = request.getfixturevalue(reader)
    reading = read_captchas(model, X_TEST[:1])[0]
    cause = explain_error(model, X_TEST[0], f"?{reading.text[1:]}", reading)
    assert cause.kind == "classification"
    assert cause.explanation == "the training labels do not contain ?"


def test_reader_is_not_modified(by_sequence):
    before = by_sequence[-1].get_params()
    reading = read_captchas(by_sequence, X_TEST[:1])[0]
    wrong = with_another_character(reading.text, np.random.default_rng(0))
    explain_error(by_sequence, X_TEST[0], wrong, reading)
    assert by_sequence[-1].get_params() == before


class MaskedReader(TemplateReader):
    """A reader of images that can be constrained to a string."""

    def __init__(self, *, length=None, charset=None, mask=None):
        super().__init__(length=length, charset=charset)
        self.mask = mask

    def _read(self, X):
        readings = super()._read(X)
        if self.mask is None:
            return readings
        return [replace(reading, text="".join(self.mask)) for reading in readings]


def test_errors_of_a_reader_of_images_are_located_if_it_takes_a_mask():
    model = template_pipeline()
    model.steps[-1] = ("read", MaskedReader())
    model.fit(list(X[:200]), Y[:200])
    (reading,) = read_captchas(model, [X_TEST[0]])
    rest = reading.text[1:]
    wrong = next(c for c in CHARACTERS if c != reading.text[0]) + rest
    cause = explain_error(model, X_TEST[0], wrong, reading)
    assert cause.kind == "classification"
    assert (
        cause.explanation == f"{wrong[0]} read as {reading.text[0]}; its box is in the right place"
    )
    boxes = reading.boxes + np.array([[14, 0, 0, 0]]) * (np.arange(4) == 0)[:, None]
    cause = explain_error(model, X_TEST[0], wrong, replace(reading, boxes=boxes))
    assert cause.kind == "segmentation"
    assert cause.explanation == f"{wrong[0]} is 14 pixels to the left of its box"
    assert model[-1].mask is None
