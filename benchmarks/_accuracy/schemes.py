"""The schemes to measure: one folder per scheme, and one generated scheme."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skcaptcha.datasets import load_captchas, make_image_captchas, write_captchas
from skcaptcha.exceptions import DatasetError

GENERATED = "image_captcha"
_N_GENERATED = 1000


@dataclass(frozen=True)
class Scheme:
    """A scheme of captchas.

    Attributes
    ----------
    name : str
    train, dev : Path
        Labeled folders.
    n_train : int
        Number of labeled captchas in `train`; 0 if they cannot be used.
    problem : str
        Reason why the captchas cannot be used; empty if they can.
    """

    name: str
    train: Path
    dev: Path
    n_train: int
    problem: str = ""


def folders(data: Path) -> Iterator[Path]:
    """Yield the folders in a data folder that may be schemes, sorted by name."""
    if not data.is_dir():
        raise DatasetError(
            f"{data}: no such folder; pass one that contains a folder for each scheme"
        )
    for folder in sorted(data.iterdir()):
        if folder.is_dir() and not folder.name.startswith("."):
            yield folder


def look_at(folder: Path) -> Scheme:
    """Count the captchas of a scheme; an error is stored, not raised."""
    train, dev = folder / "train", folder / "dev"
    try:
        load_captchas(dev)
        return Scheme(folder.name, train, dev, len(load_captchas(train).data))
    except DatasetError as error:
        return Scheme(folder.name, train, dev, 0, str(error))


def generate(folder: Path) -> Scheme:
    """Generate captchas of four digits with the package ``captcha``, unless they exist."""
    for seed, part in enumerate(("train", "dev")):
        if not (folder / part / "labels.csv").exists():  # written last
            shutil.rmtree(folder / part, ignore_errors=True)
            images, labels = make_image_captchas(_N_GENERATED, random_state=seed)
            write_captchas(folder / part, list(images), labels.tolist())
    return look_at(folder)


def subset(
    scheme: Scheme, n: int, seed: int, folder: Path, others: Path | None = None
) -> dict[str, str]:
    """Create a labeled folder of links to `n` random training captchas.

    Samples with the same seed are nested: a smaller one is contained in every larger one. Links to
    the others are created in the folder `others`, without labels. The labels that they have are
    returned by the names of the links.
    """
    captchas = load_captchas(scheme.train)
    order = np.random.default_rng(seed).permutation(len(captchas.data))
    chosen = order[:n]
    folder.mkdir(parents=True)
    # Files are named by numbers, because labels.csv must be UTF-8, but file names need not be.
    names = [f"{i:05}{Path(captchas.data[i]).suffix}" for i in chosen]
    for name, i in zip(names, chosen, strict=True):
        (folder / name).symlink_to(Path(captchas.data[i]).resolve())
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        rows = zip(names, captchas.target[chosen].tolist(), strict=True)
        csv.writer(file).writerows([("filename", "label"), *rows])
    labels = {}
    if others:
        others.mkdir(parents=True)
        for i in order[n:]:
            name = f"{i:05}{Path(captchas.data[i]).suffix}"
            (others / name).symlink_to(Path(captchas.data[i]).resolve())
            labels[name] = str(captchas.target[i])
    return labels
