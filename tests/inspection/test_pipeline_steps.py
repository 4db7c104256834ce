"""The steps of nested pipelines."""

import pytest
from sklearn.pipeline import Pipeline

from skcaptcha.base import leaf_steps
from skcaptcha.denoise import Binarizer, Grayscale
from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.inspection._pipeline_steps import n_image_steps, step_parameters
from skcaptcha.read import CharacterReader
from skcaptcha.segment import EqualSplit

INNER = Pipeline([("ink", Binarizer(threshold=90, method="fixed")), ("none", "passthrough")])
MODEL = Pipeline(
    [
        ("denoise", Pipeline([("gray", Grayscale()), ("inner", INNER)])),
        ("segment", EqualSplit(4)),
        ("read", CharacterReader()),
    ]
)


def test_steps_of_nested_pipelines_are_named_by_their_path():
    names = ["denoise.gray", "denoise.inner.ink", "denoise.inner.none", "segment", "read"]
    assert [name for name, _ in leaf_steps(MODEL)] == names
    assert dict(leaf_steps(MODEL))["denoise.inner.ink"] is INNER["ink"]
    parameters = dict(step_parameters(MODEL))
    assert list(parameters) == names
    assert parameters["denoise.inner.ink"] == "Binarizer(method='fixed', threshold=90)"
    assert parameters["segment"] == "EqualSplit(n_characters=4)"


def test_the_segmenter_is_found():
    assert n_image_steps(MODEL) == 1
    with pytest.raises(SkcaptchaError, match="no segmenter among its steps"):
        n_image_steps(MODEL[:1])
