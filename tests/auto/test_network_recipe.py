"""The recipe with a network is derived from one that reads windows."""

import cv2
import pytest

from skcaptcha.auto._families import load_families
from skcaptcha.auto._network_recipe import is_start_of_network, network_height, network_recipe
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
    recipe = network_recipe(WINDOWS, 48, n_estimators=2)
    model = Recipe(recipe).final_pipeline()
    assert list(model.named_steps) == ["images", "denoise", "read"]
    denoise = model["denoise"].named_steps
    assert denoise["gray"].channel == "contrast"
    assert denoise["opening"].size == 3
    assert (denoise["rescale"].height, denoise["rescale"].margin) == (48, 0)
    assert model["read"].n_estimators == 2
    assert "margin" not in STEPS["denoise"]["rescale"]


def test_only_windows_that_are_rescaled_are_a_start():
    assert is_start_of_network(WINDOWS)
    boxes = {**STEPS, "segment": {"use": "FixedBoxes", "boxes": [[0, 0, 5, 5]]}}
    assert not is_start_of_network({**WINDOWS, "steps": boxes})
    unscaled = {**STEPS, "denoise": {"gray": {"use": "Grayscale"}}}
    assert not is_start_of_network({**WINDOWS, "steps": unscaled})
    assert not is_start_of_network(network_recipe(WINDOWS, 24))


@pytest.mark.parametrize(("size", "height"), [(1, 32), (4, 40)])
def test_the_network_sees_the_pixels_of_the_images_within_limits(size, height):
    """The captchas are 30 pixels high, with about 28 pixels from one character to the next."""
    X, y = make_line_captchas(20, random_state=0)
    images = [cv2.resize(image, None, fx=size, fy=size) for image in X]
    assert network_height(WINDOWS, images, y.tolist()) == height
