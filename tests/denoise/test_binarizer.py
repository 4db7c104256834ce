import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.filters import threshold_local, threshold_otsu, threshold_sauvola

from skcaptcha.denoise import Binarizer

IMAGES = arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)))
TEXTURE = np.random.default_rng(0).integers(0, 256, (40, 50), dtype=np.uint8)


def binarize(image, **parameters):
    return Binarizer(**parameters).fit_transform([image])[0]


def ink(condition):
    return np.where(condition, 255, 0)


def between_variance(image, threshold):
    """Between-class variance of a threshold, by definition."""
    low, high = image[image <= threshold].astype(float), image[image > threshold].astype(float)
    if not len(low) or not len(high):
        return 0.0
    return len(low) * len(high) * (low.mean() - high.mean()) ** 2


@given(image=IMAGES, threshold=st.integers(0, 255))
def test_fixed(image, threshold):
    options = {"method": "fixed", "threshold": threshold}
    dark = binarize(image, **options)
    assert dark.dtype == np.uint8
    np.testing.assert_array_equal(dark, ink(image <= threshold))
    np.testing.assert_array_equal(binarize(image, **options, ink="bright"), ink(image > threshold))


@given(image=IMAGES)
def test_otsu_maximizes_the_between_class_variance(image):
    dark = binarize(image) > 0
    if len(np.unique(image)) == 1:
        assert not dark.any()
        return
    assert 0 < dark.sum() < dark.size
    found = image[dark].max()
    best = max(between_variance(image, t) for t in range(256))
    assert between_variance(image, found) == pytest.approx(best)


def test_otsu_agrees_with_scikit_image():
    np.testing.assert_array_equal(binarize(TEXTURE), ink(threshold_otsu(TEXTURE) >= TEXTURE))


@pytest.mark.parametrize("shade", [0, 127, 255])
def test_a_blank_image_has_no_ink(shade):
    blank = np.full((5, 9), shade, dtype=np.uint8)
    for method in ("otsu", "adaptive", "sauvola"):
        for side in ("auto", "dark", "bright"):
            assert not binarize(blank, method=method, ink=side).any()


@pytest.mark.parametrize(("window", "k"), [(3, 0.1), (9, 0.3), (15, -0.1)])
def test_local_methods_agree_with_scikit_image(window, k):
    options = {"window": window, "k": k}
    inside = (slice(window, -window),) * 2
    sauvola = binarize(TEXTURE, method="sauvola", **options)
    expected = ink(threshold_sauvola(TEXTURE, window, k, r=128) > TEXTURE)
    np.testing.assert_array_equal(sauvola[inside], expected[inside])
    adaptive = binarize(TEXTURE, method="adaptive", **options)
    expected = ink(threshold_local(TEXTURE.astype(float), window, "mean", 255 * k) > TEXTURE)
    assert (adaptive == expected)[inside].mean() > 0.999  # except for ties


@pytest.mark.parametrize("method", ["adaptive", "sauvola"])
def test_local_methods_by_brute_force(method):
    image, k = TEXTURE[:12, :14], 0.25
    found = binarize(image, method=method, window=5, k=k)
    for row, column in np.ndindex(8, 10):
        window = image[row : row + 5, column : column + 5].astype(float)
        threshold = window.mean() - 255 * k
        if method == "sauvola":
            threshold = window.mean() * (1 + k * (window.std() / 128 - 1))
        assert (found[row + 2, column + 2] > 0) == (image[row + 2, column + 2] < threshold)


@pytest.mark.parametrize("method", ["otsu", "adaptive", "sauvola"])
@given(image=IMAGES)
def test_bright_ink_is_the_dark_ink_of_the_negative(method, image):
    dark = binarize(255 - image, method=method, ink="dark")
    bright = binarize(image, method=method, ink="bright")
    if method == "otsu":  # two thresholds may be equally good
        scores = [between_variance(image, t) for t in range(256)]
        best = {int((image <= t).sum()) for t in range(256) if np.isclose(scores[t], max(scores))}
        assume(len(best) == 1 and len(np.unique(image)) > 1)
    np.testing.assert_array_equal(bright, dark)


def captcha(ground, stroke):
    image = np.full((20, 40), ground, dtype=np.uint8)
    image[5:15, 10:13] = image[5:15, 22:25] = stroke
    return image


@pytest.mark.parametrize("method", ["otsu", "adaptive", "sauvola", "fixed"])
@pytest.mark.parametrize(("ground", "stroke"), [(250, 30), (30, 250), (180, 100), (90, 160)])
def test_auto_finds_the_ink_on_dark_and_light_backgrounds(method, ground, stroke):
    image = captcha(ground, stroke)
    options = {"method": method, "ink": "auto", "window": 11, "k": 0.1}
    found = binarize(image, **options)
    np.testing.assert_array_equal(found, ink(image == stroke))
    np.testing.assert_array_equal(binarize(255 - image, **options), found)


@given(image=IMAGES)
def test_auto_ink_is_never_more_than_half(image):
    for method in ("otsu", "fixed"):
        assert 2 * (binarize(image, method=method, ink="auto") > 0).sum() <= image.size
