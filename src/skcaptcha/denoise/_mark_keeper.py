"""Base class of the denoisers that remove small ink, and can keep small marks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Tags

from skcaptcha.base import StepTags, as_texts, stacks_of_one_shape
from skcaptcha.denoise._base import BaseDenoiser, Image, Images
from skcaptcha.denoise._small_marks import (
    N_FEATURES,
    are_marks,
    describe_components,
    learn_marks,
    training_images,
)
from skcaptcha.measure._label_components import Components
from skcaptcha.segments import INK_LEVEL


class MarkKeeper(BaseDenoiser):
    """Base class of the denoisers that remove small ink: a subclass removes it, in `_remove`.

    With its parameter ``keep_marks``, components that look like the small marks of the training
    labels are not removed.
    """

    _parameter_constraints: dict[str, Any] = {"keep_marks": ["boolean"]}

    keep_marks = False  # of models from before there was this parameter

    def _learn(self, X: Sequence[Image], y: Sequence[str] | None) -> None:
        self.marks_ = np.empty((0, 2, N_FEATURES))
        if not self.keep_marks:
            return
        labels = [] if y is None else as_texts(y)
        if y is not None and len(labels) != len(X):
            raise ValueError(f"expected {len(X)} labels, one for each image; got {len(labels)}")
        chosen = training_images(labels)
        features, image = [np.empty((0, N_FEATURES))], [np.empty(0, dtype=np.intp)]
        for indices, images in stacks_of_one_shape([X[i] for i in chosen]):
            components, described = self._describe(images, self._remove(images))
            features.append(described)
            image.append(np.array(indices)[components.image])
        order = np.argsort(np.concatenate(image), kind="stable")
        self.marks_ = learn_marks(
            np.concatenate(features)[order],
            np.concatenate(image)[order],
            [labels[i] for i in chosen],
        )

    def _learns(self) -> bool:
        return self.keep_marks

    def _denoise(self, images: Images) -> Sequence[Image] | Images:
        cleaned = self._remove(images)
        if not self.keep_marks or not len(self.marks_):
            return cleaned
        components, features = self._describe(images, cleaned)
        kept = np.zeros(int(components.labels.max(initial=0)) + 1, dtype=np.uint8)
        kept[components.number[are_marks(features, self.marks_)]] = 255
        return np.maximum(cleaned, images & kept.take(components.labels))

    def _describe(
        self, images: Images, cleaned: Sequence[Image] | Images
    ) -> tuple[Components, NDArray[np.float64]]:
        levels = self._ink_levels(images)
        return describe_components(images > levels, np.asarray(cleaned) > levels)

    def _ink_levels(self, images: Images) -> NDArray[Any] | int:
        """Return the gray values that ink exceeds, (n, 1, 1) or one for all images."""
        return INK_LEVEL

    @abstractmethod
    def _remove(self, images: Images) -> Sequence[Image] | Images:
        """Remove ink from images (n, h, w), from each independently of the others."""

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        return StepTags.extend(tags, learns_from="samples" if self._learns() else "nothing")
