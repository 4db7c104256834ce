"""One file adds a denoiser or a segmenter, and recipes can then use it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import skcaptcha

DENOISER = '''
from skcaptcha.denoise._base import BaseDenoiser


class Inverter(BaseDenoiser):
    """Inverter of gray values."""

    def _denoise(self, images):
        return 255 - images
'''
SEGMENTER = '''
import numpy as np

from skcaptcha.segment._base import BaseSegmenter


class Halves(BaseSegmenter):
    """Segmenter that cuts each image in the middle."""

    def _segment(self, images):
        n, h, w = images.shape
        return [np.array([[0, 0, w // 2, h], [w // 2, 0, w - w // 2, h]])] * n, None
'''
FIT = """
import numpy as np
from skcaptcha import load_recipe
from skcaptcha.recipes import Recipe

content = {
    "data": {"generate": "lines"},
    "steps": {
        "denoise": {"gray": {"use": "Grayscale"}, "own": {"use": "DENOISER"}},
        "segment": SEGMENTER,
        "features": {"use": "RawPixels", "shape": [8, 8]},
        "read": {"use": "CharacterReader"},
    },
}
letters = np.zeros((2, 10, 8), np.uint8)
letters[0, 2:8, 2:3] = 255
letters[1, 2:8, 1:7] = 255
labels = ["AA", "AB", "BA", "BB"] * 3
images = [np.hstack([letters["AB".index(c)] for c in label]) for label in labels]
model = Recipe(content).pipeline().fit([255 - image for image in images], labels)
print(*model.predict([255 - image for image in images[:4]]))
"""
CASES = {
    "denoise": ("inverter", DENOISER, "Inverter", '{"use": "EqualSplit", "n_characters": 2}'),
    "segment": ("halves", SEGMENTER, "PolarityNormalizer", '{"use": "Halves"}'),
}


@pytest.mark.parametrize("step", CASES)
def test_one_file_adds_a_step(tmp_path: Path, step: str) -> None:
    name, code, denoiser, segmenter = CASES[step]
    package = tmp_path / "skcaptcha"
    shutil.copytree(Path(skcaptcha.__file__).parent, package)
    (package / step / f"_{name}.py").write_text(code)
    fit = FIT.replace("DENOISER", denoiser).replace("SEGMENTER", segmenter)
    done = subprocess.run(
        [sys.executable, "-c", fit],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("AA AB BA BB\n", "")
