"""The time of each step."""

import time

from sklearn.pipeline import Pipeline

from skcaptcha.datasets import make_line_captchas
from skcaptcha.denoise import Binarizer, Grayscale
from skcaptcha.features import RawPixels
from skcaptcha.inspection import time_steps
from skcaptcha.read import CharacterReader
from skcaptcha.segment import EqualSplit


class Slow(Grayscale):
    """Takes 20 milliseconds longer per batch."""

    def transform(self, X):
        time.sleep(0.02)
        return super().transform(X)


def test_each_step_is_timed_per_captcha():
    X, y = make_line_captchas(10, charset="AB", random_state=0)
    denoise = Pipeline([("slow", Slow()), ("skip", "passthrough"), ("ink", Binarizer())])
    steps = [("denoise", denoise), ("segment", EqualSplit(4)), ("features", RawPixels())]
    model = Pipeline([*steps, ("read", CharacterReader())]).fit(X, y)
    times = dict(time_steps(model, X))
    assert list(times) == ["slow", "ink", "segment", "features", "read"]
    assert 0.002 <= times["slow"] < 1
    assert all(0 < seconds < 1 for seconds in times.values())
