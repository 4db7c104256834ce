"""Captcha generators are reproducible, correctly labeled and similar to real captchas."""

import random
import re
import secrets

import captcha.image
import cv2
import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from skcaptcha.datasets import (
    SCHEMES,
    load_captchas,
    make_display_captchas,
    make_dot_captchas,
    make_image_captchas,
    make_line_captchas,
)
from skcaptcha.datasets._image_captcha import _private_captcha_module, _SeededSecrets

SHAPES = {
    "lines": (30, 120, 3),
    "dots": (50, 150, 3),
    "image": (60, 160, 3),
    "display": (60, 192, 3),
}
LENGTHS = {"lines": {4}, "dots": {6}, "image": {4}, "display": {4, 5, 6}}


@pytest.fixture(params=SCHEMES)
def scheme(request):
    return request.param


def test_shapes_and_labels(scheme):
    images, labels = SCHEMES[scheme](7, random_state=3)
    assert images.shape == (7, *SHAPES[scheme])
    assert images.dtype == np.uint8
    assert labels.shape == (7,)
    assert labels.dtype.kind == "U"
    assert {len(label) for label in labels} <= LENGTHS[scheme]


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
        images, _ = make_image_captchas(30, width=300, gradient=gradient, random_state=0)
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


def test_displays_show_their_labels():
    """A nearest neighbor that sees nothing but the boxes tells all characters apart."""
    images, labels, boxes = make_display_captchas(
        90, kind="led", marks=".,:-", glare=0, gradient=0, return_boxes=True, random_state=0
    )
    assert [len(own) for own in boxes] == [len(label) for label in labels]
    crops = []
    for image, own in zip(images.max(axis=-1), boxes, strict=True):
        low, high = np.percentile(image, [50, 99.5])
        for x, y, w, h in own:
            # The shape and the place of a character, in relation to the image.
            crop = cv2.resize(image[y : y + h, x : x + w].astype(np.float32), (12, 20)) - low
            shape = [y / 20, (y + h) / 20, w / 10]
            crops.append(np.append(np.clip(crop / (high - low), 0, 1), shape))
    characters = list("".join(labels))
    reader = KNeighborsClassifier(1).fit(crops[:300], characters[:300])
    assert reader.score(crops[300:], characters[300:]) >= 0.97


def test_display_marks():
    """Minus signs come first, in half of the numbers; separators are equally frequent."""
    _, labels = make_display_captchas(300, n_digits=3, marks=".:-", height=12, random_state=0)
    assert np.mean([label.startswith("-") for label in labels]) == pytest.approx(0.5, abs=0.09)
    for separator in ".:":
        fraction = np.mean([separator in label for label in labels])
        assert fraction == pytest.approx(1 / 3, abs=0.09)
    for label in labels:
        assert re.fullmatch(r"-?(\d{3}|\d[.:]\d\d|\d\d[.]\d)", label)
    _, labels = make_display_captchas(20, marks=":", height=12, random_state=0)
    assert {label.find(":") for label in labels} == {-1, 2}
    _, labels = make_display_captchas(20, marks="", height=12, random_state=0)
    assert all(label.isdigit() and len(label) == 4 for label in labels)
    _, labels = make_display_captchas(20, n_digits=1, height=12, random_state=0)
    assert set(map(len, labels)) == {1, 2}


@pytest.mark.parametrize(("kind", "sign"), [("lcd", -1), ("led", 1)])
def test_display_boxes_hold_the_ink(kind, sign):
    images, _, boxes = make_display_captchas(
        20,
        kind=kind,
        marks=".:-",
        ghost=0,
        glow=0,
        gradient=0,
        glare=0,
        return_boxes=True,
        random_state=0,
    )
    for image, own in zip(images.max(axis=-1).astype(int), boxes, strict=True):
        contrast = sign * (image - np.median(image))
        ink = contrast > 0.25 * contrast.max()
        outside = ink.copy()
        for x, y, w, h in own:
            part = ink[y : y + h, x : x + w]
            # Ends of segments are pointed.
            assert all(edge.any() for edge in (part[:3], part[-3:], part[:, :3], part[:, -3:]))
            outside[max(y - 1, 0) : y + h + 1, max(x - 1, 0) : x + w + 1] = False
        assert not outside.any()


def test_display_kinds():
    looks = {"height": 24, "gradient": 0, "glare": 0, "random_state": 0}

    def ground(kind):
        return np.median(make_display_captchas(30, kind=kind, **looks)[0], axis=(1, 2, 3))

    assert (ground("lcd") > 100).all()
    assert (ground("led") < 60).all()
    assert 5 <= (ground("both") > 80).sum() <= 25


def test_displays_scale_with_their_height():
    *_, boxes = make_display_captchas(10, height=24, return_boxes=True, random_state=0)
    *_, large = make_display_captchas(10, height=96, return_boxes=True, random_state=0)
    for one, other in zip(boxes, large, strict=True):
        np.testing.assert_allclose(one * 4, other, atol=7)


@pytest.mark.parametrize(
    ("look", "most", "kind", "sign", "is_local"),
    [
        ("ghost", 1, "lcd", -1, True),
        ("glow", 1, "led", 1, True),
        ("gradient", 255, "lcd", -1, False),
        ("glare", 1, "lcd", 1, False),
    ],
)
def test_looks_of_displays(look, most, kind, sign, is_local):
    """Each look makes the same displays darker or brighter, next to segments or everywhere."""
    plain = {"kind": kind, "height": 36, "ghost": 0, "glow": 0, "gradient": 0, "glare": 0}
    before, _ = make_display_captchas(10, **plain, random_state=0)
    after, _ = make_display_captchas(10, **{**plain, look: most}, random_state=0)
    change = sign * (after.astype(int) - before).mean(axis=-1)
    assert change.mean() > 2
    assert (change < -12).mean() < 0.01
    assert (np.median(change) < 2) == is_local


def test_shapes_of_segments():
    def widths(**shape):
        *_, boxes = make_display_captchas(
            20, marks="", height=36, return_boxes=True, random_state=0, **shape
        )
        return np.concatenate(boxes)[:, 2].astype(float)

    upright = widths(slant=(0, 0))
    assert widths(slant=(0.5, 0.5)).mean() > 1.3 * upright.mean()
    # A 1 is as wide as its segments.
    thin, thick = (widths(slant=(0, 0), stroke_width=(s, s)).min() for s in (0.05, 0.2))
    assert thick > 2 * thin


def test_gaps_between_segments():
    def bright(gap):
        images, _ = make_display_captchas(
            20, kind="led", gap=(gap, gap), ghost=0, glow=0, glare=0, random_state=0
        )
        return (images.max(axis=-1) > 100).mean()

    assert bright(0.1) < 0.9 * bright(0)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"kind": "vfd"}, "kind must be one of both, lcd, led; found 'vfd'"),
        ({"n_digits": 0}, "n_digits: found 0; pass a whole number from 1 on"),
        ({"marks": ".x"}, "marks: found '.x'; pass a string of"),
        ({"marks": None}, "marks: found None"),
        ({"height": 11}, "height: found 11; pass a whole number from 12 on"),
        ({"slant": (0.2, 0.1)}, "slant: found .* in ascending order, from 0 to 0.5"),
        ({"stroke_width": (0, 0.1)}, "stroke_width: found .* from 0.02 to 0.25"),
        ({"gap": 0.1}, "gap: found 0.1; pass two fractions in ascending order, from 0 to 0.1"),
        ({"ghost": -0.1}, "ghost: found -0.1; pass a number from 0 to 1"),
        ({"glow": 2}, "glow: found 2"),
        ({"gradient": 0.5}, "gradient: found 0.5; pass a whole number from 0 to 255"),
        ({"glare": "much"}, "glare: found 'much'"),
    ],
)
def test_impossible_displays(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_display_captchas(1, **parameters)


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
