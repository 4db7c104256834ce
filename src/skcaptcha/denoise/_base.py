"""What every denoiser shares: images in, as many images out, each by itself."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils import Tags

from skcaptcha.base import Documented, StepTags
from skcaptcha.exceptions import ImageError

Image = NDArray[np.uint8]
Images = NDArray[np.uint8]
"""A batch whose images have one shape."""
Batch = Sequence[Image] | Images

# More would not stay in the processor's cache from one pass to the next.
_VALUES_AT_ONCE = 2**18

# Classes of denoisers with values of their parameters: to check them takes longer than to denoise
# one image.
_VALID: set[tuple[Any, ...]] = set()


def check_images(X: Sequence[Image], *, gray: bool = False) -> Sequence[Image]:
    """Check that X is a batch of decoded images.

    Parameters
    ----------
    X : sequence of ndarrays of shape (h, w) or (h, w, 3), dtype uint8
    gray : bool, default=False
        Whether color images are refused.

    Returns
    -------
    X : the same object

    Raises
    ------
    ImageError
        If an element is not such an image; names its index.
    """
    if isinstance(X, np.ndarray) and X.ndim < 3:
        raise ImageError(
            "X",
            f"expected a batch of images, found one array of shape {X.shape}; "
            "wrap a single image in a list",
        )
    for i, image in enumerate(X):
        if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
            found = getattr(image, "dtype", type(image).__name__)
            raise ImageError(
                f"image {i}", f"expected a uint8 array, found {found}; decode with ImageDecoder"
            )
        if image.ndim != 2 and (gray or image.shape[2:] != (3,)):
            expected = "a grayscale image (h, w)" if gray else "(h, w) or (h, w, 3)"
            remedy = "; put Grayscale before this step" if gray else ""
            raise ImageError(f"image {i}", f"expected {expected}, found {image.shape}{remedy}")
        if image.size == 0:
            raise ImageError(f"image {i}", f"it has no pixels: its shape is {image.shape}")
    return X


class BatchDenoiser(  # type: ignore[call-arg]
    Documented, TransformerMixin, BaseEstimator, ABC, auto_wrap_output_keys=None
):
    """Base of all denoisers: a subclass says what becomes of images of one shape, many at a time.

    It does so in `_denoise_batch`; what denoises one image after the other derives from
    `BaseDenoiser`. Nearly all learn nothing: the answer for an image depends on that image and the
    parameters. A subclass that can work on color images sets ``_takes_color = True``.
    """

    _takes_color = False
    _parameter_constraints: dict[str, Any] = {}

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Sequence[Image], y: Any = None) -> Self:
        """Check the parameters and the images; nothing is learned.

        Parameters
        ----------
        X : sequence of n ndarrays of shape (h, w) or (h, w, 3), dtype uint8
        y : ignored

        Returns
        -------
        self
        """
        check_images(X, gray=not self._takes_color)
        return self

    def transform(self, X: Sequence[Image]) -> list[Image]:
        """Denoise every image.

        Parameters
        ----------
        X : sequence of n ndarrays of shape (h, w) or (h, w, 3), dtype uint8

        Returns
        -------
        images : list of n ndarrays, dtype uint8

        Raises
        ------
        ImageError
            If an element of X is not such an image; names its index.
        """
        # Nobody need have called `fit`, which checks the parameters.
        self._validate_params_once()
        check_images(X, gray=not self._takes_color)
        groups: dict[tuple[int, ...], list[int]] = {}
        for i, image in enumerate(X):
            groups.setdefault(image.shape, []).append(i)
        denoised: list[Image] = [*X]
        for shape, group in groups.items():
            at_once = max(1, _VALUES_AT_ONCE // math.prod(shape))
            for first in range(0, len(group), at_once):
                part = group[first : first + at_once]
                # `np.stack` would first make an array of one more axis of each image.
                images = np.concatenate([X[i] for i in part]).reshape(len(part), *shape)
                for i, image in zip(part, self._denoise_batch(images), strict=True):
                    denoised[i] = image
        return denoised

    def _validate_params_once(self) -> None:
        """Check the parameters, unless the same values were once found right."""
        values = [getattr(self, name) for name in _parameter_names(type(self))]
        key = (type(self), *((type(value), value) for value in values))
        try:
            known = key in _VALID
        except TypeError:  # a list or an array
            self._validate_params()
            return
        if not known:
            self._validate_params()
            _VALID.add(key)

    @abstractmethod
    def _denoise_batch(self, images: Images) -> Batch:
        """Give the denoised images, each by itself; ``images`` must not change."""

    def __sklearn_tags__(self) -> Tags:
        tags = StepTags.extend(
            super().__sklearn_tags__(), learns_from="nothing", modifies_input=False
        )
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


class BaseDenoiser(BatchDenoiser):
    """Base of what denoises one image after the other, as a subclass says in `_denoise`."""

    def _denoise_batch(self, images: Images) -> Batch:
        return [self._denoise(image) for image in images]

    @abstractmethod
    def _denoise(self, image: Image) -> Image:
        """Give the denoised image; ``image`` itself must not change."""


@cache
def _parameter_names(kind: type[BaseEstimator]) -> tuple[str, ...]:
    return tuple(kind._get_param_names())
