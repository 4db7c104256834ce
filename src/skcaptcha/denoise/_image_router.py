"""Different denoising branches for different kinds of images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils import Tags, _safe_indexing
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import _BaseComposition

from skcaptcha.base import BaseStep, StepTags, check_images, step_tags
from skcaptcha.denoise._base import Image

_MEASURES: dict[str, Callable[[Image, int], float]] = {
    "pixels_below": lambda image, level: int((image < level).sum()),
    "pixels_above": lambda image, level: int((image > level).sum()),
    "components_below": lambda image, level: _count_components(image < level),
    "components_above": lambda image, level: _count_components(image > level),
    "mean": lambda image, level: float(image.mean()),
    "deviation": lambda image, level: float(image.std()),
    "height": lambda image, level: image.shape[0],
    "width": lambda image, level: image.shape[1],
}


def _count_components(mask: np.ndarray) -> int:
    return cv2.connectedComponents(mask.view(np.uint8), connectivity=8)[0] - 1


class ImageRouter(BaseStep, _BaseComposition):
    """Route each image to one of several branches, by a property of the image.

    For schemes with several kinds of images, each with its own noise. The parameters of every
    branch are parameters of the router, so a grid search reaches them: ``dots__smooth__size``.

    Parameters
    ----------
    branches : list of (str, transformer) tuples
        Name and denoiser (often a Pipeline of denoisers) of each branch, in the order of the
        measure; ``"passthrough"`` leaves the images unchanged.
    measure : str, default="pixels_below"
        Property of a gray image: ``"pixels_below"`` or ``"pixels_above"`` (the number of pixels
        darker or brighter than ``level``), ``"components_below"`` or ``"components_above"`` (the
        number of 8-connected components of such pixels), ``"mean"``, ``"deviation"`` (of the gray
        values), ``"height"`` or ``"width"`` (in pixels).
    level : int in 0..256, default=1
        Gray value that the first four measures compare with.
    thresholds : array-like of floats, default=(500,)
        Ascending thresholds, one fewer than branches: an image whose measure is at most
        ``thresholds[0]`` goes to the first branch, and so on; one above all thresholds goes to the
        last branch.

    Attributes
    ----------
    branches_ : list of (str, transformer) tuples
        The fitted branches.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.denoise import Binarizer, ImageRouter
    >>> router = ImageRouter(
    ...     [("gray", Binarizer(method="fixed", threshold=155)), ("black", Binarizer())],
    ...     measure="pixels_below", level=1, thresholds=[2],
    ... )
    >>> gray_ink = np.array([[140, 250, 250, 250]], dtype=np.uint8)
    >>> router.fit_transform([gray_ink])[0]
    array([[255,   0,   0,   0]], dtype=uint8)
    """

    _parameter_constraints: dict[str, Any] = {
        "branches": [list],
        "measure": [StrOptions(set(_MEASURES))],
        "level": [Interval(Integral, 0, 256, closed="both")],
        "thresholds": ["array-like"],
    }

    def __init__(
        self,
        branches: list[tuple[str, Any]],
        *,
        measure: str = "pixels_below",
        level: int = 1,
        thresholds: Sequence[float] = (500,),
    ) -> None:
        self.branches = branches
        self.measure = measure
        self.level = level
        self.thresholds = thresholds

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters of the router and, if deep, of its branches.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the parameters of the branches.

        Returns
        -------
        params : dict
        """
        return self._get_params("branches", deep=deep)

    def set_params(self, **kwargs: Any) -> Self:
        """Set parameters of the router, whole branches, or parameters of branches.

        Parameters
        ----------
        **kwargs
            For example ``level``, ``dots`` or ``dots__smooth__size``.

        Returns
        -------
        self
        """
        self._set_params("branches", **kwargs)
        return self

    def _check_samples(self, X: Sequence[Image]) -> None:
        check_images(X, gray=True)

    def _learn(self, X: Sequence[Image], y: Any) -> None:
        """Fit each branch on the images that are routed to it, or on all images if none is."""
        which = self.branch_indices(X)
        self.branches_ = []
        for k, (name, branch) in enumerate(self.branches):
            fitted = branch
            if branch != "passthrough":
                chosen = np.flatnonzero(which == k).tolist()
                # Images of a kind without training images may come later.
                chosen = chosen or list(range(len(X)))
                fitted = clone(branch).fit(
                    [X[i] for i in chosen], None if y is None else _safe_indexing(y, chosen)
                )
            self.branches_.append((name, fitted))

    def transform(self, X: Sequence[Image]) -> list[Image]:
        """Denoise each image by its branch.

        Parameters
        ----------
        X : sequence of n ndarrays of shape (h, w), dtype uint8

        Returns
        -------
        images : list of n ndarrays, dtype uint8

        Raises
        ------
        ImageError
            If an element of X is not a gray image; names its index.
        """
        self._check_ready()
        self._check_samples(X)
        which = self.branch_indices(X)
        images = list(X)
        for k, (_, transformer) in enumerate(self.branches_):
            chosen = np.flatnonzero(which == k).tolist()
            if chosen and transformer != "passthrough":
                denoised = transformer.transform([X[i] for i in chosen])
                for i, image in zip(chosen, denoised, strict=True):
                    images[i] = image
        return images

    def branch_indices(self, X: Sequence[Image]) -> NDArray[np.intp]:
        """Return the index of the branch that each image is routed to.

        Parameters
        ----------
        X : sequence of n ndarrays of shape (h, w), dtype uint8

        Returns
        -------
        indices : ndarray of shape (n,)
        """
        measure = _MEASURES[self.measure]
        measures = [measure(image, self.level) for image in X]
        return np.searchsorted(np.asarray(self.thresholds, dtype=float), measures)

    def _validate_params(self) -> None:
        super()._validate_params()
        self._validate_names([name for name, _ in self.branches])
        if not self.branches:
            raise ValueError("branches must contain at least one denoiser, got none")
        thresholds = np.asarray(self.thresholds)
        numbers = thresholds.dtype.kind in "iuf" and not np.isnan(thresholds).any()
        fit = thresholds.shape == (len(self.branches) - 1,)
        if not (numbers and fit and (np.diff(thresholds) > 0).all()):
            raise ValueError(
                "thresholds must be ascending numbers, one fewer than the "
                f"{len(self.branches)} branches, got {self.thresholds}"
            )

    def __sklearn_tags__(self) -> Tags:
        # Branches get the images themselves, not copies.
        branches = [part for part in self.get_params().values() if hasattr(part, "get_params")]
        tags = StepTags.extend(
            super().__sklearn_tags__(),
            modifies_input=any(step_tags(branch).modifies_input for branch in branches),
        )
        tags.input_tags.three_d_array = True
        return tags
