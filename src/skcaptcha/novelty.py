"""Detection of images that do not look like the training images."""

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
from skcaptcha.base import Documented, stacks_of_one_shape

__all__ = ["MIN_IMAGES", "NoveltyDetector"]

MIN_IMAGES = 20
"""Minimum number of training images."""

_N_FOLDS = 5
_N_SHADES = 8
_FIRST_SHADES = range(0, 256, 256 // _N_SHADES)
# Lower bounds of the bins of differences between neighboring pixels.
_FIRST_DIFFERENCES = [0, 2, 6, 14, 30, 62]
_THUMBNAIL = (4, 4)
# Descriptors that are constant in the training images may vary a little in similar images, and so
# may distances that are equal for all held-out images.
_MIN_DEVIATION = 0.02
_RIDGE = 0.01
_MIN_LOG_DISTANCE_STD = 0.05


class NoveltyDetector(Documented, OutlierMixin, BaseEstimator):
    """Detect images that do not look like the training images.

    An image is described by its size, its gray values and colors, the differences between
    neighboring pixels at three scales, and a thumbnail of 4 x 4 pixels: by the properties of a
    captcha scheme, not by the text. The score is based on the Mahalanobis distance of a description
    from those of the training images, with a shrunk covariance. Distances of held-out images
    calibrate it: their logarithms are assumed to be normally distributed.

    Parameters
    ----------
    contamination : float in (0, 0.5], default=0.00025
        Fraction of images like the training images that may be classified as outliers. The default
        corresponds to three and a half standard deviations.

    Attributes
    ----------
    location_, scale_ : ndarray of shape (d,)
        Mean and standard deviation of the descriptions.
    whitening_ : ndarray of shape (d, d)
        Whitening matrix of standardized descriptions.
    log_distance_median_ : float
        Median logarithm of the distances of held-out training images.
    log_distance_std_ : float
        Standard deviation of these logarithms.
    offset_ : float
        Minimum of `score_samples` for inliers.

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
        """Learn the appearance of the training images.

        Parameters
        ----------
        X : sequence of n >= 20 ndarrays of uint8, of shape (h, w) or (h, w, 3)
            Gray or RGB images, as `ImageDecoder` returns them.
        y : None
            Ignored.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there are fewer than 20 images.
        """
        if len(X) < MIN_IMAGES:
            raise ValueError(f"{len(X)} images are too few; use at least {MIN_IMAGES}")
        described = _describe(X)
        # Folders are sorted: consecutive images may be similar.
        fold = np.arange(len(X)) % _N_FOLDS
        held_out = np.empty(len(X))
        with one_thread():
            for k in range(_N_FOLDS):
                learned = _whiten(described[fold != k])
                held_out[fold == k] = _log_distances(described[fold == k], *learned)
            self.location_, self.scale_, self.whitening_ = _whiten(described)
        self.log_distance_median_ = float(np.median(held_out))
        self.log_distance_std_ = float(max(held_out.std(), _MIN_LOG_DISTANCE_STD))
        self.offset_ = float(ndtri(self.contamination))
        return self

    def score_samples(self, X: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
        """Score images: the higher, the more similar to the training images.

        Parameters
        ----------
        X : sequence of n ndarrays of uint8, of shape (h, w) or (h, w, 3)

        Returns
        -------
        scores : ndarray of shape (n,)
            Number of standard deviations of the logarithm of the distance below its median.
        """
        check_is_fitted(self)
        if not len(X):
            return np.empty(0)
        distances = _log_distances(_describe(X), self.location_, self.scale_, self.whitening_)
        return (self.log_distance_median_ - distances) / self.log_distance_std_

    def decision_function(self, X: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
        """Score images: not negative for inliers.

        Parameters
        ----------
        X : sequence of n ndarrays of uint8, of shape (h, w) or (h, w, 3)

        Returns
        -------
        scores : ndarray of shape (n,)
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X: Sequence[NDArray[np.uint8]]) -> NDArray[np.intp]:
        """Classify images as inliers or outliers.

        Parameters
        ----------
        X : sequence of n ndarrays of uint8, of shape (h, w) or (h, w, 3)

        Returns
        -------
        labels : ndarray of shape (n,)
            1 for inliers, -1 for outliers.
        """
        return np.where(self.decision_function(X) >= 0, 1, -1)

    def confidence_factors(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return factors that lower the confidence of readings of outliers.

        Parameters
        ----------
        scores : ndarray of shape (n,)
            Result of `decision_function`.

        Returns
        -------
        factors : ndarray of shape (n,), in 0..1
            1 for inliers. For outliers, the probability that an image like the training images
            scores as low, divided by ``contamination``.
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
    # Slow to import, and only needed for training.
    from sklearn.covariance import ledoit_wolf  # noqa: PLC0415

    location = described.mean(axis=0)
    scale = np.maximum(described.std(axis=0), _MIN_DEVIATION)
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
    # One product for each image, so that the last bit of its score does not depend on the batch.
    whitened = np.matmul(whitened[:, None], whitening)[:, 0].astype(np.float64)
    squares = np.square(whitened).sum(axis=1)
    # Values within one standard deviation are usual, but their logarithms would differ a lot.
    return 0.5 * np.log(np.maximum(squares, 1.0))


def _describe(images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Describe images (n) by numbers (n, d) of similar variance."""
    indices, parts = [], []
    for of_stack, stack in stacks_of_one_shape(images):
        indices += of_stack
        parts.append(_describe_stack(stack))
    return np.concatenate(parts)[np.argsort(indices)]


def _describe_stack(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Describe images of one shape; where the result is the same, they are one tall image."""
    n, height, width = images.shape[:3]
    # The values of a gray image that is given in color.
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
            # From half the pixels it is the same except for rounding.
            _resized(halved, *_THUMBNAIL).reshape(n, -1) / 255,
            np.sqrt(colors).reshape(n, -1),
            moments.reshape(n, -1) / 255,
        ],
        axis=1,
        dtype=np.float32,
    )


def _differences(scales: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Return histograms of horizontal and vertical differences at several scales."""
    n = len(scales[0])
    fractions = np.zeros((n, 2 * len(scales), len(_FIRST_DIFFERENCES)), dtype=np.float32)
    for scale, gray in enumerate(scales):
        across = (gray[:, :, 1:], gray[:, :, :-1]), (gray[:, 1:], gray[:, :-1])
        for k, (ahead, behind) in enumerate(across):
            if ahead.size:
                difference = np.maximum(ahead, behind) - np.minimum(ahead, behind)
                counts = _counts(difference, _FIRST_DIFFERENCES)
                fractions[:, 2 * scale + k] = counts / np.float32(math.prod(ahead.shape[1:]))
    return fractions


def _halved(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    _, height, width = images.shape
    return _resized(images, max(1, height // 2), max(1, width // 2))


def _counts(images: NDArray[np.uint8], firsts: Sequence[int]) -> NDArray[np.float32]:
    """Count the pixels of each image in bins that begin at ``firsts``, the first of them at 0.

    Comparing all pixels with each bound takes a third of the time of a histogram.
    """
    pixels = images.reshape(len(images), -1)
    at_least = np.zeros((len(firsts) + 1, len(images), 1), dtype=np.int32)
    at_least[0] = pixels.shape[1]
    for k, first in enumerate(firsts[1:], 1):
        cv2.reduce((pixels >= first).view(np.uint8), 1, cv2.REDUCE_SUM, at_least[k], cv2.CV_32S)
    return (at_least[:-1, :, 0] - at_least[1:, :, 0]).T.astype(np.float32)


def _resized(images: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Resize images; each pixel becomes the mean of the area that it covers.

    Resizing one tall image takes less time. No pixel covers parts of two images, and weights are
    rounded to the same 32 bits independently of the position of an image.
    """
    n, old_height, old_width = images.shape
    whole = old_height % height == 0 and old_width % width == 0
    # OpenCV takes as long for four channels as for one, unless each pixel covers whole pixels.
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
