"""Steps against a defense can be removed from any recipe; accuracy drops if they are needed."""

import cv2
import numpy as np
import pytest

from skcaptcha.audit._fits import Split, fit_and_read
from skcaptcha.audit._recipe_changes import recipe_changes
from skcaptcha.auto import load_families, measure
from skcaptcha.auto._families import families_for
from skcaptcha.datasets import make_line_captchas
from skcaptcha.recipes import Recipe


def letters(**step: dict) -> dict:
    """Return a recipe for generated captchas with an additional denoising step."""
    return {
        "steps": {
            "denoise": {
                "gray": {"use": "Grayscale"},
                "binarize": {
                    "use": "Binarizer",
                    "method": "fixed",
                    "threshold": 127,
                    "ink": "dark",
                },
                **step,
            },
            "segment": {"use": "ConnectedComponents", "n_characters": 3},
            "features": {"use": "HOG", "shape": [20, 20]},
            "read": {"use": "CharacterReader", "estimator": {"use": "SVC", "C": 10}},
        }
    }


@pytest.mark.parametrize("dark_ink", [1.0, 0.4])
def test_every_changed_ready_recipe_differs_and_can_be_built(dark_ink):
    images, labels = make_line_captchas(20, random_state=0)
    measurement = measure(images, labels.tolist())
    content = load_families()
    countered = set()
    for family in families_for(measurement, content):
        for variant in family.variants:
            recipe = variant.stages[-1][0]
            for change in recipe_changes(recipe, measurement.length, dark_ink):
                assert change.recipe["steps"] != recipe["steps"], change.description
                Recipe({"data": content["data"], **change.recipe}).pipeline()
                countered |= set(change.counters)
    assert countered >= {"noise", "lines", "touching", "rotation", "shape", "length", "background"}


def test_changes_of_a_reader_of_images():
    steps = letters()["steps"]
    recipe = {"steps": {"denoise": steps["denoise"], "read": {"use": "ConvolutionalReader"}}}
    changes = list(recipe_changes(recipe, 3, 1.0))
    for change in changes:
        pipeline = Recipe({"data": {"generate": "lines"}, **change.recipe}).pipeline()
        assert ("segment" in pipeline.named_steps) == ("touching" in change.counters)
    assert [change.description for change in changes] == [
        "with one segmentation instead of the best path",
        "without rotated, slanted and stretched training images",
        "without knowing the length",
    ]


def test_opening_without_effect_is_not_removed():
    idle, busy = (letters(opening={"use": "MorphologicalOpening", "size": size}) for size in (1, 2))
    assert not any(
        "MorphologicalOpening" in change.description for change in recipe_changes(idle, 3, 1.0)
    )
    assert any(
        "MorphologicalOpening" in change.description for change in recipe_changes(busy, 3, 1.0)
    )


# OpenCV 4 draws letters in other fonts, for which the differences are smaller.
@pytest.mark.skipif(int(cv2.__version__.split(".")[0]) < 5, reason="made for OpenCV 5's letters")
@pytest.mark.parametrize(
    ("more", "step"),
    [
        ({"lines": 3}, {"use": "MorphologicalOpening", "size": 2}),
        ({"specks": 60}, {"use": "SmallComponentRemover", "min_area": 12}),
    ],
)
def test_removing_a_needed_step_lowers_the_accuracy(drawn, labels, more, step):
    y = np.array(labels)
    recipe = letters(step=step)
    change = next(
        c for c in recipe_changes(recipe, 3, 1.0) if c.description == f"without {step['use']}"
    )

    def n_read(content, images):
        split = Split(images[:60], y[:60], images[60:], y[60:])
        return int(fit_and_read(content, split, seconds=60).sum())

    plain, hard = drawn(labels), drawn(labels, **more)
    assert n_read(recipe, plain) == n_read(change.recipe, plain) == len(y) - 60
    assert n_read(recipe, hard) > n_read(change.recipe, hard) + (len(y) - 60) // 8
