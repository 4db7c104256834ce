"""``export`` writes networks to an ONNX file."""

import json
from pathlib import Path

import onnxruntime
import pytest
from sklearn.pipeline import make_pipeline

from skcaptcha import save
from skcaptcha.datasets import make_line_captchas
from skcaptcha.denoise import Grayscale, HeightScaler, PolarityNormalizer
from skcaptcha.features import RawPixels
from skcaptcha.images import ImageDecoder
from skcaptcha.read import CharacterReader, ConvolutionalReader
from skcaptcha.segment import EqualSplit

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Model file of a pipeline with a network."""
    path = tmp_path_factory.mktemp("network") / "model.joblib"
    X, y = make_line_captchas(12, charset="AB", random_state=0)
    steps = ImageDecoder(), Grayscale(), PolarityNormalizer(), HeightScaler(height=24, margin=0)
    reader = ConvolutionalReader(max_iter=2, channels=(4, 4, 4, 4, 4), random_state=0)
    save(make_pipeline(*steps, reader).fit(list(X), y), path)
    return path


def test_export_writes_a_file_that_runs(run, network, tmp_path):
    outcome = run("export", network, tmp_path / "new" / "a.onnx")
    assert outcome.code == 0, outcome.err
    assert outcome.err.startswith(f"{network} exported to {tmp_path / 'new' / 'a.onnx'}; other")
    session = onnxruntime.InferenceSession(tmp_path / "new" / "a.onnx")
    assert [value.name for value in session.get_inputs()] == ["image"]
    again = run("export", network, tmp_path / "new" / "a.onnx", "--json", "-")  # it is replaced
    assert again.code == 0
    assert json.loads(again.out)["classes"] == ["A", "B"]


def test_export_refuses_what_onnx_cannot_express(run, tmp_path):
    X, y = make_line_captchas(12, charset="AB", random_state=0)
    steps = ImageDecoder(), Grayscale(), PolarityNormalizer(), EqualSplit(4), RawPixels()
    save(make_pipeline(*steps, CharacterReader()).fit(list(X), y), tmp_path / "m.joblib")
    outcome = run("export", tmp_path / "m.joblib", tmp_path / "a.onnx")
    assert outcome.code == 2
    assert (
        "EqualSplit (step equalsplit) and RawPixels (step rawpixels) cannot" in outcome.sentence()
    )
    assert not (tmp_path / "a.onnx").exists()


def test_export_does_not_replace_the_model(run, network, tmp_path):
    linked = tmp_path / "a.onnx"
    linked.symlink_to(network)
    before = network.read_bytes()
    for out, why in (
        (network, "the format is ONNX; use a name such as"),
        (network.with_suffix(".json"), "the format is ONNX"),
        (linked, "read by this command"),
        (tmp_path, "the format is ONNX"),
        ("-", "use a file name"),
    ):
        outcome = run("export", network, out)
        assert outcome.code == 2
        assert why in outcome.sentence()
    assert network.read_bytes() == before
    assert linked.is_symlink()
