from sklearn.pipeline import Pipeline

from skcaptcha import save
from skcaptcha.datasets import load_captchas
from skcaptcha.denoise import Grayscale, HeightScaler, PolarityNormalizer
from skcaptcha.features import OrientedGradients
from skcaptcha.images import ImageDecoder
from skcaptcha.read import SequenceReader
from skcaptcha.segment import SlidingWindow


def test_predict_constrains_texts(run, captchas, tmp_path):
    bunch = load_captchas(captchas)
    model = Pipeline(
        [
            ("images", ImageDecoder()),
            (
                "denoise",
                Pipeline(
                    [("gray", Grayscale()), ("ink", PolarityNormalizer()), ("size", HeightScaler())]
                ),
            ),
            ("segment", SlidingWindow()),
            ("features", OrientedGradients()),
            ("read", SequenceReader(random_state=0)),
        ]
    ).fit(bunch.data, bunch.target)
    path = tmp_path / "model.joblib"
    save(model, path)
    charset = "".join(model[-1].classes_[:2])
    outcome = run("predict", bunch.data[0], "--model", path, "--charset", charset, "--length", 3)
    assert outcome.code == 0, outcome.err
    text = outcome.out.split("\t")[1]
    assert len(text) == 3
    assert set(text) <= set(charset)
    outcome = run("predict", bunch.data[0], "--model", path, "--length", 500)
    assert outcome.code == 1
    assert "no text with this length fits the image" in outcome.err
    assert not outcome.out
    outcome = run("predict", bunch.data[0], "--model", path, "--charset", "~")
    assert outcome.code == 2
    assert "charset: allows only '~'" in outcome.err


def test_character_readers_cannot_be_constrained(run, model, captchas):
    outcome = run("predict", captchas, "--model", model, "--charset", "12")
    assert outcome.code == 2
    assert "--charset: a CharacterReader cannot be constrained" in outcome.sentence()
