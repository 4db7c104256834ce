"""Captcha generators are reproducible, correctly labeled and similar to real captchas."""

import random
import secrets

import captcha.image
import cv2
import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from skcaptcha.datasets import (
    SCHEMES,
    load_captchas,
    make_dot_captchas,
    make_image_captchas,
    make_line_captchas,
)
from skcaptcha.datasets._image_captcha import _private_captcha_module, _SeededSecrets

SHAPES = {"lines": (30, 120, 3), "dots": (50, 150, 3), "image": (60, 160, 3)}
LENGTHS = {"lines": 4, "dots": 6, "image": 4}


@pytest.fixture(params=SCHEMES)
def scheme(request):
    return request.param


def test_shapes_and_labels(scheme):
    images, labels = SCHEMES[scheme](7, random_state=3)
    assert images.shape == (7, *SHAPES[scheme])
    assert images.dtype == np.uint8
    assert labels.shape == (7,)
    assert labels.dtype.kind == "U"
    assert {len(label) for label in labels} == {LENGTHS[scheme]}


def test_equal_seeds_give_equal_results(scheme):
    first, second = (SCHEMES[scheme](4, random_state=5) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_different_seeds_give_different_results(scheme):
    first, second = (SCHEMES[scheme](4, random_state=seed) for seed in (0, 1))
    assert (first[0] != second[0]).any()
    assert (first[1] != second[1]).any()


def test_a_captcha_does_not_depend_on_the_number_of_captchas(scheme):
    few, many = (SCHEMES[scheme](n, random_state=2) for n in (3, 8))
    np.testing.assert_array_equal(few[0], many[0][:3])
    np.testing.assert_array_equal(few[1], many[1][:3])


def test_a_random_state_instance_advances(scheme):
    state = np.random.RandomState(0)
    first, second = (SCHEMES[scheme](3, random_state=state) for _ in range(2))
    assert (first[0] != second[0]).any()


def test_zero_captchas(scheme):
    images, labels = SCHEMES[scheme](0, random_state=0)
    assert images.shape == (0, *SHAPES[scheme])
    assert labels.shape == (0,)


def test_lines_charset():
    _, labels = make_line_captchas(500, random_state=0)
    assert set("".join(labels)) == set("ABCDEFGHJKLMNPQRSTUVWXYZ123456789")


@pytest.mark.parametrize("make", [make_line_captchas, make_image_captchas])
def test_other_charset_and_length(make):
    images, labels = make(20, charset="xö0", n_characters=6, random_state=0)
    assert set("".join(labels)) == set("xö0")
    assert {len(label) for label in labels} == {6}
    assert len(images) == 20


@pytest.mark.parametrize("make", [make_line_captchas, make_image_captchas])
def test_empty_charset(make):
    with pytest.raises(ValueError, match="charset is empty"):
        make(1, charset="")


def test_invisible_character():
    with pytest.raises(ValueError, match="is invisible"):
        make_line_captchas(1, charset=" ")


def test_width_of_lines_depends_on_number_of_characters():
    images, _ = make_line_captchas(2, n_characters=7, random_state=0)
    assert images.shape == (2, 30, 210, 3)


def test_lines_have_dark_ink_at_every_character_position():
    images, _ = make_line_captchas(100, random_state=0)
    dark = images.mean(axis=-1) < 140
    for x in (8, 38, 68, 98):
        assert (dark[:, 4:25, x : x + 20].sum(axis=(1, 2)) > 30).all()


def count_of_zeros(images):
    return (images == 0).all(axis=-1).sum(axis=(1, 2))


def test_kinds_of_dots():
    dots, _ = make_dot_captchas(50, kind="dots", random_state=0)
    dashes, _ = make_dot_captchas(50, kind="dashes", random_state=0)
    both, _ = make_dot_captchas(50, random_state=0)
    assert (count_of_zeros(dots) > 300).all()
    assert dashes.min() >= 40
    assert 10 < (count_of_zeros(both) > 300).sum() < 40
    assert (dots[..., :1] == dots).all()


def test_dots_vary_in_number_and_strings_in_size():
    """Properties that a reader could overfit vary widely."""
    dots, _ = make_dot_captchas(60, kind="dots", random_state=0)
    margin = (dots[:, :, 130:, 0] < 128).mean(axis=(1, 2))  # right of the digits
    assert margin.max() > 1.4 * margin.min()
    dashes, _ = make_dot_captchas(60, kind="dashes", random_state=0)
    patterns = {image[:, 130:].tobytes() for image in dashes}
    assert len(patterns) > 20
    # A fixed threshold after a blur leaves only the digits.
    blurred = np.stack([cv2.GaussianBlur(image[..., 0], (3, 3), 0) for image in dashes])
    heights = (blurred < 150).any(axis=2).sum(axis=1)
    assert heights.max() >= heights.min() + 4


def test_unknown_kind_of_dots():
    with pytest.raises(ValueError, match="both, dots, dashes; found 'stripes'"):
        make_dot_captchas(1, kind="stripes")


def test_all_digits_occur():
    _, labels = make_dot_captchas(30, random_state=0)
    assert set("".join(labels)) == set("0123456789")


def test_image_size():
    images, _ = make_image_captchas(1, width=200, height=70, random_state=0)
    assert images.shape == (1, 70, 200, 3)


def test_image_generator_does_not_affect_the_randomness_of_others():
    random.seed(1)
    expected = random.random()
    random.seed(1)
    make_image_captchas(1, random_state=0)
    assert random.random() == expected
    assert captcha.image.secrets is secrets


def drawn_by_the_package(rng, text, width, height):
    module = _private_captcha_module()
    vars(module)["secrets"] = _SeededSecrets(rng)
    return np.asarray(module.ImageCaptcha(width=width, height=height).generate_image(text))


@pytest.mark.parametrize(("width", "n_characters"), [(160, 4), (90, 6), (300, 1)])
def test_default_captchas_are_those_of_the_package(width, n_characters):
    images, labels = make_image_captchas(
        5,
        charset="AB19",
        n_characters=n_characters,
        width=width,
        random_state=np.random.RandomState(7),
    )
    seed = int(np.random.RandomState(7).randint(2**31))
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        rng = np.random.default_rng((seed, i))
        rng.integers(4, size=n_characters)  # the text
        expected = drawn_by_the_package(rng, str(label), width, 60)
        np.testing.assert_array_equal(image, expected)


def inked(images):
    """Return which pixels differ from the brightest color of their image, which is the ground."""
    ground = images.reshape(len(images), -1, 3).max(axis=1)[:, None, None]
    return np.abs(images.astype(int) - ground).max(axis=-1) > 40


@pytest.mark.parametrize("width", [300, 120])
@pytest.mark.parametrize("weights", [(0,), (0, 2)])
def test_boxes_hold_the_ink(width, weights):
    images, _, boxes = make_image_captchas(
        20,
        charset="8B",
        n_characters=5,
        width=width,
        weights=weights,
        return_boxes=True,
        random_state=0,
    )
    assert boxes.shape == (20, 5, 4)
    assert boxes.dtype == np.intp
    assert (boxes[..., 2:] > 0).all()
    assert (boxes[..., :2] >= 0).all()
    assert (boxes[..., :2] + boxes[..., 2:] <= (width, 60)).all()
    for ink, own in zip(inked(images), boxes, strict=True):
        outside = ink.copy()
        for x, y, w, h in own:
            # Each stroke reaches all four sides of its box; smoothing may fade the outermost pixel.
            part = ink[y : y + h, x : x + w]
            assert part[:3].any()
            assert part[-3:].any()
            assert part[:, :3].any()
            assert part[:, -3:].any()
            outside[max(y - 1, 0) : y + h + 1, max(x - 1, 0) : x + w + 1] = False
        # What is left are thirty dots and a thin arc.
        assert outside.sum() < 30 * 16 + 2 * width


def test_captchas_do_not_depend_on_returning_boxes():
    images, labels = make_image_captchas(3, random_state=0)
    same, same_labels, _ = make_image_captchas(3, return_boxes=True, random_state=0)
    np.testing.assert_array_equal(images, same)
    np.testing.assert_array_equal(labels, same_labels)


def test_no_captchas_have_no_boxes():
    assert make_image_captchas(0, return_boxes=True)[2].shape == (0, 4, 4)


def test_sizes():
    """Characters of one size differ in height only by their rotation and warp."""
    boxes = {
        size: make_image_captchas(
            30, charset="8", height=80, sizes=[size], return_boxes=True, random_state=0
        )[2]
        for size in (20, 40)
    }
    heights = {size: np.median(found[..., 3]) for size, found in boxes.items()}
    assert heights[40] == pytest.approx(2 * heights[20], rel=0.15)
    both = make_image_captchas(
        30, charset="8", height=80, sizes=[20, 40], return_boxes=True, random_state=0
    )[2][..., 3]
    assert (both < 1.2 * heights[20]).mean() == pytest.approx(0.5, abs=0.2)


def test_weights():
    """A stroke of four pixels becomes six and ten pixels thick."""
    amounts = []
    for weight in (0, 1, 3):
        images, _, boxes = make_image_captchas(
            20,
            charset="1",
            width=400,
            sizes=[40],
            weights=[weight],
            return_boxes=True,
            random_state=0,
        )
        ink = inked(images)
        parts = [
            ink[i, y : y + h, x : x + w].sum() for i, own in enumerate(boxes) for x, y, w, h in own
        ]
        amounts.append(np.mean(parts))
    assert amounts[0] * 1.2 < amounts[1]
    assert amounts[1] * 1.3 < amounts[2]


def test_overlap():
    def gaps(overlap):
        *_, boxes = make_image_captchas(
            40, width=240, overlap=overlap, return_boxes=True, random_state=0
        )
        return boxes[:, 1:, 0] - boxes[:, :-1, 0] - boxes[:, :-1, 2]

    apart, usual, close = gaps((0, 0)), gaps((0, 0.25)), gaps((0.4, 0.5))
    assert (apart >= -1).all()
    assert 0 < (usual < 0).mean() < (close < 0).mean()
    assert apart.mean() > usual.mean() > close.mean()


def test_gradients():
    def corners(gradient):
        images, _ = make_image_captchas(40, width=300, gradient=gradient, random_state=0)
        # The outermost pixels, of which few are inked.
        return np.median(
            [images[:, :2, :2], images[:, :2, -2:], images[:, -2:, :2], images[:, -2:, -2:]],
            axis=(2, 3),
        )

    assert np.ptp(corners(0), axis=0).mean() < 5
    spread = np.ptp(corners(200), axis=0)
    assert 40 < spread.mean() < 140
    # Directions differ.
    assert len(np.unique(corners(200).sum(axis=2).argmin(axis=0))) == 4


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"sizes": []}, "sizes: found none; pass whole numbers of pixels from 1 on"),
        ({"sizes": [0]}, "sizes: found 0"),
        ({"weights": [0, 0.5]}, "weights: found 0.5; pass whole numbers of pixels from 0 on"),
        ({"overlap": (0.5, 0.2)}, "overlap: found .* in ascending order, from 0 to 0.9"),
        ({"overlap": (0.5,)}, "overlap: found"),
        ({"overlap": (0, 1)}, "overlap: found"),
        ({"overlap": "ab"}, "overlap: found"),
        ({"gradient": 256}, "gradient: found 256; pass a whole number from 0 to 255"),
    ],
)
def test_impossible_looks(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_image_captchas(1, **parameters)


def characters_cut_by_the_original_method(image):
    """Original method for "lines": gray, threshold, binomial blur, threshold, four boxes."""
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    ink = np.where(gray <= 127, 255, 0).astype(np.uint8)
    kernel = np.outer([1, 2, 1], [1, 2, 1]) / 16
    ink = (cv2.filter2D(ink, -1, kernel) > 185).astype(np.float32)
    return [ink[4:25, x : x + 20].ravel() for x in (8, 38, 68, 98)]


def crops(images):
    return np.concatenate([characters_cut_by_the_original_method(image) for image in images])


def fraction_of_characters_read(train, test):
    reader = KNeighborsClassifier(3).fit(crops(train[0]), list("".join(train[1])))
    return np.mean(reader.predict(crops(test[0])) == list("".join(test[1])))


@pytest.mark.real
@pytest.mark.parametrize("part", ["train", "dev"])
def test_original_method_trained_on_generated_lines_reads_real_ones(real_data, part):
    captchas = load_captchas(real_data / "lines" / part)
    real = [cv2.imread(path)[..., ::-1].copy() for path in captchas.data], captchas.target
    generated = make_line_captchas(500, random_state=0)
    assert fraction_of_characters_read(generated, real) >= 0.98
    if part == "train":
        assert fraction_of_characters_read(real, generated) >= 0.98


@pytest.mark.real
def test_dashes_match_those_of_real_captchas(real_data):
    # Digits begin at column 28; compression artifacts stay within blocks of 8 pixels.
    real = [cv2.imread(path) for path in load_captchas(real_data / "dots" / "dev").data]
    margins = [image[:, :24] for image in real if count_of_zeros(image[np.newaxis])[0] == 0]
    images, _ = make_dot_captchas(20, kind="dashes", random_state=0)
    for margin in margins:
        assert any((image[:, :24] == margin).all() for image in images)
