"""Captchas with their labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import Bunch

from skcaptcha._letter_case import Case, fold_case

_SHOWN = 3


class Captchas(Bunch):
    """Captchas and their labels, if any: a `sklearn.utils.Bunch` with a short repr.

    Attributes
    ----------
    data : list of n str
        Path of each image.
    target : ndarray of shape (n,), dtype str
        Label of each image; only if labels were requested.
    filenames : list of n str
        Name of each image within its folder.
    fold_case : bool
        Whether the labels were folded to one case; missing if they were not. A model that is
        fitted to folded labels ignores case.

    Examples
    --------
    >>> from skcaptcha.datasets import Captchas
    >>> Captchas(data=["a/1.png", "a/2.png"], target=["AB", "CD"], filenames=["1.png", "2.png"])
    <Captchas: 2 images, labels 'AB', 'CD'>
    """

    data: list[str]
    target: Any  # type checkers do not consider an ndarray a sequence
    filenames: list[str]

    def __repr__(self) -> str:
        n = len(self.data)
        images = f"{n:,} image{'s' * (n != 1)}"
        if "target" not in self:
            return f"<Captchas: {images}, no labels>"
        labels = ", ".join(repr(str(label)) for label in self.target[:_SHOWN])
        return f"<Captchas: {images}{', labels ' * (n > 0)}{labels}{', ...' * (n > _SHOWN)}>"


def with_folded_case(captchas: Captchas, case: Case | None = None) -> Captchas:
    """Return captchas with the letters of their labels in one case; see `fold_case`."""
    target = np.array(fold_case(captchas.target.tolist(), case), dtype=np.str_)
    return Captchas(**{**captchas, "target": target, "fold_case": True})
