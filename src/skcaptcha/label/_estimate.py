"""How much would be read right if labeling stopped now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import takewhile

from skcaptcha.label._store import State
from skcaptcha.label._task import Estimate
from skcaptcha.metrics import wilson_interval

_FEWEST = 10


def random_sample(
    order: Iterable[str], state_of: Callable[[str], State], *, beyond: int = 0
) -> list[str]:
    """Take the labeled images that are a random sample of all.

    They are those that come before the first undecided one in the random order, however each of
    them came to be labeled. What was labeled because it was doubtful thereby counts as often as
    it occurs, and not as often as it was asked for.

    Parameters
    ----------
    order : iterable of str
        All images, at random.
    state_of : callable
        What an image, by its name, is.
    beyond : int, default=0
        Go on until that many undecided images have been passed: what comes in between belongs to
        the sample soon.

    Returns
    -------
    filenames : list of str
        Without unreadable and skipped images, of which nobody said what is right.

    Notes
    -----
    To stop before an undecided image is to stop a draw at a set number of images of a kind, which
    leaves the share of the other kind, the doubtful ones, unbiased if that last image is left out
    [1]_.

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
    """Estimate the string accuracy on images of the same kind as those of the folder.

    Parameters
    ----------
    sample : iterable of str
        As `random_sample` gives it. It counts up to the first image of which there is no reading.
    labels : mapping of str to str
        By file name.
    readings : mapping of str to (str or None)
        What models that had not learned from an image read in it; None if it was there before any
        model was.

    Returns
    -------
    estimate : Estimate or None
        None if it would rest on fewer than ten images.

    Examples
    --------
    >>> from skcaptcha.label._estimate import estimate_accuracy
    >>> labels = {str(k): "A" for k in range(12)}
    >>> estimate = estimate_accuracy(labels, labels, {str(k): "AB"[k > 8] for k in range(12)})
    >>> estimate.accuracy, round(estimate.low, 2), round(estimate.high, 2), estimate.n
    (0.75, 0.47, 0.91, 12)
    """
    known = list(takewhile(lambda name: readings.get(name) is not None, sample))
    if len(known) < _FEWEST:
        return None
    right = sum(readings[name] == labels[name] for name in known)
    low, high = wilson_interval(right, len(known))
    return Estimate(right / len(known), low, high, len(known))
