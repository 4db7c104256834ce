"""Whether an image looks like those of the training set, whatever it says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from sklearn.base import BaseEstimator, OutlierMixin, _fit_context
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, RealNotInt
from sklearn.utils.validation import check_is_fitted

from skcaptcha._process.one_thread import one_thread
from skcaptcha.base import Documented

__all__ = ["FEWEST_IMAGES", "NoveltyDetector"]

FEWEST_IMAGES = 20
"""From fewer images nothing can be said of how much they vary."""

_N_FOLDS = 5
_N_SHADES = 8
_FIRST_SHADES = range(0, 256, 256 // _N_SHADES)
# How far neighboring pixels differ, from imperceptibly to as black from white: first of each bin.
_FIRST_DIFFERENCES = [0, 2, 6, 14, 30, 62]
_THUMBNAIL = (4, 4)
# More would not stay in the processor's cache from one pass to the next; 8 bits count images.
_VALUES_AT_ONCE, _MOST_IMAGES = 2**18, 255
# What never varies among the training images may vary by so much among others like them.
_LEAST_DEVIATION = 0.02
_RIDGE = 0.01
# And held-out images that are all as far away, by a twentieth.
_LEAST_SPREAD = 0.05


class NoveltyDetector(Documented, OutlierMixin, BaseEstimator):
    """Tell images that do not look like those that it was fitted to.

    An image is described by its size, its shades and colors, by how much neighboring pixels
    differ at three scales, and by a thumbnail of four by four pixels: by what a way of making
    captchas has in common, and not by what they say. How far a description lies from those of the
    training images is the Mahalanobis distance, with a shrunk covariance. How far is usual is found
    out on images that were held out: logarithms of their distances are taken as normal.

    Parameters
    ----------
    contamination : float in (0, 0.5], default=0.00025
        The share of images like the training ones that may be taken for others, if logarithms of
        distances are normal; the default is what lies beyond three and a half standard deviations.

    Attributes
    ----------
    location_, scale_ : ndarray of shape (d,)
        Mean and standard deviation of the descriptions.
    whitening_ : ndarray of shape (d, d)
        Takes standardized descriptions to where their distance from the origin is measured.
    usual_ : float
        Median logarithm of the distances of held-out training images.
    spread_ : float
        Their standard deviation.
    offset_ : float
        What `score_samples` gives at the least for an image that is not taken for another.

    See Also
    --------
    sklearn.covariance.EllipticEnvelope : The same idea for tables.

    References
    ----------
    O. Ledoit and M. Wolf, "A well-conditioned estimator for large-dimensional covariance
    matrices", Journal of Multivariate Analysis 88 (2004), 365-411.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.datasets import make_line_captchas
    >>> from skcaptcha.novelty import NoveltyDetector
    >>> X, _ = make_line_captchas(60, random_state=0)
    >>> detector = NoveltyDetector().fit(X[:50])
    >>> detector.predict([X[50], np.full_like(X[0], 255)])
    array([ 1, -1])
    """

    _parameter_constraints: dict[str, Any] = {
        "contamination": [Interval(RealNotInt, 0, 0.5, closed="right")],
    }

    def __init__(self, *, contamination: float = 0.00025) -> None:
        self.contamination = contamination

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Sequence[NDArray[np.uint8]], y: Any = None) -> Self:
        """Learn what images look like.

        Parameters
        ----------
        X : sequence of n >= 20 ndarrays of uint8, of shape (h, w) or (h, w, 3)
            Gray or RGB, as `ImageDecoder` gives them.
        y : None
            Ignored.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there are fewer images.
        """
        if len(X) < FEWEST_IMAGES:
            raise ValueError(
                f"{len(X)} images are too few to tell what is usual; {FEWEST_IMAGES} are needed"
            )
        described = _describe(X)
        # Folders come sorted: neighbors are alike.
        fold = np.arange(len(X)) % _N_FOLDS
        held_out = np.empty(len(X))
        with one_thread():
            for k in range(_N_FOLDS):
                learned = _whiten(described[fold != k])
                held_out[fold == k] = _log_distances(described[fold == k], *learned)
            self.location_, self.scale_, self.whitening_ = _whiten(described)
        self.usual_ = float(np.median(held_out))
        self.spread_ = float(max(held_out.std(), _LEAST_SPREAD))
        self.offset_ = float(ndtri(self.contamination))
        return self

    def score_samples(self, X: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
        """Say how usual images look.

        Parameters
        ----------
        X : sequence of n ndarrays of uint8, of shape (h, w) or (h, w, 3)

        Returns
        -------
        scores : ndarray of shape (n,)
            By how many standard deviations the logarithm of the distance is less than usual.
        """
        check_is_fitted(self)
        if not len(X):
            return np.empty(0)
        distances = _log_distances(_describe(X), self.location_, self.scale_, self.whitening_)
        return (self.usual_ - distances) / self.spread_

    def decision_function(self, X: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
        """Say how usual images look, from 0 on for those that look like the training images.

        Parameters
        ----------
        X : sequence of n ndarrays of uint8, of shape (h, w) or (h, w, 3)

        Returns
        -------
        scores : ndarray of shape (n,)
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X: Sequence[NDArray[np.uint8]]) -> NDArray[np.intp]:
        """Tell images that look like the training images from others.

        Parameters
        ----------
        X : sequence of n ndarrays of uint8, of shape (h, w) or (h, w, 3)

        Returns
        -------
        labels : ndarray of shape (n,)
            1 for images like those, -1 for others.
        """
        return np.where(self.decision_function(X) >= 0, 1, -1)

    def credit(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Say what part of their confidence readings of images deserve.

        Parameters
        ----------
        scores : ndarray of shape (n,)
            As `decision_function` gives them.

        Returns
        -------
        shares : ndarray of shape (n,), in 0..1
            1 from a score of 0 on; below, by how much rarer than ``contamination`` it is among
            images like the training ones to score so little.
        """
        return np.minimum(1.0, ndtr(scores + self.offset_) / self.contamination)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


def _whiten(
    described: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    # Images are read without it, and it takes a while to import.
    from sklearn.covariance import ledoit_wolf  # noqa: PLC0415

    location = described.mean(axis=0)
    scale = np.maximum(described.std(axis=0), _LEAST_DEVIATION)
    covariance, _ = ledoit_wolf(((described - location) / scale).astype(np.float64))
    values, vectors = np.linalg.eigh(covariance)
    whitening = vectors / np.sqrt(np.maximum(values, 0) + _RIDGE)
    return location, scale, whitening.astype(np.float32)


def _log_distances(
    described: NDArray[np.float32],
    location: NDArray[np.float32],
    scale: NDArray[np.float32],
    whitening: NDArray[np.float32],
) -> NDArray[np.float64]:
    whitened = (described - location) / scale
    # Each as a product of its own, so that the last bit of an image's score does not depend on its
    # batch.
    whitened = np.matmul(whitened[:, None], whitening)[:, 0].astype(np.float64)
    squares = np.square(whitened).sum(axis=1)
    # Within a standard deviation nothing is unusual, and logarithms would make much of it.
    return 0.5 * np.log(np.maximum(squares, 1.0))


def _describe(images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Describe images by numbers that vary by about as much as each other."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for i, image in enumerate(images):
        groups.setdefault(image.shape, []).append(i)
    described: NDArray[np.float32] | None = None
    for shape, group in groups.items():
        at_once = max(1, min(_MOST_IMAGES, _VALUES_AT_ONCE // math.prod(shape)))
        for first in range(0, len(group), at_once):
            part = group[first : first + at_once]
            alike = np.concatenate([images[i] for i in part]).reshape(len(part), *shape)
            of_part = _describe_alike(alike)
            if described is None:
                described = np.empty((len(images), of_part.shape[1]), dtype=np.float32)
            described[part] = of_part
    assert described is not None
    return described


def _describe_alike(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Describe images of one shape: wherever that gives the same, they are one tall image."""
    n, height, width = images.shape[:3]
    # What a gray image would have, were it given in color.
    colors = np.zeros((n, 2, _N_SHADES), dtype=np.float32)
    colors[:, :, _N_SHADES // 2] = 1
    moments = np.tile([128.0, 0.0], (n, 2, 1))
    gray = images
    if images.ndim == 4:
        tall = images.reshape(n * height, width, 3)
        gray = cv2.cvtColor(tall, cv2.COLOR_RGB2GRAY).reshape(n, height, width)
        chroma = cv2.split(cv2.cvtColor(tall, cv2.COLOR_RGB2YCrCb))[1:]
        for i, channel in enumerate(chroma):
            of_image = channel.reshape(n, height, width)
            colors[:, i] = _counts(of_image, _FIRST_SHADES) / np.float32(height * width)
            moments[:, i] = [np.ravel(cv2.meanStdDev(one)) for one in of_image]
    halved = _halved(gray)
    return np.concatenate(
        [
            np.tile(np.log([height, width]) / 2, (n, 1)),
            np.sqrt(_counts(gray, _FIRST_SHADES) / np.float32(height * width)),
            np.sqrt(_differences([gray, halved, _halved(halved)])).reshape(n, -1),
            # Of fewer pixels it is the same, but for rounding.
            _resized(halved, *_THUMBNAIL).reshape(n, -1) / 255,
            np.sqrt(colors).reshape(n, -1),
            moments.reshape(n, -1) / 255,
        ],
        axis=1,
        dtype=np.float32,
    )


def _differences(scales: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Count by how much neighbors differ, across and down, at several scales."""
    n = len(scales[0])
    shares = np.zeros((n, 2 * len(scales), len(_FIRST_DIFFERENCES)), dtype=np.float32)
    for scale, gray in enumerate(scales):
        across = (gray[:, :, 1:], gray[:, :, :-1]), (gray[:, 1:], gray[:, :-1])
        for k, (ahead, behind) in enumerate(across):
            if ahead.size:
                difference = np.maximum(ahead, behind) - np.minimum(ahead, behind)
                counts = _counts(difference, _FIRST_DIFFERENCES)
                shares[:, 2 * scale + k] = counts / np.float32(math.prod(ahead.shape[1:]))
    return shares


def _halved(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    _, height, width = images.shape
    return _resized(images, max(1, height // 2), max(1, width // 2))


def _counts(images: NDArray[np.uint8], firsts: Sequence[int]) -> NDArray[np.float32]:
    """Count the pixels of each image in each bin: those from one of ``firsts`` up to the next.

    The first bin begins at 0. To compare all pixels with each bound takes a third of the time of a
    histogram.
    """
    pixels = images.reshape(len(images), -1)
    at_least = np.zeros((len(firsts) + 1, len(images), 1), dtype=np.int32)
    at_least[0] = pixels.shape[1]
    for k, first in enumerate(firsts[1:], 1):
        cv2.reduce((pixels >= first).view(np.uint8), 1, cv2.REDUCE_SUM, at_least[k], cv2.CV_32S)
    return (at_least[:-1, :, 0] - at_least[1:, :, 0]).T.astype(np.float32)


def _resized(images: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Bring images to a size, each pixel the mean of what it covers.

    As one tall image they take less time. No pixel covers parts of two images, and the weights of
    what it covers are rounded to the same 32 bits wherever its image stands.
    """
    n, old_height, old_width = images.shape
    whole = old_height % height == 0 and old_width % width == 0
    # OpenCV takes as long for four channels as for one, unless each pixel covers whole ones.
    n_channels = 1 if whole or n < 4 else 4
    tall = images[: n - n % n_channels].reshape(n_channels, -1, old_width)
    small = cv2.resize(
        cv2.merge(list(tall)) if n_channels > 1 else tall[0],
        (width, n // n_channels * height),
        interpolation=cv2.INTER_AREA,
    )
    resized = np.moveaxis(small.reshape(-1, height, width, n_channels), 3, 0)
    resized = resized.reshape(-1, height, width)
    if len(resized) == n:
        return resized
    return np.concatenate([resized, _resized(images[len(resized) :], height, width)])
