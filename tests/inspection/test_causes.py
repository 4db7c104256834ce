"""Why a captcha was read wrong is told right where it is known."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from sklearn.pipeline import Pipeline, make_pipeline

from skcaptcha.datasets import make_line_captchas
from skcaptcha.denoise import Binarizer, Grayscale, HeightScaler, PolarityNormalizer
from skcaptcha.features import OrientedGradients, RawPixels
from skcaptcha.read import CharacterReader, SequenceReader, read_captchas
from skcaptcha.report import why_wrong
from skcaptcha.segment import FixedBoxes, SlidingWindow

PLACES = np.array([[8, 4, 20, 21], [38, 4, 20, 21], [68, 4, 20, 21], [98, 4, 20, 21]])
X, Y = make_line_captchas(260, random_state=0)
CHARACTERS = sorted(set("".join(Y)))
X_TEST, Y_TEST = X[200:], Y[200:].tolist()


@pytest.fixture(scope="module")
def by_characters() -> Pipeline:
    steps = Grayscale(), Binarizer(), FixedBoxes(PLACES.tolist()), RawPixels(), CharacterReader()
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
    place = rng.integers(len(label))
    other = rng.choice([c for c in CHARACTERS if c != label[place]])
    return f"{label[:place]}{other}{label[place + 1 :]}"


@pytest.mark.parametrize("reader", ["by_characters", "by_sequence"])
def test_what_is_read_right_but_labeled_otherwise_is_a_matter_of_classification(reader, request):
    model = request.getfixturevalue(reader)
    rng = np.random.default_rng(0)
    kinds: Counter[str] = Counter()
    for image, label, reading in zip(X_TEST, Y_TEST, read_captchas(model, X_TEST), strict=True):
        if reading.text == label:
            kinds[why_wrong(model, image, with_another_character(label, rng), reading).kind] += 1
    assert kinds.total() > 50
    assert kinds["classification"] > 0.75 * kinds.total()


@pytest.mark.parametrize("shift", [-7, 7])
def test_boxes_beside_their_characters_are_a_matter_of_segmentation(by_characters, shift):
    places = PLACES.copy()
    places[1, 0] += shift
    gray, binarize, _, features, reader = (step for _, step in by_characters.steps)
    cutter = FixedBoxes(places.tolist()).fit(binarize.transform(gray.transform(X_TEST)))
    # The reader is that which learned from boxes in their places.
    model = make_pipeline(gray, binarize, cutter, features, reader)
    causes = [
        why_wrong(model, image, label, reading)
        for image, label, reading in zip(X_TEST, Y_TEST, read_captchas(model, X_TEST), strict=True)
        if reading.text[1] != label[1]
    ]
    assert len(causes) > 40
    assert np.mean([cause.kind == "segmentation" for cause in causes]) > 0.85


def test_paths_through_other_places_are_a_matter_of_segmentation(by_sequence):
    """One character is said to stand between two others, where the reader never found it."""
    for image, label, reading in zip(
        X_TEST[:20], Y_TEST, read_captchas(by_sequence, X_TEST[:20]), strict=False
    ):
        boxes = reading.boxes.copy()
        boxes[1, 0] += boxes[1, 2] // 2
        other = "X" if label[1] != "X" else "Y"
        wrong = replace(reading, text=f"{label[0]}{other}{label[2:]}", boxes=boxes)
        cause = why_wrong(by_sequence, image, label, wrong)
        assert cause.kind == "segmentation"
        assert "to the left of its box" in cause.explanation


@pytest.mark.parametrize("reader", ["by_characters", "by_sequence"])
def test_a_wrong_number_of_boxes_is_a_matter_of_segmentation(reader, request):
    model = request.getfixturevalue(reader)
    reading = read_captchas(model, X_TEST[:1])[0]
    for label in (reading.text[:-1], f"{reading.text}A"):
        cause = why_wrong(model, X_TEST[0], label, reading)
        assert cause.kind == "segmentation"
        assert cause.explanation == f"4 boxes for {len(label)} characters"


@pytest.mark.parametrize("reader", ["by_characters", "by_sequence"])
def test_what_the_model_never_saw_is_named(reader, request):
    model = request.getfixturevalue(reader)
    reading = read_captchas(model, X_TEST[:1])[0]
    cause = why_wrong(model, X_TEST[0], f"?{reading.text[1:]}", reading)
    assert cause.kind == "classification"
    assert cause.explanation == "the model never saw ?"


def test_the_reader_stays_as_it_was(by_sequence):
    before = by_sequence[-1].get_params()
    reading = read_captchas(by_sequence, X_TEST[:1])[0]
    why_wrong(
        by_sequence,
        X_TEST[0],
        with_another_character(reading.text, np.random.default_rng(0)),
        reading,
    )
    assert by_sequence[-1].get_params() == before
