"""The recipe with a network is derived from one that finds the characters."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skcaptcha.auto._families import load_families
from skcaptcha.auto._network_recipe import (
    BATCHES_PER_CAPTCHA,
    ENOUGH_BATCHES,
    MANY_BATCHES,
    Heights,
    affordable_height,
    is_start_of_network,
    network_heights,
    network_recipe,
)
from skcaptcha.datasets import make_line_captchas
from skcaptcha.recipes import Recipe

STEPS = {
    "denoise": {
        "gray": {"use": "Grayscale", "channel": "contrast"},
        "opening": {"use": "MorphologicalOpening", "size": 3},
        "rescale": {"use": "HeightScaler", "pitch": 20},
    },
    "segment": {"use": "SlidingWindow"},
    "features": {"use": "OrientedGradients"},
    "read": {"use": "SequenceReader"},
}
WINDOWS = {"data": load_families()["data"], "steps": STEPS, "final": {"read__n_estimators": 3}}


def test_the_network_gets_the_denoising_of_the_windows_without_their_margin():
    recipe = network_recipe(WINDOWS, 48, original_height=30, n_estimators=2)
    model = Recipe(recipe).final_pipeline()
    assert list(model.named_steps) == ["images", "denoise", "read"]
    denoise = model["denoise"].named_steps
    assert denoise["gray"].channel == "contrast"
    assert denoise["opening"].size == 3
    assert (denoise["rescale"].height, denoise["rescale"].margin) == (48, 0)
    assert model["read"].n_estimators == 2
    assert "margin" not in STEPS["denoise"]["rescale"]


def test_the_network_gets_the_constraints_of_the_windows():
    read = {"use": "SequenceReader", "n_realignments": 0, "mask": ["AB", None], "charset": "ABC"}
    recipe = network_recipe({**WINDOWS, "steps": {**STEPS, "read": read}}, 48, original_height=30)
    reader = Recipe(recipe).pipeline()[-1]
    assert (reader.mask, reader.charset, reader.length) == (["AB", None], "ABC", None)


COMPONENTS = {
    "data": WINDOWS["data"],
    "final": {},
    "steps": {
        "denoise": {
            "gray": {"use": "Grayscale", "channel": "min"},
            "binarize": {"use": "Binarizer", "method": "otsu", "ink": "dark"},
            "specks": {"use": "SmallComponentRemover", "min_area": 3},
        },
        "segment": {"use": "ConnectedComponents", "n_characters": 4},
        "features": {"use": "HOG"},
        "read": {"use": "CharacterReader", "estimator": {"use": "SVC", "C": 3}},
    },
}


def test_the_network_starts_from_segments_of_images_of_the_original_size():
    X, y = make_line_captchas(40, random_state=0)
    recipe = network_recipe(COMPONENTS, 48, original_height=30, max_iter=2, n_hidden=8)
    model = Recipe(recipe).pipeline()
    denoise = model["denoise"].named_steps
    assert list(denoise) == ["gray", "polarity", "rescale"]
    assert (denoise["gray"].channel, denoise["polarity"].ink) == ("min", "dark")
    assert (denoise["rescale"].height, denoise["rescale"].margin) == (48, 0)
    init = model["read"].init
    assert list(init.named_steps) == [
        "rescale",
        "binarize",
        "specks",
        "segment",
        "features",
        "read",
    ]
    assert (init["rescale"].height, init["binarize"].ink) == (30, "bright")
    found = Recipe(COMPONENTS).pipeline()[:-2].fit_transform(X, y)
    images = model[:-1].fit_transform(X, y)
    again = init[:-2].fit_transform(images, y)
    assert (found.counts == 4).mean() > 0.5
    # Resizing moves edges by about a pixel.
    assert np.median(np.abs(found.boxes - again.boxes)) <= 1
    # The network and the segments agree about the distance of characters, in pixels of the network.
    reader = model.fit(X, y)[-1]
    distances = np.diff((found.boxes[:, 0] + found.boxes[:, 2] / 2).reshape(-1, 4)) * 48 / 30
    assert reader.pitch_ == pytest.approx(distances.mean(), rel=0.05)


def test_segments_and_rescaled_windows_are_a_start():
    assert is_start_of_network(WINDOWS)
    assert is_start_of_network(COMPONENTS)
    boxes = {**STEPS, "segment": {"use": "FixedBoxes", "boxes": [[0, 0, 5, 5]]}}
    assert not is_start_of_network({**WINDOWS, "steps": boxes})
    unscaled = {**STEPS, "denoise": {"gray": {"use": "Grayscale"}}}
    assert not is_start_of_network({**WINDOWS, "steps": unscaled})
    assert not is_start_of_network(network_recipe(WINDOWS, 24, original_height=30))


def _without_opening(denoise):
    return {name: step for name, step in denoise.items() if name != "opening"}


@pytest.mark.parametrize(
    ("size", "heights"),
    [(1, (30, 24, 32, 40)), (4, (120, 24, 40, 40)), (0.6, (18, 16, 24, 40))],
)
def test_the_network_sees_the_pixels_of_the_images_within_limits(size, heights):
    """The captchas are 30 pixels high, with about 28 pixels from one character to the next."""
    X, y = make_line_captchas(20, random_state=0)
    images = [cv2.resize(image, None, fx=size, fy=size) for image in X]
    # An opening would remove ink from small images.
    windows = {**WINDOWS, "steps": {**STEPS, "denoise": _without_opening(STEPS["denoise"])}}
    assert network_heights(windows, images, y.tolist()) == heights


@given(
    st.tuples(*[st.integers(1, 12)] * 3),
    st.integers(1, 1000),
    st.none() | st.floats(1e-4, 10),
    st.floats(1, 1000),
    st.floats(1, 1000),
)
def test_images_are_as_high_as_time_allows(units, n, batch_seconds, seconds, more):
    heights = Heights(30, *(8 * n for n in sorted(units)))
    height = affordable_height(heights, n, batch_seconds, seconds)
    assert heights.least <= height <= heights.greatest
    assert height % 8 == 0
    assert affordable_height(heights, n, batch_seconds, seconds + more) >= height
    if batch_seconds is None:
        assert height == heights.usual
        return
    enough, many = (
        min(n_batches, BATCHES_PER_CAPTCHA * n) for n_batches in (ENOUGH_BATCHES, MANY_BATCHES)
    )
    if enough * batch_seconds <= seconds:
        assert height >= heights.usual
    if many * batch_seconds >= seconds:
        assert height <= heights.usual


def test_smaller_and_larger_images_take_the_time_that_there_is():
    # A quarter of the pixels takes a quarter of the time.
    heights = Heights(30, 8, 32, 96)
    assert affordable_height(heights, 1000, 1.0, ENOUGH_BATCHES / 4) == 16
    assert affordable_height(heights, 1000, 1.0, MANY_BATCHES * 4) == 64
    # Ten captchas need fewer batches.
    assert affordable_height(heights, 10, 1.0, 10 * BATCHES_PER_CAPTCHA / 4) == 16
    assert affordable_height(heights, 10, 1.0, 10 * BATCHES_PER_CAPTCHA * 4) == 64


def test_the_height_is_that_of_the_text_if_images_are_cropped_to_it():
    images = []
    for i in range(20):
        image = np.zeros((90, 300), np.uint8)
        image[10 + i : 40 + i, 60 + i : 160 + i : 10] = 255
        images.append(image)
    gray, _, rescale = STEPS["denoise"].values()
    denoise = {"gray": gray, "text": {"use": "TextCropper"}, "rescale": rescale}
    windows = {**WINDOWS, "steps": {**STEPS, "denoise": denoise}}
    # The text is 30 pixels high, and its margins are 9; the box may be a few pixels higher.
    assert 48 <= network_heights(windows, images, ["abcd"] * 20).usual <= 56
    del denoise["text"]
    assert network_heights(windows, images, ["abcd"] * 20).usual >= 88


def test_the_height_can_be_measured_if_images_are_only_resized():
    X, y = make_line_captchas(20, random_state=0)
    gray = [255 - image.min(axis=2) for image in X]
    denoise = {"rescale": {"use": "HeightScaler", "pitch": 24}}
    windows = {**WINDOWS, "steps": {**STEPS, "denoise": denoise}}
    assert network_heights(windows, gray, y.tolist()) == (30, 24, 32, 40)
