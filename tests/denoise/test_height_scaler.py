"""All images are scaled to one height, computed from the distance between characters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skcaptcha.denoise import HeightScaler


def striped(height):
    """An image with dense vertical strokes in 160 of its 200 columns."""
    image = np.zeros((height, 200), np.uint8)
    image[height // 5 : -height // 5, 20:180:4] = 255
    return image


@given(
    height=st.integers(1, 30),
    width=st.integers(1, 60),
    new_height=st.integers(1, 40),
    margin=st.sampled_from([0, 0.25, 0.5]),
)
def test_images_keep_their_proportions_and_repeat_their_edges(height, width, new_height, margin):
    image = np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)
    (scaled,) = HeightScaler(new_height, margin=margin).fit_transform([image])
    pad = round(margin * new_height)
    assert scaled.shape[0] == new_height
    assert abs(scaled.shape[1] - 2 * pad - width * new_height / height) <= 1
    np.testing.assert_array_equal(scaled[:, :pad], np.repeat(scaled[:, [pad]], pad, axis=1))
    last = scaled.shape[1] - pad - 1
    np.testing.assert_array_equal(scaled[:, last + 1 :], np.repeat(scaled[:, [last]], pad, axis=1))


def test_an_image_of_that_height_remains_unchanged():
    image = striped(40)
    np.testing.assert_array_equal(HeightScaler(40, margin=0).fit_transform([image])[0], image)


@pytest.mark.parametrize("height", [30, 60, 90])
def test_characters_have_the_requested_pitch(height):
    """Eight characters in 160 columns have 20 columns each."""
    scaler = HeightScaler(pitch=30).fit([striped(height)] * 3, ["12345678"] * 3)
    assert scaler.height_ == pytest.approx(min(96, height * 30 / 20), rel=0.1)


def test_the_chosen_height_has_limits():
    images = [striped(40)]
    assert HeightScaler(pitch=1000).fit(images, ["12345678"]).height_ == 96
    assert HeightScaler(pitch=0.1).fit(images, ["12345678"]).height_ == 20


@pytest.mark.parametrize("labels", [None, ["", ""]])
def test_without_labels_the_pitch_is_half_the_image_height(labels):
    assert HeightScaler(pitch=24).fit([striped(30), striped(80)], labels).height_ == 48


def test_images_without_a_label_do_not_count():
    images = [striped(40), np.zeros((40, 200), np.uint8)]
    alone = HeightScaler().fit(images[:1], ["12345678"]).height_
    assert HeightScaler().fit(images, ["12345678", ""]).height_ == alone
