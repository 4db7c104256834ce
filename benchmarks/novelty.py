"""Measure how well images of other schemes are detected.

Run from the root of the repository::

    python benchmarks/novelty.py DATA [N_TRAIN]

DATA contains one folder for each scheme, with the folders ``train`` and ``dev``. For each scheme, a
`NoveltyDetector` is fitted to all images of ``train``, or to N_TRAIN random ones. The table shows
the fraction of the scheme's own ``dev`` images that are kept, and the fractions of other images
that are flagged: images of all other schemes, the same images resized to the size of this scheme,
and parts of photographs, noise, and blank images of this size.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

from skcaptcha.datasets import load_captchas
from skcaptcha.images import ImageDecoder
from skcaptcha.novelty import NoveltyDetector

Image = NDArray[np.uint8]
PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "retina", "rocket", "hubble_deep_field")
N_OF_EACH = 100


def main() -> None:
    """Fit a detector to each scheme, and print the table."""
    folder = Path(sys.argv[1])
    n_train = int(sys.argv[2]) if len(sys.argv) > 2 else None
    names = sorted(path.name for path in folder.iterdir() if (path / "dev").is_dir())
    dev = {name: load(folder / name / "dev") for name in names}
    kinds = ("other schemes", "other schemes, same size", "photographs", "noise", "blank")
    print("| scheme | trained on | own kept |", " | ".join(kinds), "|")
    print("|---" * (3 + len(kinds)) + "|")
    fractions = []
    for name in names:
        if not (folder / name / "train").is_dir():
            continue
        train = load(folder / name / "train")
        if n_train is not None:
            chosen = np.random.default_rng(0).permutation(len(train))[:n_train]
            train = [train[i] for i in chosen]
        detector = NoveltyDetector().fit(train)
        others = [image for other in names if other != name for image in dev[other][:N_OF_EACH]]
        shape = tuple(np.median([image.shape for image in train], axis=0).astype(int).tolist())
        foreign = (others, [resized(each, shape) for each in others], *made(shape))
        row = [np.mean(detector.predict(dev[name]) == 1)]
        row += [np.mean(detector.predict(images) == -1) for images in foreign]
        fractions.append(row)
        print(f"| {name} | {len(train)} |", " | ".join(f"{100 * x:.1f}" for x in row), "|")
    for title, summary in (("mean", np.mean), ("lowest", np.min)):
        row = summary(fractions, axis=0)
        print(f"| {title} | |", " | ".join(f"{100 * x:.1f}" for x in row), "|")


def load(folder: Path) -> list[Image]:
    """Decode the images of a folder in color."""
    images = ImageDecoder().transform(load_captchas(folder, labeled=False).data)
    return [cv2.cvtColor(i, cv2.COLOR_GRAY2RGB) if i.ndim == 2 else i for i in images]


def resized(image: Image, shape: tuple[int, ...]) -> Image:
    """Resize an image to a height and width."""
    return cv2.resize(image, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)


def made(shape: tuple[int, ...]) -> Iterator[list[Image]]:
    """Yield parts of photographs, noise and blank images."""
    rng = np.random.default_rng(0)
    height, width, _ = shape
    parts = []
    for name in PHOTOGRAPHS:
        picture = getattr(data, name)()
        for _ in range(10):
            y, x = rng.integers(np.maximum(1, np.subtract(picture.shape[:2], shape[:2]) + 1))
            parts.append(resized(picture[y : y + height, x : x + width], shape))
    yield parts
    yield list(rng.integers(0, 256, (60, *shape), dtype=np.uint8))
    yield [np.full(shape, shade, dtype=np.uint8) for shade in (0, 64, 128, 192, 224, 240, 255)]


if __name__ == "__main__":
    main()
