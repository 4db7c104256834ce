"""Base class of the denoisers: images in, the same number of images out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Tags

from skcaptcha.base import BaseStep, check_images, stacks_of_one_shape

Image = NDArray[np.uint8]
Images = NDArray[np.uint8]
"""Images of one shape, stacked."""


class BaseDenoiser(BaseStep):
    """Base class of all denoisers: a subclass denoises images of one shape, in `_denoise`.

    A subclass that accepts color images sets ``_accepts_color = True``.
    """

    _accepts_color = False

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
        self._check_ready()
        self._check_samples(X)
        denoised: list[Image] = [*X]
        for indices, images in stacks_of_one_shape(X):
            for i, image in zip(indices, self._denoise(images), strict=True):
                denoised[i] = image
        return denoised

    def _check_samples(self, X: Sequence[Image]) -> None:
        check_images(X, gray=not self._accepts_color)

    @abstractmethod
    def _denoise(self, images: Images) -> Sequence[Image] | Images:
        """Denoise images (n, h, w) or (n, h, w, 3), each independently of the others."""

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags
