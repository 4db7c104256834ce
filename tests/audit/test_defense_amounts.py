"""The measured amount of a defense depends on that defense only."""

import cv2
import numpy as np
import pytest

from skcaptcha.audit._defense_amounts import measure_characters, measure_ink
from skcaptcha.datasets import make_dot_captchas, make_image_captchas, make_line_captchas


@pytest.mark.parametrize(
    ("name", "more"),
    [("noise", {"specks": 40}), ("lines", {"lines": 3}), ("touching", {"pitch": 13})],
)
def test_amount_grows_with_its_defense(drawn, labels, name, more):
    plain = measure_ink(drawn(labels), labels)[name]
    much = measure_ink(drawn(labels, **more), labels)[name]
    assert np.median(plain) == 0
    assert (much > plain).mean() > 0.9


def test_specks_are_not_lines_and_lines_are_not_specks(drawn, labels):
    assert np.median(measure_ink(drawn(labels, specks=40), labels)["lines"]) == 0
    assert np.median(measure_ink(drawn(labels, lines=3), labels)["noise"]) <= 1


def test_pieces_of_thin_colored_lines_are_not_specks():
    """The scheme draws no specks, but Otsu's threshold breaks its pale lines into small pieces."""
    images, labels = make_line_captchas(40, random_state=0)
    plain = measure_ink(images, labels)["noise"]
    assert plain.mean() < 0.5
    assert (plain >= 2).mean() <= 0.05
    # Specks among the lines are counted, except those that touch something.
    rng = np.random.default_rng(0)
    for image in images:
        rows, columns = rng.integers(2, np.array(image.shape[:2]) - 2, size=(20, 2)).T
        image[rows, columns] = 0
    specked = measure_ink(images, labels)["noise"]
    assert (specked > plain).all()
    assert 5 <= specked.mean() <= 20


@pytest.mark.parametrize("kind", ["dots", "dashes"])
def test_dots_and_dashes_are_specks(kind):
    """Each image has hundreds of dots and dashes, and many of them touch."""
    assert (measure_ink(*make_dot_captchas(10, kind=kind, random_state=0))["noise"] > 50).all()


def test_specks_on_a_shaded_background_are_specks(drawn, labels):
    shade = np.linspace(0, 90, 40).astype(np.uint8)[:, np.newaxis]
    images = [np.where(image > 0, image - shade, 0) for image in drawn(labels, specks=40)]
    flat = measure_ink(drawn(labels, specks=40), labels)["noise"]
    assert abs(measure_ink(images, labels)["noise"].mean() - flat.mean()) < 0.2 * flat.mean()


@pytest.mark.parametrize("colored", [False, True])
@pytest.mark.parametrize("n_lines", [0, 1, 2, 3, 5])
def test_number_of_lines_is_found(drawn, labels, n_lines, colored):
    """Lines may cross each other and characters, so the count may be off by one."""
    rng = np.random.default_rng(n_lines)
    images = []
    for plain in drawn(labels[:30]):
        image = cv2.cvtColor(plain, cv2.COLOR_GRAY2RGB)
        height, width, _ = image.shape
        for _ in range(n_lines):
            ends = rng.integers(3, height - 3, size=2).tolist()
            color = rng.integers(0, 200, size=3).tolist() if colored else (0, 0, 0)
            cv2.line(image, (0, ends[0]), (width - 1, ends[1]), color, 1)
        images.append(image)
    found = measure_ink(images, labels[:30])["lines"]
    assert ((found > 0) == (n_lines > 0)).all()
    assert abs(found.mean() - n_lines) <= max(0.5, 0.3 * n_lines)


def test_every_captcha_of_the_scheme_lines_has_lines():
    """Twelve lines are drawn; some are short, white, or hidden by other lines or characters."""
    found = measure_ink(*make_line_captchas(40, random_state=0))["lines"]
    assert (found >= 1).all()
    assert 3 <= found.mean() <= 12


@pytest.mark.parametrize("kind", ["dots", "dashes"])
def test_rows_of_dots_and_dashes_are_not_lines(kind):
    """A few of the hundreds of dots may touch in a row by chance."""
    found = measure_ink(*make_dot_captchas(30, kind=kind, random_state=0))["lines"]
    assert (found > 0).mean() <= 0.1


def test_noisy_background_is_uneven(drawn, labels):
    images = drawn(labels)
    rng = np.random.default_rng(0)
    uneven = [np.clip(image - rng.integers(0, 90, image.shape), 0, 255) for image in images]
    even = measure_ink(images, labels)["background"]
    rough = measure_ink([image.astype(np.uint8) for image in uneven], labels)["background"]
    assert even.max() < 0.05
    assert rough.min() > 0.1


@pytest.mark.parametrize("make", [make_line_captchas, make_dot_captchas, make_image_captchas])
def test_plain_background_is_even_with_anything_drawn_on_it(make):
    assert measure_ink(*make(20, random_state=0))["background"].max() < 0.1


def test_shaded_background_is_uneven(drawn, labels):
    shade = np.linspace(0, 120, 40).astype(np.uint8)[:, np.newaxis]
    images = [np.where(image > 200, image - shade, image) for image in drawn(labels)]
    assert measure_ink(images, labels)["background"].min() > 0.1


def test_length_and_look_alikes_are_computed_from_labels(drawn):
    labels = ["ACE", "HO0", "LT", "0"]
    amounts = measure_ink(drawn(labels), labels)
    assert amounts["length"].tolist() == [3, 3, 2, 1]
    assert amounts["look_alikes"].tolist() == [0, 2, 0, 1]
    assert measure_ink(drawn(["O"]), ["O"])["look_alikes"].tolist() == [0]


# OpenCV 4 draws letters in other fonts, for which the differences are smaller.
@pytest.mark.skipif(int(cv2.__version__.split(".")[0]) < 5, reason="made for OpenCV 5's letters")
def test_rotated_characters_are_tilted_and_differ(drawn, labels):
    boxes = [np.array([[26 * k, 0, 32, 40] for k in range(3)])] * len(labels)
    straight, turned = (
        measure_characters([255 - image for image in drawn(labels, turn=turn)], boxes, labels)
        for turn in (0, 25)
    )
    assert np.nanmedian(straight["rotation"]) < 3
    assert np.nanmedian(turned["rotation"]) > 6
    assert np.nanmedian(turned["shape"]) > 1.5 * np.nanmedian(straight["shape"])


def test_amounts_are_unknown_without_the_right_number_of_boxes(drawn, labels):
    boxes = [np.array([[0, 0, 30, 40]])] * len(labels)
    amounts = measure_characters([255 - image for image in drawn(labels)], boxes, labels)
    assert np.isnan(amounts["rotation"]).all()
    assert np.isnan(amounts["shape"]).all()


def test_blank_images_have_amounts(drawn):
    blank = np.full((20, 60), 255, dtype=np.uint8)
    amounts = measure_ink([blank, blank], ["AB", "CD"])
    assert all(np.isfinite(amount).all() for amount in amounts.values())
