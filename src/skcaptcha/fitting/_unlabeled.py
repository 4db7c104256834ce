"""Captchas without labels that can teach."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.utils import Bunch

from skcaptcha.exceptions import FitWarning
from skcaptcha.fitting._exclude import names_of
from skcaptcha.images import ImageBatch
from skcaptcha.semi_supervised._self_training_reader import (
    MAX_UNLABELED,
    MIN_LABELED,
    MIN_UNLABELED_PART,
)


def usable_unlabeled(captchas: Bunch, n_labeled: int) -> Bunch | None:
    """Return captchas without labels as decoded images, at most 3,000; None if they cannot help.

    Parameters
    ----------
    captchas : Bunch
        As `skcaptcha.datasets.load_captchas` returns them; without ``filenames``, they are
        numbered from 0.
    n_labeled : int
        Number of captchas with a label.

    Returns
    -------
    usable : Bunch or None
        Its ``data`` is an `skcaptcha.images.ImageBatch`.

    Warns
    -----
    FitWarning
        If files are not images, if there are so many that a sample is used, or if there are too
        few captchas, with or without a label.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.utils import Bunch
    >>> from skcaptcha.fitting._unlabeled import usable_unlabeled
    >>> captchas = Bunch(data=[np.zeros((9, 9), np.uint8)] * 20)
    >>> len(usable_unlabeled(captchas, 50).data)
    20
    """
    n = len(captchas.data)
    why = ""
    if n_labeled < MIN_LABELED:
        why = f"at least {MIN_LABELED} labeled images are needed to check what models read"
    elif n < MIN_UNLABELED_PART * n_labeled:
        why = f"{n} are too few to help beside {n_labeled} labeled images"
    if why:
        warnings.warn(f"images without a label are left out: {why}", FitWarning, stacklevel=3)
        return None
    return readable_unlabeled(captchas, stacklevel=4)


def readable_unlabeled(captchas: Bunch, *, stacklevel: int = 3) -> Bunch | None:
    """Return captchas without labels as decoded images, at most 3,000; None if none is an image.

    Warn of files that are not images, and if a sample is used. See `usable_unlabeled`.
    """
    n = len(captchas.data)
    chosen = np.arange(n)
    if n > MAX_UNLABELED:
        chosen = np.sort(np.random.default_rng(0).permutation(n)[:MAX_UNLABELED])
        warnings.warn(
            f"{MAX_UNLABELED:,} of {n:,} images without a label are used, chosen at random",
            FitWarning,
            stacklevel=stacklevel,
        )
    batch = ImageBatch([captchas.data[i] for i in chosen.tolist()])
    if batch.errors:
        error = next(iter(batch.errors.values()))
        warnings.warn(
            f"{len(batch.errors)} of {len(batch)} images without a label cannot be read and are "
            f"left out; the first: {error}",
            FitWarning,
            stacklevel=stacklevel,
        )
    usable = [i for i in range(len(batch)) if i not in batch.errors]
    names = names_of(captchas)
    names = [str(names[i]) for i in chosen[usable].tolist()]
    return Bunch(data=batch.take(usable), filenames=names) if usable else None
