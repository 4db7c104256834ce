"""From labelled captchas to what reading them takes, and which of their defences hold."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skcaptcha import __version__
from skcaptcha.audit._ablation import Change, changes
from skcaptcha.audit._defences import Finding, find
from skcaptcha.audit._features import amounts_of_characters, amounts_of_ink
from skcaptcha.audit._intervals import Difference, Share, attempts, paired_difference, share
from skcaptcha.audit._reading import Learnt, choose_and_read, fit_and_read, read_each
from skcaptcha.auto import Measurement, measure
from skcaptcha.errors import DatasetError, SkcaptchaError
from skcaptcha.images import decode
from skcaptcha.read import read_captchas
from skcaptcha.read._input import check_texts

MARKS = (0.01, 0.1, 0.5, 0.9)
"""Shares of captchas read, for which the labels are counted that they take."""

SECONDS_PER_LABEL = 5.0
"""An assumption, not measured."""

FEW = 30
"""Of fewer captchas little can be told."""

DEFAULT_BUDGET = 900.0

_FEWEST = 6
_HELD_OUT, _MOST_HELD_OUT = 1 / 3, 500
_SIZES = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
_CURVE_SHARE = 0.65  # of the time
_MOST_FOR_ABLATION = 300  # labels


@dataclass(frozen=True)
class Point:
    """A point of the learning curve.

    Attributes
    ----------
    n_labels : int
    read : Share
        Of the held-out captchas.
    recipe : str
        What was chosen with these labels alone.
    cpu_seconds : float
        For choosing and fitting.
    readings_per_hour : float
        Of one core.
    """

    n_labels: int
    read: Share
    recipe: str
    cpu_seconds: float
    readings_per_hour: float


@dataclass(frozen=True)
class Ablation:
    """What the reader loses without a step.

    Attributes
    ----------
    what : str
        What was changed.
    answers : tuple of str
        Keys of the defences that are answered by what is missing.
    read : Share or None
        Of the held-out captchas; None if the changed recipe cannot be fitted.
    loss : Difference or None
        Share read by the whole recipe less that by the changed one, on the same captchas.
    """

    what: str
    answers: tuple[str, ...]
    read: Share | None
    loss: Difference | None


@dataclass(frozen=True)
class Audit:
    """What `audit_captchas` finds.

    Attributes
    ----------
    n, n_copies : int
        Captchas that were given, and how many of them repeat the image of another one: those were
        left out.
    n_learn, n_held_out : int
        How many could be learnt from, and how many were kept apart to be read.
    measured : dict of str to str
        What they look like.
    n_characters : int
        How many different characters the labels have.
    length : int or None
        The usual length of labels.
    curve : tuple of Point
    skipped : tuple of int
        Numbers of labels for which no time was left.
    findings : tuple of Finding
        What was found of each defence.
    ablations : tuple of Ablation
    n_ablation : int
        How many captchas the recipes of the ablations learnt from.
    ablation_base : Share or None
        What the whole recipe reads that learnt from so many.
    budget, seconds, cpu_seconds : float
        Seconds allowed, seconds spent, and the processors' seconds for the learning curve.
    version : str
        Of skcaptcha.
    """

    n: int
    n_copies: int
    n_learn: int
    n_held_out: int
    measured: dict[str, str]
    n_characters: int
    length: int | None
    curve: tuple[Point, ...]
    skipped: tuple[int, ...]
    findings: tuple[Finding, ...]
    ablations: tuple[Ablation, ...]
    n_ablation: int
    ablation_base: Share | None
    budget: float
    seconds: float
    cpu_seconds: float
    version: str = __version__

    @property
    def best(self) -> Point:
        """The point with the most labels."""
        return self.curve[-1]

    @property
    def attempts(self) -> tuple[float, float, float]:
        """How many captchas are tried until one is read: expected, least and most."""
        return attempts(self.best.read)

    def labels_needed(self, mark: float) -> int | None:
        """Give the first number of labels with which, for sure, so many captchas are read.

        Parameters
        ----------
        mark : float
            Share of captchas.

        Returns
        -------
        n_labels : int or None
            The first measured number at which the whole interval is above the mark; None: none.
        """
        return next((p.n_labels for p in self.curve if p.read.low >= mark), None)

    def figures(self) -> dict[str, Any]:
        """Give all figures as mappings, lists, numbers and strings, for JSON.

        Returns
        -------
        figures : dict
        """
        plain = asdict(self)
        for point, own in zip(plain["curve"], self.curve, strict=True):
            point["read"] = own.read._asdict()
        for finding, found in zip(plain["findings"], self.findings, strict=True):
            for key in ("more", "less", "cost", "read_with"):
                value = getattr(found, key)
                finding[key] = value and value._asdict()
        for ablation, done in zip(plain["ablations"], self.ablations, strict=True):
            ablation["read"] = done.read and done.read._asdict()
            ablation["loss"] = done.loss and done.loss._asdict()
        plain["ablation_base"] = self.ablation_base and self.ablation_base._asdict()
        expected, low, high = (None if n == float("inf") else n for n in self.attempts)
        return plain | {
            "string_accuracy": self.best.read.value,
            "string_accuracy_interval": [self.best.read.low, self.best.read.high],
            "labels_needed": {str(mark): self.labels_needed(mark) for mark in MARKS},
            "attempts_per_success": expected,
            "attempts_per_success_interval": [low, high],
            "assumed_seconds_per_label": SECONDS_PER_LABEL,
        }


def audit_captchas(
    X: Sequence[Any],
    y: Sequence[str],
    *,
    budget: float | None = None,
    n_jobs: int | None = None,
    random_state: int = 0,
    say: Callable[[str, int, int], None] | None = None,
) -> Audit:
    """Measure how many labels and how much time reading captchas takes, and what holds it up.

    A third of the captchas, at most 500, is drawn by chance and kept apart. From the first 10, 20,
    50, 100, ... of the others, in an order drawn by chance, a recipe is chosen and fitted each time
    anew, with nothing but these labels, and reads those that were kept apart. The readings with
    the most labels tell what each defence costs: captchas that have it, or have more of it, are
    compared with the others. The recipe that was chosen then is fitted again without one thing
    after the other that answers a defence, and what it loses is counted.

    Parameters
    ----------
    X : sequence of n captchas
        Paths, bytes, PIL images or arrays.
    y : sequence of n str
        Their labels.
    budget : float, optional
        Seconds; by default 900. What is begun is ended, so that it may take longer; what has not
        begun by then is left out, and said to be.
    n_jobs : int, optional
        Number of processes, as everywhere in scikit-learn.
    random_state : int, default=0
        Which captchas are kept apart, and the order of the others.
    say : callable, optional
        Is told what is being done, how many pieces of work are done, and how many there are.

    Returns
    -------
    audit : Audit

    Raises
    ------
    DatasetError
        If there are fewer than six captchas, or one has no label.
    ImageError
        If one of them is no image.

    Examples
    --------
    >>> from skcaptcha.audit import audit_captchas
    >>> from skcaptcha.datasets import make_line_captchas
    >>> images, labels = make_line_captchas(45, charset="ABC", random_state=0)
    >>> audit = audit_captchas(list(images), labels, budget=20)
    >>> [point.n_labels for point in audit.curve], audit.n_held_out
    ([10, 20, 30], 15)
    >>> audit.labels_needed(0.5) in (10, 20)
    True
    """
    begin = time.time()
    budget = DEFAULT_BUDGET if budget is None else budget
    say = say or (lambda text, done, total: None)
    say("measuring", 0, 1)
    labels = check_texts(y, len(X))
    if not all(labels):
        raise DatasetError(f"captcha {np.flatnonzero(labels == '')[0]} has no label; leave it out")
    images = [decode(source) for source in X]
    chosen = _without_copies(images)
    if len(chosen) < _FEWEST:
        raise DatasetError(
            f"{len(chosen)} different labelled captchas are too few to audit; at least {_FEWEST} "
            "are needed, and some hundred tell much more"
        )
    measurement = measure(iter(images), labels.tolist())
    order = np.random.default_rng(random_state).permutation(chosen)
    n_held_out = min(_MOST_HELD_OUT, round(_HELD_OUT * len(order)))
    read, learn = order[:n_held_out], order[n_held_out:]
    work = _Work(X, labels, learn, read, begin, budget, n_jobs, say)
    learnt = list(work.curve())
    curve = tuple(
        Point(
            each.n_labels,
            share(int(_right(each.texts, labels[read]).sum()), n_held_out),
            each.name,
            each.cpu_seconds,
            3600 * each.readings_per_second,
        )
        for each in learnt
    )
    best = learnt[-1]
    amounts = _amounts(best.model, [images[i] for i in read], labels[read])
    base, ablations = work.ablations(best, measurement)
    return Audit(
        n=len(X),
        n_copies=len(X) - len(chosen),
        n_learn=len(learn),
        n_held_out=n_held_out,
        measured=dict(measurement.lines()),
        n_characters=len(measurement.characters),
        length=measurement.length,
        curve=curve,
        skipped=tuple(size for size in work.sizes if size not in {p.n_labels for p in curve}),
        findings=tuple(find(amounts, _right(best.texts, labels[read]))),
        ablations=tuple(ablations),
        n_ablation=min(len(learn), _MOST_FOR_ABLATION),
        ablation_base=base,
        budget=budget,
        seconds=time.time() - begin,
        cpu_seconds=sum(point.cpu_seconds for point in curve),
    )


class _Work:
    """The fits of an audit, shared out among processes as long as there is time."""

    def __init__(
        self,
        X: Sequence[Any],
        y: NDArray[np.str_],
        learn: NDArray[np.intp],
        read: NDArray[np.intp],
        begin: float,
        budget: float,
        n_jobs: int | None,
        say: Callable[[str, int, int], None],
    ) -> None:
        self._X, self._y, self._learn, self._read = X, y, learn, read
        self._begin, self._budget = begin, budget
        self._workers = joblib.effective_n_jobs(n_jobs)
        self._parallel = joblib.Parallel(n_jobs, return_as="generator")
        self._say = say
        self.sizes = [*(size for size in _SIZES if size < len(learn)), len(learn)]

    def curve(self) -> Iterator[Learnt]:
        """Learn from ever more labels; those with the most come first, then those with the fewest.

        Yields
        ------
        learnt : Learnt
            In the order of the numbers of labels.
        """
        allowed = _CURVE_SHARE * self._budget
        deadline = self._begin + allowed
        weights = np.sqrt(self.sizes)
        budgets = np.minimum(allowed, allowed * self._workers * weights / weights.sum())
        order = [len(self.sizes) - 1, *range(len(self.sizes) - 1)]
        tasks = (
            joblib.delayed(_in_time)(
                None if k == len(self.sizes) - 1 else deadline,
                choose_and_read,
                self._X,
                self._y,
                self._learn[: self.sizes[k]],
                self._read,
                budget=float(budgets[k]),
                keep_model=k == len(self.sizes) - 1,
            )
            for k in order
        )
        learnt = [each for each in self._done("learning", tasks, len(order)) if each is not None]
        yield from sorted(learnt, key=lambda each: each.n_labels)

    def ablations(
        self, best: Learnt, measurement: Measurement
    ) -> tuple[Share | None, list[Ablation]]:
        """Fit the chosen recipe again, whole and without what answers a defence.

        Parameters
        ----------
        best : Learnt
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
        learn = self._learn[:_MOST_FOR_ABLATION]
        tasks = (
            joblib.delayed(_in_time)(
                self._begin + self._budget,
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
        labels = self._y[self._read]
        right, confidence = _right(texts[0], labels), 1 - 0.05 / max(1, len(parts))
        found = []
        for change, other in zip(parts, texts[1:], strict=True):
            lost = None if other is None else right & ~_right(other, labels)
            if other is None or lost is None:
                found.append(Ablation(change.what, change.answers, None, None))
                continue
            also = _right(other, labels)
            found.append(
                Ablation(
                    change.what,
                    change.answers,
                    share(int(also.sum()), len(also), confidence=confidence),
                    paired_difference(
                        int(lost.sum()), int((also & ~right).sum()), len(also), confidence=confidence
                    ),
                )
            )
        return share(int(right.sum()), len(right), confidence=confidence), found

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


def _without_copies(images: Sequence[NDArray[np.uint8]]) -> NDArray[np.intp]:
    """Leave out images that repeat another one: reading them again would prove nothing."""
    first: dict[bytes, int] = {}
    for i, image in enumerate(images):
        digest = sha256(repr(image.shape).encode() + np.ascontiguousarray(image).tobytes())
        first.setdefault(digest.digest(), i)
    return np.array(list(first.values()), dtype=np.intp)


def _right(texts: Sequence[str], labels: NDArray[np.str_]) -> NDArray[np.bool_]:
    return np.array([text == label for text, label in zip(texts, labels, strict=True)])


def _amounts(
    model: Pipeline | None, images: Sequence[NDArray[np.uint8]], labels: NDArray[np.str_]
) -> dict[str, NDArray[np.float64]]:
    """Measure every captcha's defences; where its characters stand, a model has to tell."""
    texts = labels.tolist()
    amounts = amounts_of_ink(images, texts)
    try:
        if model is None:
            raise SkcaptchaError("there is no model")
        denoised = model[:2].transform(images)
        boxes = [reading.boxes for reading in read_captchas(model, images)]
        return amounts | amounts_of_characters(denoised, boxes, texts)
    except SkcaptchaError:
        unknown = np.full(len(texts), np.nan)
        return amounts | {"rotation": unknown, "shape": unknown}
