"""From which confidence on readings can be accepted together, without typing them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby
from operator import itemgetter

from skcaptcha.label._task import Acceptance

# An accuracy of 99.5 % takes 99 captchas without an error, and 200 more for each error.
_WITHOUT_ERROR, _PER_ERROR = 99, 200
_KEPT = 0.8


def find_acceptance(readings: Iterable[tuple[float, bool]]) -> Acceptance:
    """Find a confidence from which on readings are right in 99.5 % of captchas.

    Parameters
    ----------
    readings : iterable of (float, bool)
        Confidence of a reading, and whether it is right, for labeled captchas that the model was
        not trained on. They must be a random sample.

    Returns
    -------
    acceptance : Acceptance
        With a confidence that has enough support, or what comes nearest to it.

    Notes
    -----
    Of n captchas with this confidence or a higher one, k are read correctly. Their accuracy is
    estimated as (k + 1/2) / (n + 1), as Krichevsky and Trofimov do [1]_: this is the mean of the
    posterior distribution with Jeffreys' prior. Unlike k / n, it is not 1 for a few captchas that
    were all read correctly. The lowest confidence at which this is at least 99.5 % lies just above
    one or more errors, and those below it are no better: in simulations, 0.9 % of the readings from
    it on were wrong where 0.15 % were above it. So a higher one is taken, from which on there are
    still four fifths of the captchas.

    References
    ----------
    .. [1] R. E. Krichevsky and V. K. Trofimov, "The performance of universal encoding", IEEE
       Transactions on Information Theory 27 (1981), 199-207.

    Examples
    --------
    >>> from skcaptcha.label._acceptance import find_acceptance
    >>> found = find_acceptance([(0.9, True)] * 99 + [(0.8, False)])
    >>> found.threshold, found.n_right, found.n, round(found.accuracy, 3)
    (0.9, 99, 99, 0.995)
    >>> found = find_acceptance([(0.9, True)] * 57 + [(0.8, False)])
    >>> found.threshold, found.n_right, found.n, found.n_needed
    (None, 57, 57, 99)
    """
    found = [Acceptance(None, 0, 0, _WITHOUT_ERROR)]
    n = n_wrong = 0
    for confidence, same in groupby(sorted(readings, reverse=True), key=itemgetter(0)):
        for _, is_right in same:
            n += 1
            n_wrong += not is_right
        needed = _WITHOUT_ERROR + _PER_ERROR * n_wrong
        found.append(Acceptance(confidence, n, n - n_wrong, needed))
    enough = [one for one in found if one.n >= one.n_needed]
    if enough:
        return next(one for one in enough if one.n >= _KEPT * enough[-1].n)
    return replace(max(found, key=lambda one: one.n / one.n_needed), threshold=None)
