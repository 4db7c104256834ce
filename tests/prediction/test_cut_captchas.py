"""Captchas are cut into the characters of their labels; the others are listed."""

import numpy as np
import pytest

from skcaptcha import load_recipe
from skcaptcha.datasets import Captchas, load_captchas, make_line_captchas, write_captchas
from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.images import decode
from skcaptcha.prediction import cut_captchas


@pytest.mark.parametrize("kind", ["recipe", "model"])
def test_captchas_that_do_not_fit_their_label_are_skipped(tmp_path, kind):
    X, y = make_line_captchas(12, charset="AB1", random_state=0)
    write_captchas(tmp_path / "in", X, [*y[:-1], "ABCDE"])
    (tmp_path / "in" / "00003.png").write_bytes(b"no image")
    captchas = load_captchas(tmp_path / "in")
    model = load_recipe("grid")
    if kind == "model":
        model = model.pipeline().fit(X, y)
    cut = cut_captchas(captchas, tmp_path / "out", model)
    assert [failure["filename"] for failure in cut.failed] == ["00003.png", "00012.png"]
    assert cut.failed[1]["reason"] == "it has 4 segments, but its label is 'ABCDE'"
    files = sorted((tmp_path / "out").glob("*/*.png"))
    assert cut.n_characters == len(files) == 40
    kept = "".join(label for i, label in enumerate(y[:-1]) if i != 2)
    assert sorted(file.parent.name for file in files) == sorted(kept)
    assert all(np.any(decode(file)) for file in files)


def test_nothing_is_written_if_no_captcha_can_be_cut(tmp_path):
    X, y = make_line_captchas(12, charset="AB1", random_state=0)
    model = load_recipe("grid").pipeline().fit(X, y)
    captchas = Captchas(data=list(X[:2]), target=["ABC", "DEF"], filenames=["1.png", "2.png"])
    with pytest.raises(SkcaptchaError, match="none of the 2 captchas, such as 1"):
        cut_captchas(captchas, tmp_path / "out", model)
    assert not (tmp_path / "out").exists()
