"""Recipes of the reader that learns its own features."""

import pytest
from sklearn.pipeline import Pipeline

from skcaptcha.exceptions import RecipeError
from skcaptcha.read import ConvolutionalReader, SequenceReader
from skcaptcha.recipes import Recipe
from skcaptcha.recipes._strict_yaml import parse_yaml

RECIPE = """
data: {generate: lines, n: 60, seed: 0}
steps:
  denoise:
    gray: {use: Grayscale}
    polarity: {use: PolarityNormalizer}
    rescale: {use: HeightScaler, height: 24, margin: 0}
  read:
    use: ConvolutionalReader
    max_iter: 40
    init:
      rescale: {use: HeightScaler}
      segment: {use: SlidingWindow}
      features: {use: OrientedGradients}
      read: {use: SequenceReader, n_realignments: 0}
grid:
  read__channels: [[8, 8, 16, 16, 16], [16, 16, 32, 32, 32]]
  read__init__segment__ratio: [1.2, 1.4]
final: {read__n_estimators: 3}
"""


def recipe(**changes) -> Recipe:
    content = parse_yaml(RECIPE, "recipe")
    content["steps"]["read"] |= changes
    return Recipe(content)


def test_its_pipeline_goes_from_images_to_strings():
    pipeline = recipe().pipeline()
    assert list(pipeline.named_steps) == ["images", "denoise", "read"]
    reader = pipeline[-1]
    assert isinstance(reader, ConvolutionalReader)
    assert reader.max_iter == 40
    assert isinstance(reader.init, Pipeline)
    assert isinstance(reader.init[-1], SequenceReader)
    assert repr(recipe()) == "<Recipe recipe: ConvolutionalReader; 4 candidates, 5 folds>"


def test_its_grid_reaches_the_reader_that_finds_the_places():
    params = {"read__channels": [8, 8, 16, 16, 16], "read__init__segment__ratio": 1.2}
    final = recipe().final_pipeline(params)
    assert final[-1].channels == [8, 8, 16, 16, 16]
    assert final[-1].init["segment"].ratio == 1.2
    assert final[-1].n_estimators == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_iter": 0}, r"steps\.read: .*'max_iter' .*Got 0"),
        ({"init": {"use": "SequenceReader"}}, r"steps\.read: .*'init' .*Pipeline"),
        ({"init": {"use": "HOGG"}}, r"steps\.read\.init\.use: found 'HOGG'; did you mean HOG\?"),
        ({"estimator": {"use": "SVC"}}, r"steps\.read\.estimator: ConvolutionalReader has no such"),
    ],
)
def test_bad_values_are_named(changes, message):
    with pytest.raises(RecipeError, match=message):
        recipe(**changes)
