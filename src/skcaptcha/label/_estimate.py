"""Estimating the accuracy that a model would reach if labeling stopped now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import takewhile

from skcaptcha.label._store import State
from skcaptcha.label._task import Estimate
from skcaptcha.metrics import wilson_interval

_MIN_IMAGES = 10


def random_sample(
    order: Iterable[str], state_of: Callable[[str], State], *, beyond: int = 0
) -> list[str]:
    """Select the labeled images that are a random sample of all images.

    They are the labeled images before the first undecided image in the random order, however each
    of them was chosen for labeling. Images that were labeled because the model was uncertain
    therefore count as often as they occur in the folder. Images whose readings were accepted count
    as undecided, because only those with high confidences are. They come from the end of the order,
    so that the others at its start remain a random sample.

    Parameters
    ----------
    order : iterable of str
        All images in random order.
    state_of : callable
        Returns the state of an image, given its name.
    beyond : int, default=0
        Number of undecided images to pass before stopping. The labeled images in between belong
        to the sample soon.

    Returns
    -------
    filenames : list of str
        Without unreadable and skipped images, whose text is unknown.

    Notes
    -----
    The sample ends just before an undecided image. This is inverse sampling: draws stop at a fixed
    number of items of one kind, and leaving out the last item makes the fraction of the other kind
    unbiased [1]_.

    References
    ----------
    .. [1] J. B. S. Haldane, "On a method of estimating frequencies", Biometrika 33 (1945), 222-225.

    Examples
    --------
    >>> from skcaptcha.label._estimate import random_sample
    >>> from skcaptcha.label._store import State
    >>> states = {"b": State("5UFQ"), "a": State(None, "skipped"), "d": State("HOTS"), "c": State()}
    >>> random_sample(["b", "a", "d", "c"], states.__getitem__)
    ['b', 'd']
    """
    sample = []
    for filename in order:
        state = state_of(filename)
        if state.accepted:
            break
        if state.label is not None:
            sample.append(filename)
        elif state.mark is None:
            beyond -= 1
            if beyond < 0:
                break
    return sample


def estimate_accuracy(
    sample: Iterable[str], labels: Mapping[str, str], readings: Mapping[str, str | None]
) -> Estimate | None:
    """Estimate the string accuracy on images like those of the folder.

    `readings` holds what models read that were not trained on the image, or None if there was no
    model yet. The sample counts up to the first image without a reading. Returns None if fewer
    than ten images remain.
    """
    known = list(takewhile(lambda name: readings.get(name) is not None, sample))
    if len(known) < _MIN_IMAGES:
        return None
    n_right = sum(readings[name] == labels[name] for name in known)
    low, high = wilson_interval(n_right, len(known))
    return Estimate(n_right / len(known), low, high, len(known))
