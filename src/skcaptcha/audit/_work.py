"""The fits that an audit takes, in order of what they tell, as long as there is time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray

from skcaptcha.audit._ablation import Change, changes
from skcaptcha.audit._defenses import FAMILY_RISK
from skcaptcha.audit._figures import Ablation
from skcaptcha.audit._intervals import Difference, Share, paired_difference, share
from skcaptcha.audit._reading import Learned, choose_and_read, fit_and_read
from skcaptcha.auto import Measurement

_SIZES = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
_CURVE_SHARE, _ABLATION_SHARE = 0.75, 0.15  # of the time, at the most and at the least
_GREATEST_SHARE = 0.4  # of the curve's
_LEAST_SECONDS = 30.0  # for choosing, if the budget gives as much to each number of labels
_MOST_FOR_ABLATION = 300  # labels


class Work:
    """The fits of an audit, shared out among processes as long as there is time.

    Parameters
    ----------
    X : sequence of n captchas
    y : ndarray of n str
    learn, read : ndarrays of int
        Numbers of the captchas to learn from, in the order in which they are taken, and of those to
        read.
    began : float
        By `time.time`, which is the same in all processes.
    budget : float
        Seconds.
    n_jobs, say
        See `audit_captchas`.

    Attributes
    ----------
    sizes : list of int
        Numbers of labels to learn from.
    n_ablation : int
        How many captchas recipes learn from that lack something.
    """

    def __init__(
        self,
        X: Sequence[Any],
        y: NDArray[np.str_],
        *,
        learn: NDArray[np.intp],
        read: NDArray[np.intp],
        began: float,
        budget: float,
        n_jobs: int | None,
        say: Callable[[str, int, int], None],
    ) -> None:
        self._X, self._y, self._learn, self._read = X, y, learn, read
        self._began, self._budget = began, budget
        self._workers = joblib.effective_n_jobs(n_jobs)
        self._parallel = joblib.Parallel(n_jobs, return_as="generator")
        self._say = say
        self.sizes = [*(size for size in _SIZES if size < len(learn)), len(learn)]
        self.n_ablation = min(len(learn), _MOST_FOR_ABLATION)

    def curve(self) -> list[Learned]:
        """Learn from ever more labels; from the most of them in any case.

        Returns
        -------
        learned : list of Learned
            In the order of the numbers of labels; those for which no time was left are missing.
        """
        allowed = _CURVE_SHARE * self._budget
        budgets = self._budgets(allowed)
        greatest = len(self.sizes) - 1
        # Alone, what takes longest comes last, and its time is kept; else others run beside it.
        alone = self._workers == 1
        order = list(range(len(self.sizes))) if alone else [greatest, *range(greatest)]
        deadline = self._began + allowed - alone * budgets[greatest]
        tasks = (
            joblib.delayed(_in_time)(
                None if k == greatest else deadline,
                choose_and_read,
                self._X,
                self._y,
                self._learn[: self.sizes[k]],
                self._read,
                budget=budgets[k],
                keep_model=k == greatest,
            )
            for k in order
        )
        learned = [each for each in self._done("learning", tasks, len(order)) if each is not None]
        return sorted(learned, key=lambda each: each.n_labels)

    def ablations(
        self, best: Learned, measurement: Measurement
    ) -> tuple[Share | None, list[Ablation]]:
        """Fit the chosen recipe again, whole and without what answers a defense.

        Parameters
        ----------
        best : Learned
        measurement : Measurement

        Returns
        -------
        base : Share or None
            What the whole recipe reads; None if there was no recipe or no time.
        ablations : list of Ablation
        """
        if best.recipe is None:
            return None, []
        whole = Change("whole", (), {key: best.recipe[key] for key in ("steps", "search")})
        parts = list(changes(best.recipe, measurement.length, measurement.dark_ink))
        learn = self._learn[: self.n_ablation]
        # However long the curve took, what is quickly fitted is fitted.
        deadline = max(self._began + self._budget, time.time() + _ABLATION_SHARE * self._budget)
        tasks = (
            joblib.delayed(_in_time)(
                deadline,
                fit_and_read,
                change.recipe,
                self._X,
                self._y,
                learn,
                self._read,
            )
            for change in (whole, *parts)
        )
        texts = list(self._done("leaving out steps", tasks, 1 + len(parts)))
        if texts[0] is None:
            return None, []
        labels, confidence = self._y[self._read], 1 - FAMILY_RISK / max(1, len(parts))
        right = which_right(texts[0], labels)
        found = [
            Ablation(change.what, change.answers, *_compared(right, other, labels, confidence))
            for change, other in zip(parts, texts[1:], strict=True)
        ]
        return share(int(right.sum()), len(right), confidence=confidence), found

    def _budgets(self, allowed: float) -> list[float]:
        """Share out the time among the numbers of labels; the greatest tells most."""
        together = allowed * self._workers
        most = _GREATEST_SHARE * together
        weights = np.sqrt(self.sizes[:-1])
        others = (together - most) * weights / max(weights.sum(), 1)
        # With less, readers that take some time to fit would not be tried with few labels.
        least = min(_LEAST_SECONDS, allowed / len(self.sizes))
        return np.clip([*others, most], least, allowed).tolist()

    def _done(self, what: str, tasks: Iterator[Any], n: int) -> Iterator[Any]:
        self._say(what, 0, n)
        for k, result in enumerate(self._parallel(tasks), start=1):
            self._say(what, k, n)
            yield result


def _in_time(deadline: float | None, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Do a piece of work, unless it is too late to begin it."""
    if deadline is not None and time.time() > deadline:
        return None
    return work(*args, **kwargs)


def which_right(texts: Sequence[str], labels: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Tell which captchas were read right.

    Parameters
    ----------
    texts : sequence of n str
    labels : ndarray of n str

    Returns
    -------
    right : ndarray of shape (n,), dtype bool
    """
    return np.array([text == label for text, label in zip(texts, labels, strict=True)])


def _compared(
    right: NDArray[np.bool_],
    other: Sequence[str] | None,
    labels: NDArray[np.str_],
    confidence: float,
) -> tuple[Share | None, Difference | None]:
    """Count what another recipe reads, and what it reads less, of the same captchas."""
    if other is None:
        return None, None
    also = which_right(other, labels)
    n = len(labels)
    lost, won = int((right & ~also).sum()), int((also & ~right).sum())
    return (
        share(int(also.sum()), n, confidence=confidence),
        paired_difference(lost, won, n, confidence=confidence),
    )
