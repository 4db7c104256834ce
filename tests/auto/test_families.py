"""Recipe families with measured values filled in."""

from pathlib import Path

import numpy as np
import pytest

from bar_captchas import ALL, FIXED_BOXES, bars, strings
from skcaptcha import load_recipe
from skcaptcha.auto import measure
from skcaptcha.auto._families import families_for

CONFIGS = Path(__file__).parents[2] / "configs"


def test_auto_yaml_is_a_valid_recipe(monkeypatch):
    monkeypatch.chdir(CONFIGS)
    recipe = load_recipe("auto.yaml")
    assert len(recipe.grid) == len(ALL["grid"])
    assert Path("auto.yaml").resolve().parent.name == "ready"


def test_each_variant_has_a_recipe_for_each_reader():
    readers = [
        {"use": "CharacterReader", "estimator": {"use": "KNeighborsClassifier"}},
        {"use": "CharacterReader", "estimator": {"use": "SVC"}},
    ]
    grid = {
        "denoise__ink__threshold": [95, 127],
        "read": readers,
        "read__calibration_cv": [2, 3, 4],
    }
    labels = strings(30, "ABC", [3])
    measurement = measure(bars(labels), labels)
    content = FIXED_BOXES | {"grid": [grid]}
    (family,) = families_for(measurement, content)
    assert family.name == "FixedBoxes + RawPixels + SVC"
    assert family.excluded == ""
    thresholds = [variant.settings["denoise__ink__threshold"] for variant in family.variants]
    assert thresholds == [95, 127]
    for variant, threshold in zip(family.variants, thresholds, strict=True):
        assert [len(stage) for stage in variant.stages] == [3, 3]
        for reader, stage in zip(readers, variant.stages, strict=True):
            for recipe, cv in zip(stage, [2, 3, 4], strict=True):
                steps = recipe["steps"]
                assert steps["denoise"]["ink"]["threshold"] == threshold
                assert steps["segment"]["boxes"] == [list(box) for box in measurement.boxes]
                assert steps["read"] == {**reader, "calibration_cv": cv}
    assert content["steps"]["segment"]["boxes"] != recipe["steps"]["segment"]["boxes"]


@pytest.mark.parametrize(
    ("n_inverted", "polarities"),
    [(0, ["auto"]), (9, ["auto", "dark"]), (21, ["auto", "bright"]), (30, ["auto"])],
)
def test_if_polarity_differs_one_for_all_images_is_tried_too(n_inverted, polarities):
    labels = strings(30, "ABC", [3])
    images = [image if i < n_inverted else ~image for i, image in enumerate(bars(labels))]
    images = [~image for image in images]
    content = {**ALL, "grid": [ALL["grid"][-1] | {"denoise__opening__size": [1]}]}
    (family,) = families_for(measure(images, labels), content)
    found = {}
    for variant in family.variants:
        denoise = variant.stages[0][0]["steps"]["denoise"]
        channel = denoise["gray"].get("channel", "luma")
        found.setdefault(channel, []).append(denoise["polarity"].get("ink", "auto"))
    assert found == {"luma": polarities, "contrast": ["bright"]}


def test_readers_that_have_a_mask_get_the_one_of_the_labels():
    labels = [f"{i % 4}{'ABC'[i % 3]}" for i in range(60)]
    measurement = measure(bars(["AB"] * 60), labels)
    mask = ["0123", "ABC"]
    for family in families_for(measurement, ALL):
        for variant in family.variants:
            for stage in variant.stages:
                for recipe in stage:
                    read = recipe["steps"]["read"]
                    expected = mask if read["use"] == "SequenceReader" else None
                    assert read.get("mask") == expected
    own = {**ALL["grid"][-1], "denoise__opening__size": [1], "read__mask": [["0", None]]}
    (family,) = families_for(measurement, {**ALL, "grid": [own]})
    assert family.variants[0].stages[0][0]["steps"]["read"]["mask"] == ["0", None]


def test_a_family_without_boxes_is_excluded():
    images = [np.pad(image, ((0, 0), (0, i)), "edge") for i, image in enumerate(bars(["ABC"] * 9))]
    (family,) = families_for(measure(images, ["ABC"] * 9), FIXED_BOXES)
    assert family.excluded == "images differ in size"


@pytest.mark.parametrize("keep", [True, False])
def test_recipes_keep_the_small_marks_of_labels(keep):
    labels = strings(30, "ABC", [3])
    images = bars(labels)
    labels = [label.replace("C", ".") for label in labels] if keep else labels
    measurement = measure(images, labels)
    content = {**ALL, "grid": ALL["grid"][1:2]}
    assert measurement.small_marks == ("." if keep else "")
    assert (("small marks", ".") in measurement.summary()) == keep
    removers = [
        step
        for family in families_for(measurement, content)
        for variant in family.variants
        for step in variant.stages[-1][0]["steps"]["denoise"].values()
        if step["use"] in ("SmallComponentRemover", "ThinLineRemover")
    ]
    assert len({step["use"] for step in removers}) == 2
    assert all(step.get("keep_marks", False) == keep for step in removers)
