"""Time the ten functions that take most of the time.

Needs the extra ``bench``. Save the times of one version, and compare a later one with them::

    python -m pytest benchmarks/hottest.py --benchmark-save=before
    python -m pytest benchmarks/hottest.py --benchmark-compare --benchmark-compare-fail=median:20%
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

# NumPy reads these when it is imported.
os.environ.update(dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"], "1"))

import cv2
import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from skcaptcha import Segments
from skcaptcha.datasets import make_line_captchas
from skcaptcha.denoise import Binarizer, Grayscale, SmallComponentRemover, Smoother
from skcaptcha.features import HOG, OrientedGradients
from skcaptcha.images import ImageDecoder
from skcaptcha.read import CharacterReader
from skcaptcha.read.sequence._lattice import Lattice, Spacing, Spans
from skcaptcha.segment import ConnectedComponents, FixedBoxes, SlidingWindow

N = 256
BOXES = [[8, 4, 20, 21], [38, 4, 20, 21], [68, 4, 20, 21], [98, 4, 20, 21]]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Prevent OpenCV from starting threads."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(before)


@pytest.fixture(scope="module")
def captchas() -> tuple[list[np.ndarray], np.ndarray]:
    """Return color captchas of the scheme "lines" and their labels."""
    images, labels = make_line_captchas(N, random_state=0)
    return list(images), labels


@pytest.fixture(scope="module")
def gray(captchas) -> list[np.ndarray]:
    """Return the captchas in gray."""
    return Grayscale().fit_transform(captchas[0])


@pytest.fixture(scope="module")
def ink(gray) -> list[np.ndarray]:
    """Return binary images of the captchas without the thinnest lines."""
    smooth = Smoother().fit_transform(Binarizer("fixed", threshold=127).fit_transform(gray))
    return Binarizer("fixed", threshold=170, ink="bright").fit_transform(smooth)


@pytest.fixture(scope="module")
def segments(ink) -> Segments:
    """Return one segment for each character."""
    return FixedBoxes(BOXES).fit_transform(ink)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_decode(benchmark, captchas, suffix, tmp_path: Path) -> None:
    files = [str(tmp_path / f"{i}{suffix}") for i in range(N)]
    for file, image in zip(files, captchas[0], strict=True):
        cv2.imwrite(file, image)
    assert len(benchmark(ImageDecoder(gray=True).transform, files)) == N


@pytest.mark.parametrize(
    "denoiser",
    [Smoother(), Binarizer("otsu", ink="auto"), SmallComponentRemover(min_area=10)],
    ids=lambda denoiser: type(denoiser).__name__,
)
def test_denoise(benchmark, gray, ink, denoiser) -> None:
    images = ink if isinstance(denoiser, SmallComponentRemover) else gray
    assert len(benchmark(denoiser.transform, images)) == N


def test_connected_components(benchmark, ink) -> None:
    segmenter = ConnectedComponents(4).fit(ink)
    assert len(benchmark(segmenter.transform, ink)) == N


@pytest.mark.parametrize("keep_aspect", [False, True])
def test_crops(benchmark, ink, keep_aspect) -> None:
    segments = ConnectedComponents(4).fit_transform(ink)
    assert len(benchmark(segments.crops, (20, 20), keep_aspect=keep_aspect)) == 4 * N


def test_hog(benchmark, segments) -> None:
    assert len(benchmark(HOG(shape=(20, 20)).fit(segments).transform, segments)) == N


@pytest.mark.parametrize(
    "classifier", [KNeighborsClassifier(3), SVC(C=10)], ids=lambda made: type(made).__name__
)
def test_read(benchmark, segments, captchas, classifier) -> None:
    described = HOG(shape=(20, 20)).fit_transform(segments)
    reader = CharacterReader(classifier).fit(described, captchas[1])
    assert len(benchmark(reader.predict, described)) == N


def test_oriented_gradients(benchmark, gray) -> None:
    windows = SlidingWindow(width=28, step=2).fit_transform([~image for image in gray])
    features = OrientedGradients().fit(windows)
    assert len(benchmark(features.transform, windows)) == N


def test_lattice(benchmark) -> None:
    rng = np.random.default_rng(0)
    n, windows, classes, width, longest = 64, 50, 20, 28, 6
    left = np.tile(2 * np.arange(windows), n)[:, None]
    lattice = Lattice(
        rng.normal(-4, 2, (n * windows, classes)),
        Spans(left, left + width),
        np.arange(n + 1) * windows,
        Spacing(-width, rng.normal(-3, 1, 2 * width)),
    )
    allowed = np.ones((longest, classes), dtype=bool)
    assert len(benchmark(lattice.viterbi, np.zeros(longest), allowed).scores) == n
