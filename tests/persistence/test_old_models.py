"""Models of every file format can still be loaded."""

import json
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import sklearn

from skcaptcha import load
from skcaptcha.datasets import make_line_captchas
from skcaptcha.exceptions import ModelVersionWarning, UntrustedModelError
from skcaptcha.persistence import load_manifest
from skcaptcha.read import read_captchas

MODELS = Path(__file__).parents[1] / "models"
FILES = sorted(path for path in MODELS.glob("[0-9]*/*") if path.suffix in (".joblib", ".skops"))
FITTED_WITH = "1.6.0"

every = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(MODELS)))


def test_there_is_a_model_of_every_format():
    assert [str(path.relative_to(MODELS)) for path in FILES] == [
        "1/characters.joblib", "1/characters.skops", "1/sequence.joblib", "1/sequence.skops",
    ]  # fmt: skip


@every
def test_old_models_read_as_before(path):
    images, labels = make_line_captchas(200, charset="AB17", random_state=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = load(path, trust=True)
    if sklearn.__version__ == FITTED_WITH:
        assert not caught
    else:
        (warning,) = caught
        assert warning.category is ModelVersionWarning
        said = str(warning.message)
        assert str(path) in said
        assert FITTED_WITH in said
        assert sklearn.__version__ in said
        assert warning.filename == __file__
    np.testing.assert_array_equal(model.predict(list(images[:40])), labels[:40])
    readings = read_captchas(model, list(images))
    right = np.array([r.text == label for r, label in zip(readings, labels, strict=True)])
    assert right.mean() > 0.9
    assert 0.5 < np.mean([reading.confidence for reading in readings]) <= 1


@pytest.mark.parametrize("path", sorted(MODELS.glob("*/*.joblib")), ids=str)
def test_old_models_need_trust(path):
    with pytest.raises(UntrustedModelError, match="--trust"):
        load(path)


@every
def test_manifests_of_old_models(path):
    manifest = load_manifest(path)
    assert manifest["versions"]["scikit-learn"] == FITTED_WITH
    assert manifest["format_version"] == int(path.parent.name)
    assert manifest["characters"] == "17AB"
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read("manifest.json")) == manifest
