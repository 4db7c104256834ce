"""What answers a defense can be taken out of any recipe, and is missed where it is needed."""

import cv2
import numpy as np
import pytest

from skcaptcha.audit._ablation import changes
from skcaptcha.audit._reading import fit_and_read
from skcaptcha.auto import load_families, measure
from skcaptcha.auto._families import families_for
from skcaptcha.datasets import make_line_captchas
from skcaptcha.recipes import Recipe


def letters(**step: dict) -> dict:
    """Give a recipe for drawn captchas that has one more step of denoising."""
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
def test_every_change_of_every_ready_recipe_is_another_recipe_that_can_be_built(dark_ink):
    images, labels = make_line_captchas(20, random_state=0)
    measurement = measure(images, labels.tolist())
    content = load_families()
    answered = set()
    for family in families_for(measurement, content):
        for variant in family.variants:
            recipe = variant.stages[-1][0]
            for change in changes(recipe, measurement.length, dark_ink):
                assert change.recipe["steps"] != recipe["steps"], change.what
                Recipe({"data": content["data"], **change.recipe}).pipeline()
                answered |= set(change.answers)
    assert answered >= {"noise", "lines", "touching", "rotation", "shape", "length", "ground"}


def test_an_opening_that_does_nothing_is_not_left_out():
    idle, busy = (letters(opening={"use": "MorphologicalOpening", "size": size}) for size in (1, 2))
    assert not any("MorphologicalOpening" in change.what for change in changes(idle, 3, 1.0))
    assert any("MorphologicalOpening" in change.what for change in changes(busy, 3, 1.0))


# OpenCV 4 draws letters of other fonts, on which the same amounts of a defense tell less.
@pytest.mark.skipif(int(cv2.__version__.split(".")[0]) < 5, reason="made for OpenCV 5's letters")
@pytest.mark.parametrize(
    ("more", "step"),
    [
        ({"lines": 3}, {"use": "MorphologicalOpening", "size": 2}),
        ({"specks": 60}, {"use": "SmallComponentRemover", "min_area": 12}),
    ],
)
def test_a_step_is_missed_where_captchas_have_what_it_answers(drawn, labels, more, step):
    y = np.array(labels)
    learn, read = np.arange(60), np.arange(60, len(y))
    recipe = letters(step=step)
    change = next(c for c in changes(recipe, 3, 1.0) if c.what == f"without {step['use']}")

    def n_read(content, images):
        return int((np.array(fit_and_read(content, images, y, learn, read)) == y[read]).sum())

    plain, hard = drawn(labels), drawn(labels, **more)
    assert n_read(recipe, plain) == n_read(change.recipe, plain) == len(read)
    assert n_read(recipe, hard) > n_read(change.recipe, hard) + len(read) // 8
