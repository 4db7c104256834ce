"""Fit the two models that are stored for every format, and save them in the current format.

Usage: python tests/models/make.py FOLDER [joblib|skops]
"""

import sys
from pathlib import Path

from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from skcaptcha import save
from skcaptcha.datasets import make_line_captchas
from skcaptcha.denoise import (
    Binarizer,
    Grayscale,
    HeightScaler,
    MorphologicalOpening,
    PolarityNormalizer,
    Smoother,
)
from skcaptcha.features import HOG, OrientedGradients
from skcaptcha.images import ImageDecoder
from skcaptcha.read import CharacterReader, SequenceReader
from skcaptcha.segment import FixedBoxes, SlidingWindow

BOXES = [[8, 4, 20, 21], [38, 4, 20, 21], [68, 4, 20, 21], [98, 4, 20, 21]]


def main() -> None:
    """Fit both models and save them."""
    folder, *options = sys.argv[1:]
    images, labels = make_line_captchas(60, charset="AB17", random_state=0)
    for name, model in {"characters": characters(), "sequence": sequence()}.items():
        model.fit(list(images), labels.tolist())
        how = {"format": options[0]} if options else {}
        save(model, Path(folder) / f"{name}.{options[0] if options else 'joblib'}", **how)


def characters() -> Pipeline:
    """Return a pipeline that segments captchas and classifies segments with an SVM."""
    clean = [
        ("gray", Grayscale()),
        ("ink", Binarizer(method="fixed", threshold=127, ink="dark")),
        ("smooth", Smoother(method="binomial", size=3)),
        ("binarize", Binarizer(method="fixed", threshold=185, ink="bright")),
    ]
    return Pipeline(
        [
            ("images", ImageDecoder()),
            ("denoise", Pipeline(clean)),
            ("segment", FixedBoxes(BOXES)),
            ("features", HOG(orientations=6, pixels_per_cell=(7, 7))),
            ("read", CharacterReader(SVC(C=10), calibration_cv=2)),
        ]
    )


def sequence() -> Pipeline:
    """Return a pipeline that finds the best path through windows, with a small network."""
    clean = [
        ("gray", Grayscale()),
        ("polarity", PolarityNormalizer()),
        ("opening", MorphologicalOpening(size=2)),
        ("rescale", HeightScaler(pitch=12)),
    ]
    network = MLPClassifier([6], max_iter=400, tol=1e-3, random_state=0)
    return Pipeline(
        [
            ("images", ImageDecoder()),
            ("denoise", Pipeline(clean)),
            ("segment", SlidingWindow()),
            ("features", OrientedGradients(orientations=4)),
            ("read", SequenceReader(network, calibration_cv=2, random_state=0)),
        ]
    )


if __name__ == "__main__":
    main()
