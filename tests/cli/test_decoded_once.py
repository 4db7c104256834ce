"""``fit`` opens and decodes each file only once."""

import builtins
import io
import os
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from skcaptcha.datasets import make_line_captchas, write_captchas
from skcaptcha.images import _decode

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_captchas(tmp_path / "lines", *make_line_captchas(80, random_state=3))
    (tmp_path / "lines" / "00003.png").write_bytes(b"<html>")
    return tmp_path / "lines"


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> tuple[Counter, Counter]:
    """Count how often each file is opened and how often each content is decoded."""
    opened: Counter = Counter()
    decoded: Counter = Counter()

    def note(path):
        if str(path).endswith((".png", ".jpg")):
            opened[os.path.basename(os.fspath(path))] += 1

    def watch(module, name):
        original = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda path, *args, **kw: (note(path), original(path, *args, **kw))[1]
        )

    for module, name in ((builtins, "open"), (io, "open"), (os, "open")):
        watch(module, name)
    decode_bytes = _decode.decode_bytes

    def counted(content, *args):
        decoded[bytes(content)] += 1
        return decode_bytes(content, *args)

    monkeypatch.setattr(_decode, "decode_bytes", counted)
    return opened, decoded


@pytest.mark.parametrize(
    "recipe", [pytest.param([], marks=pytest.mark.slow), [CONFIGS / "grid.yaml", "--data"]]
)
def test_every_file_is_opened_and_decoded_once(run, folder, count, recipe, tmp_path):
    outcome = run("fit", *recipe, folder, "--out", tmp_path / "m.joblib", "--jobs", 1)
    assert outcome.code == 1, outcome.err
    opened, decoded = count
    assert opened == {f"{i:05}.png": 1 for i in range(1, 81)}
    assert set(decoded.values()) == {1}
    assert len(decoded) == 80


def test_luma_of_jpeg_files_is_decoded_once(run, tmp_path, count):
    images, labels = make_line_captchas(60, random_state=3)
    folder = tmp_path / "jpeg"
    folder.mkdir()
    for i, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{i}.jpg", quality=95)
    rows = [f"{i}.jpg,{label}" for i, label in enumerate(labels)]
    (folder / "labels.csv").write_text("\n".join(["filename,label", *rows]))
    opened, decoded = count
    opened.clear()  # ignore the writing of the images
    arguments = ("fit", CONFIGS / "grid.yaml", "--data", folder, "--out", tmp_path / "m.joblib")
    outcome = run(*arguments, "--jobs", 1)
    assert outcome.code == 0, outcome.err
    assert set(opened.values()) == {1}
    # Once as RGB and once as luma, because luma cannot be computed from RGB.
    assert set(decoded.values()) == {2}
    assert len(decoded) == 60
