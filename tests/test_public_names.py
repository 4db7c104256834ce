"""Public names of skcaptcha, and modules imported with it."""

import pkgutil
import subprocess
import sys

import numpy as np
import pytest

import skcaptcha
from skcaptcha.datasets import Captchas, load_captchas, split_captchas, write_captchas


def test_submodules_are_attributes_without_an_import():
    script = "import skcaptcha; print(skcaptcha.datasets.make_line_captchas.__name__)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "make_line_captchas\n"


def test_all_public_submodules_are_listed():
    public = {m.name for m in pkgutil.iter_modules(skcaptcha.__path__) if m.name[0] != "_"}
    assert {*dir(skcaptcha)} == {*skcaptcha.__all__, *public - {"cli"}}
    for name in dir(skcaptcha):
        assert getattr(skcaptcha, name) is not None
    with pytest.raises(AttributeError, match="module 'skcaptcha' has no attribute 'lode'"):
        _ = skcaptcha.lode


@pytest.mark.parametrize("script", ["import skcaptcha", "import skcaptcha.__main__", "--help"])
def test_import_skcaptcha_imports_no_large_package(script):
    args = ["-m", "skcaptcha", "--help"] if script == "--help" else ["-c", script]
    run = subprocess.run(
        [sys.executable, "-X", "importtime", *args], capture_output=True, text=True, check=True
    )
    imported = {line.rpartition("|")[2].strip() for line in run.stderr.splitlines()}
    assert "skcaptcha" in imported
    assert not imported & {"sklearn", "scipy", "numpy", "cv2", "skimage", "matplotlib", "PIL"}


def test_reprs_are_one_short_line(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (5, 10, 20), dtype=np.uint8)
    write_captchas(tmp_path, images, ["AB", "CD", "EF", "GH", "IJ"])
    captchas = load_captchas(tmp_path)
    assert repr(captchas) == "<Captchas: 5 images, labels 'AB', 'CD', 'EF', ...>"
    train, test = split_captchas(captchas, "1..4")
    assert repr(train) == "<Captchas: 4 images, labels 'AB', 'CD', 'EF', ...>"
    assert repr(test) == "<Captchas: 1 image, labels 'IJ'>"
    assert repr(load_captchas(tmp_path, labeled=False)) == "<Captchas: 5 images, no labels>"
    assert repr(Captchas(data=[], target=[])) == "<Captchas: 0 images>"
    recipe = skcaptcha.load_recipe("grid")
    steps = "FixedBoxes, RawPixels, CharacterReader"
    assert repr(recipe) == f"<Recipe grid: {steps}; 120 candidates, 5 folds>"
