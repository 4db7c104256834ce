"""``export`` writes networks to an ONNX file."""

from pathlib import Path

import onnxruntime
import pytest
from sklearn.pipeline import make_pipeline

from skcaptcha import save
from skcaptcha.datasets import make_line_captchas
from skcaptcha.denoise import Grayscale, HeightScaler, PolarityNormalizer
from skcaptcha.images import ImageDecoder
from skcaptcha.read import ConvolutionalReader

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
    assert outcome.err == f"1 network written to {tmp_path / 'new' / 'a.onnx'}\n"
    session = onnxruntime.InferenceSession(tmp_path / "new" / "a.onnx")
    assert [value.name for value in session.get_inputs()] == ["image"]
    assert run("export", network, tmp_path / "new" / "a.onnx").code == 0  # it may be replaced


def test_export_needs_a_network(run, model, tmp_path):
    outcome = run("export", model, tmp_path / "a.onnx")
    assert outcome.code == 2
    assert "only the networks of ConvolutionalReader can be exported" in outcome.sentence()
    assert not list(tmp_path.iterdir())


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
