"""Finding the labels that are probably wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skcaptcha._display.progress import progress
from skcaptcha.auto import choose_recipe
from skcaptcha.base import Model, pipeline_of
from skcaptcha.exceptions import DatasetError
from skcaptcha.images._batch import as_batch
from skcaptcha.label_issues._confident_learning import check_cleanlab, judge_labels
from skcaptcha.label_issues._issues import LabelIssue, LabelIssues
from skcaptcha.label_issues._out_of_fold import Judged, judge_out_of_fold
from skcaptcha.label_issues._probabilities import (
    Given,
    characters_of,
    confidences_of,
    lengths_of,
)
from skcaptcha.label_issues._repeats import contradictions
from skcaptcha.read._input import check_texts

FEWEST = 20
"""Fewer captchas cannot judge each other's labels."""


def find_label_issues(
    X: Sequence[Any],
    y: ArrayLike,
    *,
    model: Model | None = None,
    names: Sequence[str] | None = None,
    n_folds: int = 5,
    budget: float | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
    random_state: int = 0,
) -> LabelIssues:
    """Find labels that are probably wrong.

    The captchas are divided into parts, and those of each part are read by a model that was fitted
    to the others. What it says of every character of the label, and of the label's length, is
    compared with the label by confident learning. The score of a label is that of its worst
    character, or of its length. Images of the same pixels with different labels are suspects in any
    case.

    Parameters
    ----------
    X : sequence of n captchas
        Paths, bytes, PIL images or arrays; at least 20 different ones.
    y : array-like of n str
        Their labels.
    model : Pipeline, or fitted search over one, optional
        What to judge them by; it is cloned, and a pipeline need not be fitted. By default the
        recipe that `skcaptcha.auto.choose_recipe` finds: a few wrong labels do not mislead it.
    names : sequence of n str, optional
        What reasons are to call the captchas; by default "image 0" and so on.
    n_folds : int >= 2, default=5
        The number of parts.
    budget : float, optional
        Seconds for choosing a recipe; see `skcaptcha.auto.choose_recipe`.
    n_jobs : int, optional
        Number of processes, as everywhere in scikit-learn.
    verbose : int, default=0
        1 shows progress on the standard error.
    random_state : int, default=0
        Divides the captchas.

    Returns
    -------
    issues : LabelIssues
        Of all labels, the most doubtful first.

    Raises
    ------
    DatasetError
        If there are too few captchas, or one has no label.
    ImageError, SegmentationError
        If one of the images cannot be used.
    ReadingError
        If the model cannot be fitted to them.
    MissingCleanlabError
        If cleanlab is not installed.

    References
    ----------
    C. G. Northcutt, L. Jiang and I. L. Chuang, "Confident learning: estimating uncertainty in
    dataset labels", Journal of Artificial Intelligence Research 70 (2021), 1373-1411.

    Examples
    --------
    >>> from skcaptcha import load_recipe
    >>> from skcaptcha.datasets import make_line_captchas
    >>> from skcaptcha.label_issues import find_label_issues
    >>> images, labels = make_line_captchas(120, charset="ABC7", random_state=0)
    >>> labels[17] = "A7"
    >>> model = load_recipe("configs/grid.yaml").pipeline()
    >>> worst = find_label_issues(list(images), labels, model=model).suspects[0]
    >>> worst.index, worst.reason
    (17, 'it has 2 characters, the image rather 4')
    """
    check_cleanlab()
    if model is not None:
        model = pipeline_of(model)
    labels = check_texts(y, len(X))
    check_number(len(labels))
    if not all(labels):
        raise DatasetError(f"captcha {np.flatnonzero(labels == '')[0]} has no label; leave it out")
    X = as_batch(X)
    digests = [image.digest for image in X]
    check_number(len(set(digests)), "different captchas")
    if model is None:
        choice = choose_recipe(
            X,
            labels.tolist(),
            budget=budget,
            n_jobs=n_jobs,
            verbose=verbose,
            random_state=random_state,
            refit=False,
        )
        model = choice.model
    n_folds = min(n_folds, len(set(digests)))
    with progress("fitting and judging", n_folds, show=bool(verbose)) as advance:
        judged = judge_out_of_fold(
            model,
            X,
            labels,
            digests,
            n_folds=n_folds,
            n_jobs=n_jobs,
            random_state=random_state,
            advance=advance,
        )
    names = [f"image {i}" for i in range(len(labels))] if names is None else names
    repeats = {
        i: f"the same image as {names[k]}, which is labeled {labels[k]}"
        for i, k in contradictions(digests, labels).items()
    }
    ranked = rank_labels(judged, labels, repeats)
    n_other_length = sum(judgment.characters is None for _, judgment, _ in judged)
    return LabelIssues(tuple(ranked), n_folds, n_other_length)


def check_number(n: int, what: str = "labeled captchas") -> None:
    """Find out before the work whether there are enough captchas.

    Parameters
    ----------
    n : int
        Their number.
    what : str, default="labeled captchas"
        Which they are, for the error.

    Raises
    ------
    DatasetError
        If they are too few.
    """
    if n < FEWEST:
        raise DatasetError(
            f"{n} {what} are too few to judge each other's labels; at least {FEWEST} are needed"
        )


def rank_labels(
    judged: Sequence[Judged], labels: NDArray[np.str_], repeats: Mapping[int, str]
) -> list[LabelIssue]:
    """Judge every label by the worst of what it says.

    Parameters
    ----------
    judged : sequence of n Judged
    labels : ndarray of n str
    repeats : mapping of int to str
        Captchas that are suspects in any case, and why.

    Returns
    -------
    issues : list of n LabelIssue
        The most doubtful first.
    """
    scores = np.ones(len(labels))
    wrong = np.zeros(len(labels), dtype=bool)
    reasons = [""] * len(labels)
    for given in (characters_of(judged, labels), lengths_of(judged, labels)):
        quality, is_wrong = judge_labels(given)
        # What is said last of a captcha is the worst.
        for row in np.argsort(-quality, kind="stable"):
            i = given.owner[row]
            # Where the length is wrong, so may be all characters after the missing one.
            if quality[row] < scores[i] or (is_wrong[row] and given.place[row] < 0):
                reasons[i] = _reason(given, row)
            scores[i] = min(quality[row], scores[i])
            wrong[i] |= is_wrong[row]
    # Confident learning tells well how many are wrong, but of a class that models seldom know it
    # takes too many: which they are, the scores tell better.
    confidences = confidences_of(judged, labels)
    order = np.lexsort((-confidences, scores))
    suspects = {*order[: wrong.sum()].tolist(), *repeats}
    issues = [
        LabelIssue(
            index=i,
            label=str(labels[i]),
            text=judged[i].reading.text,
            confidence=float(confidences[i]),
            score=float(scores[i]),
            suspect=i in suspects,
            reason=repeats.get(i, reasons[i]) if i in suspects else "",
        )
        for i in order.tolist()
    ]
    return sorted(issues, key=lambda issue: not issue.suspect)


def _reason(given: Given, row: int) -> str:
    said, place = given.names[given.label[row]], given.place[row]
    others = given.probabilities[row].copy()
    others[given.label[row]] = -1.0
    instead = given.names[int(others.argmax())]
    if place < 0:
        characters = "character" if said == "1" else "characters"
        return f"it has {said} {characters}, the image rather {instead}"
    return f"character {place + 1} is {said!r}, and looks like {instead!r}"
