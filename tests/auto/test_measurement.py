"""Measuring labeled captchas."""

import cv2
import numpy as np
import pytest

from bar_captchas import ALL, bars, strings
from skcaptcha.auto import measure
from skcaptcha.auto._families import families_for
from skcaptcha.datasets import make_line_captchas
from skcaptcha.exceptions import DatasetError


def test_measure_counts():
    labels = ["AAB", "AC", "AAA"]
    gray, wide = np.full((20, 40), 250, np.uint8), np.full((20, 50, 3), 250, np.uint8)
    gray[5:15, 5:10] = 3
    wide[5:15, 5:10] = 3, 3, 90
    measurement = measure([gray, 255 - gray, wide], labels)
    assert (measurement.n, measurement.n_labels) == (3, 3)
    assert measurement.heights == (20, 20, 20)
    assert measurement.widths == (40, 40, 50)
    assert measurement.color == pytest.approx(1 / 3)
    assert measurement.dark_ink == pytest.approx(2 / 3)
    assert measurement.lengths == {2: 1, 3: 2}
    assert measurement.length is None
    assert measurement.characters == {"A": 6, "B": 1, "C": 1}
    assert measurement.rare == "BC"
    assert not measurement.one_size
    assert measurement.boxes is None


def test_measure_finds_the_character_positions():
    labels = strings(60, "ABCDE", [4])
    images = bars(labels)
    for shift in (0, 7):
        moved = [np.pad(image, ((3, 0), (shift, 9)), constant_values=255) for image in images]
        for shown in (moved, [255 - image for image in moved]):
            boxes = np.array(measure(shown, labels).boxes)
            assert np.diff(boxes[:, 0]) == pytest.approx(16, abs=1)
            assert boxes[0, 0] == pytest.approx(4 + shift, abs=2)
            assert boxes[0, 1] == pytest.approx(5, abs=1)


def test_the_usual_length_is_that_of_90_percent_of_the_labels():
    images, labels = make_line_captchas(40, random_state=1)
    several = ["".join(label) for label in labels]
    several[:4] = ["A", "AB", "ABC", "ABCDE"]
    measurement = measure(images, several)
    assert (measurement.length, measurement.n_unusual) == (4, 4)
    assert len(measurement.boxes) == 4
    segmenters = [
        variant.settings["segment"]["n_characters"]
        for family in families_for(measurement, ALL)
        for variant in family.variants
        if "n_characters" in variant.settings.get("segment", {})
    ]
    assert set(segmenters) == {4, None}
    assert not any(family.excluded for family in families_for(measurement, ALL))
    several[4] = "AB"
    measurement = measure(images, several)
    assert (measurement.length, measurement.n_unusual, measurement.boxes) == (None, 0, None)


def test_measure_requires_one_label_per_image():
    with pytest.raises(DatasetError, match="no captchas"):
        measure([], [])
    with pytest.raises(DatasetError, match="labels left after 1 images"):
        measure([np.zeros((5, 5), np.uint8)], ["A", "B"])


def _texts(scales) -> tuple[list[np.ndarray], list[str]]:
    """Dark strings of several sizes at places drawn at random."""
    rng = np.random.default_rng(0)
    images, labels = [], strings(len(scales), "ABCDE", [4])
    for label, scale in zip(labels, scales, strict=True):
        image = np.full((80, 300), 255, np.uint8)
        x, y = int(rng.integers(5, 120)), int(rng.integers(50, 75))
        cv2.putText(image, label, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, 0, 2, cv2.LINE_AA)
        images.append(image)
    return images, labels


@pytest.mark.parametrize(("scales", "varies"), [((0.5, 1.7), True), ((0.9, 1.1), False)])
def test_the_size_of_the_text_may_vary(scales, varies):
    images, labels = _texts(np.linspace(*scales, 40))
    measurement = measure(images, labels)
    assert measurement.text_size_varies == varies
    assert (("text", "varies in size") in measurement.summary()) == varies
    # Then windows see images that are cropped to their text as well, but after all others.
    for family in families_for(measurement, ALL):
        denoising = [variant.stages[0][0]["steps"]["denoise"] for variant in family.variants]
        cropped = ["text" in steps for steps in denoising]
        n = len(cropped) // 2 if varies and "rescale" in denoising[0] else 0
        assert cropped == [False] * (len(cropped) - n) + [True] * n
        for plain, steps in zip(denoising, denoising[-n:] if n else [], strict=False):
            names = list(steps)
            assert names[names.index("text") - 1] == "polarity"
            assert steps == plain | {"text": {"use": "TextCropper"}}


def test_the_size_of_the_text_does_not_vary_if_the_text_is_not_found():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (20, 80, 240), dtype=np.uint8)
    assert not measure([*noise], ["AB"] * 20).text_size_varies


# --- positions of digits and letters --------------------------------------------------------------


def plates(n: int, *patterns: str) -> list[str]:
    """Return n labels with random digits for 0 and letters for A, one pattern after the other."""
    rng = np.random.default_rng(0)
    kinds = {"0": list("0123456789"), "A": list("ABCDEF")}
    return [
        "".join(str(rng.choice(kinds[kind])) for kind in patterns[i % len(patterns)])
        for i in range(n)
    ]


DIGITS, LETTERS = "0123456789", "ABCDEF"


@pytest.mark.parametrize(
    ("labels", "mask"),
    [
        (plates(100, "00A00AA"), (DIGITS, DIGITS, LETTERS, DIGITS, DIGITS, LETTERS, LETTERS)),
        (plates(100, "00A00", "00AA0"), (DIGITS, DIGITS, LETTERS, None, DIGITS)),
        # By chance, or of different lengths.
        (plates(6, "00A00AA"), None),
        (plates(100, "0A0", "A0A"), None),
        (plates(100, "0A", "0AA"), None),
        (plates(100, "0000"), None),
    ],
)
def test_digits_and_letters_at_fixed_positions(labels, mask):
    measurement = measure([np.zeros((8, 20), np.uint8)] * len(labels), labels)
    assert measurement.mask == mask
    lines = dict(measurement.summary())
    if mask is None:
        assert "positions" not in lines
    else:
        names = {DIGITS: "digit", LETTERS: "letter", None: "any"}
        assert lines["positions"] == " ".join(names[allowed] for allowed in mask)


@pytest.mark.parametrize("n", [20, 30, 100])
def test_random_strings_have_no_fixed_positions(n):
    rng = np.random.default_rng(n)
    for _ in range(20):
        labels = ["".join(rng.choice(list("0123456789abcdef"), 4)) for _ in range(n)]
        assert measure([np.zeros((8, 20), np.uint8)] * n, labels).mask is None
