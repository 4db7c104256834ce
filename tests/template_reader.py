"""A small reader of images, for tests of pipelines without segments and features."""

import cv2
import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils._param_validation import StrOptions

from skcaptcha.base import StepTags
from skcaptcha.denoise import Grayscale, PolarityNormalizer
from skcaptcha.exceptions import ReadingError
from skcaptcha.images import ImageDecoder
from skcaptcha.read import BaseReader, LabelScores, Reading

_HEIGHT, _WIDTH = 16, 12  # of a cell


class TemplateReader(BaseReader):
    """Read characters of equal width by the nearest cell of the training images.

    Each image is divided into as many cells as its string may have characters; of several lengths,
    the one with the nearest cells is read.
    """

    reads_images = True

    _parameter_constraints = {
        "length": [int, StrOptions({"free"}), None],
        "charset": [str, None],
        "softness": [float],
        "calibration_cv": [int, None],
    }

    def __init__(self, *, length=None, charset=None, softness=0.02, calibration_cv=None):
        self.length = length
        self.charset = charset
        self.softness = softness
        self.calibration_cv = calibration_cv

    def _fit(self, X, labels):
        lengths = np.char.str_len(labels)
        self.classes_ = np.unique(list("".join(labels)))
        self.lengths_ = np.unique(lengths[lengths > 0])
        self.left_out_ = np.flatnonzero(lengths == 0)
        self.n_left_out_ = len(self.left_out_)
        if not len(self.classes_):
            raise ReadingError("nothing can be learned from empty labels")
        self._calibration_groups(self.calibration_cv, X, np.arange(len(X)))
        cells = [_cells(X[i], n) for i, n in enumerate(lengths.tolist()) if n]
        self.cells_ = np.concatenate(cells)
        self.cell_classes_ = np.searchsorted(self.classes_, list("".join(labels)))

    def check_constraints(self):
        """Check that some string can meet ``length`` and ``charset``."""
        if not self._allowed().any():
            raise ReadingError(f"charset: allows only {self.charset!r}, which leaves no character")
        return self

    def _predict(self, X):
        return np.array([reading.text for reading in self._read(X)], dtype=np.str_)

    def _read(self, X):
        lengths = self.lengths_ if self.length is None else np.resize(self.length, 1)
        if self.length == "free":
            lengths = np.arange(1, self.lengths_.max() + 3)
        return [max((self._as(image, n) for n in lengths), key=_confidence) for image in X]

    def _as(self, image, n):
        """Read an image as n characters."""
        scores = np.where(self._allowed(), self._scores(image, n), -np.inf)
        probabilities = np.exp(scores - scores.max(axis=1, keepdims=True))
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        text = "".join(self.classes_[scores.argmax(axis=1)])
        best = probabilities.max(axis=1)
        least = best.argmin()
        others = np.argsort(-scores[least])[1:3]
        runners_up = tuple(
            (
                text[:least] + str(self.classes_[other]) + text[least + 1 :],
                float(best.prod() / best[least] * probabilities[least, other]),
            )
            for other in others
            if np.isfinite(scores[least, other])
        )
        height, width = image.shape
        edges = np.arange(n + 1) * width // n
        boxes = np.stack([edges[:-1], np.zeros(n, int), np.diff(edges), np.full(n, height)], axis=1)
        return Reading(text, float(best.prod()), boxes, best, runners_up)

    def _score_labels(self, X, labels):
        lengths = range(1, max(*self.lengths_, *np.char.str_len(labels)) + 1)
        scores = []
        for image, label in zip(X, labels, strict=True):
            of_lengths = [self._scores(image, n).max(axis=1).mean() for n in lengths]
            of_characters = self._scores(image, len(label)) if label else None
            scores.append(LabelScores(of_characters, np.array([-np.inf, *of_lengths])))
        return scores

    def _allowed(self):
        if self.charset is None:
            return np.ones(len(self.classes_), dtype=bool)
        return np.isin(self.classes_, list(self.charset))

    def _scores(self, image, n):
        """Return the scores (n, n_classes) of the characters of n cells."""
        distances = np.abs(_cells(image, n)[:, None] - self.cells_).mean(axis=2)
        nearest = np.full((n, len(self.classes_)), np.inf)
        np.minimum.at(nearest, (slice(None), self.cell_classes_), distances)
        return -nearest / self.softness

    def __sklearn_tags__(self):
        return StepTags.extend(super().__sklearn_tags__(), modifies_input=False)


def _cells(image, n):
    cells = cv2.resize(image, (n * _WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA)
    cells = cells.reshape(_HEIGHT, n, _WIDTH).swapaxes(0, 1).reshape(n, -1)
    return cells.astype(np.float32) / 255


def _confidence(reading):
    return reading.probabilities.mean()


def template_pipeline(**parameters):
    """Return a pipeline from images to strings that has no segment and no features step."""
    denoise = Pipeline([("gray", Grayscale()), ("polarity", PolarityNormalizer())])
    return Pipeline(
        [("images", ImageDecoder()), ("denoise", denoise), ("read", TemplateReader(**parameters))]
    )
