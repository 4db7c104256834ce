"""Finding labels that are probably wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import joblib
import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone

from skcaptcha._display.progress import progress
from skcaptcha._letter_case import fold_case
from skcaptcha.auto import choose_recipe
from skcaptcha.base import Model, pipeline_of
from skcaptcha.exceptions import DatasetError
from skcaptcha.images._batch import as_batch
from skcaptcha.label_issues._confident_learning import check_cleanlab, score_labels
from skcaptcha.label_issues._issues import LabelIssue, LabelIssues
from skcaptcha.label_issues._out_of_fold import HeldOut, read_out_of_fold
from skcaptcha.label_issues._probabilities import (
    LabelProbabilities,
    character_probabilities,
    length_probabilities,
    text_confidences,
)
from skcaptcha.read._base import folds_case, validate_labels
from skcaptcha.read._limit_training import limit_training

MIN_CAPTCHAS = 20
_SECONDS_OF_NETWORKS = 120.0  # in each fold


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

    The captchas are divided into folds, and each fold is read by a model that was fitted to the
    other folds. Confident learning compares the probabilities of the characters at each position,
    and of the lengths, with the label. The score of a label is the lowest of these scores. Images
    with the same pixels and different labels are always suspects.

    Parameters
    ----------
    X : sequence of n captchas
        Paths, bytes, PIL images or arrays; at least 20 different ones.
    y : array-like of n str
        Labels.
    model : Pipeline, or fitted search over one, optional
        Model to check the labels with. It is cloned; a pipeline need not be fitted. By default,
        the recipe that `skcaptcha.auto.choose_recipe` finds: a few wrong labels do not mislead it.
        A network that reads whole images (`ConvolutionalReader`) is trained for at most two minutes
        in each fold.
    names : sequence of n str, optional
        Names of the captchas in reasons. By default "image 0" and so on.
    n_folds : int >= 2, default=5
        Number of folds.
    budget : float, optional
        Seconds for choosing a recipe; see `skcaptcha.auto.choose_recipe`.
    n_jobs : int, optional
        Number of processes, as everywhere in scikit-learn.
    verbose : int, default=0
        1 shows progress on standard error.
    random_state : int, default=0
        Seed of the folds.

    Returns
    -------
    issues : LabelIssues
        Results for all labels, worst first.

    Raises
    ------
    DatasetError
        If there are too few captchas, or a label is empty.
    ImageError, SegmentationError
        If an image cannot be used.
    ReadingError
        If the model cannot be fitted to the captchas.
    MissingExtraError
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
    >>> model = load_recipe("grid").pipeline()
    >>> worst = find_label_issues(list(images), labels, model=model).suspects[0]
    >>> worst.index, worst.reason
    (17, 'label has 2 characters; image appears to have 4')
    """
    check_cleanlab()
    if model is not None:
        model = pipeline_of(model)
    labels = validate_labels(y, len(X))
    check_number(len(labels))
    if not all(labels):
        raise DatasetError(
            f"captcha {np.flatnonzero(labels == '')[0]} has no label; add one or leave it out"
        )
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
    if folds_case(model[-1]):
        labels = np.array(fold_case(labels.tolist()), dtype=np.str_)
    n_folds = min(n_folds, len(set(digests)))
    model = clone(model)
    title = "checking labels"
    if limit_training(model, _SECONDS_OF_NETWORKS):
        n_rounds = math.ceil(n_folds / joblib.effective_n_jobs(n_jobs))
        title += f", up to {math.ceil(n_rounds * _SECONDS_OF_NETWORKS / 60)} min"
    with progress(title, n_folds, show=bool(verbose)) as advance:
        held_out = read_out_of_fold(
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
    contradictory = {
        i: f"the same image as {names[k]}, which is labeled {labels[k]}"
        for i, k in contradictions(digests, labels).items()
    }
    ranked = rank_labels(held_out, labels, contradictory)
    n_other_length = sum(scores.characters is None for _, scores, _ in held_out)
    return LabelIssues(tuple(ranked), n_folds, n_other_length)


def check_number(n: int, what: str = "labeled captchas") -> None:
    """Raise DatasetError if there are too few captchas to check labels."""
    if n < MIN_CAPTCHAS:
        raise DatasetError(
            f"found {n} {what}; checking labels needs at least {MIN_CAPTCHAS}: label more"
        )


def contradictions(digests: Sequence[str], y: NDArray[np.str_]) -> dict[int, int]:
    """Find duplicates with different labels.

    Returns the index of a contradicting captcha for each of them.
    """
    same: dict[str, list[int]] = {}
    for i, digest in enumerate(digests):
        same.setdefault(digest, []).append(i)
    return {
        i: next(k for k in group if y[k] != y[i])
        for group in same.values()
        if len({y[k] for k in group}) > 1
        for i in group
    }


def rank_labels(
    held_out: Sequence[HeldOut], labels: NDArray[np.str_], contradictory: Mapping[int, str]
) -> list[LabelIssue]:
    """Score each label by the lowest of its scores, and sort the labels, suspects first.

    `contradictory` maps captchas that are suspects in any case to the reason.
    """
    scores = np.ones(len(labels))
    wrong = np.zeros(len(labels), dtype=bool)
    reasons = [""] * len(labels)
    for given in (
        character_probabilities(held_out, labels),
        length_probabilities(held_out, labels),
    ):
        quality, is_wrong = score_labels(given)
        # Descending, so that the last reason is the one of the lowest score.
        for row in np.argsort(-quality, kind="stable"):
            i = given.owner[row]
            # If the length is wrong, all characters after the missing one may be wrong, too.
            if quality[row] < scores[i] or (is_wrong[row] and given.position[row] < 0):
                reasons[i] = _reason(given, row)
            scores[i] = min(quality[row], scores[i])
            wrong[i] |= is_wrong[row]
    # Confident learning estimates well how many labels are wrong. But it selects too many labels
    # with characters that the models seldom predict, so the scores decide which ones are suspects.
    confidences = text_confidences(held_out, labels)
    order = np.lexsort((-confidences, scores))
    suspects = {*order[: wrong.sum()].tolist(), *contradictory}
    issues = [
        LabelIssue(
            index=i,
            label=str(labels[i]),
            text=held_out[i].reading.text,
            confidence=float(confidences[i]),
            score=float(scores[i]),
            suspect=i in suspects,
            reason=contradictory.get(i, reasons[i]) if i in suspects else "",
        )
        for i in order.tolist()
    ]
    return sorted(issues, key=lambda issue: not issue.suspect)


def _reason(given: LabelProbabilities, row: int) -> str:
    value, position = given.names[given.label[row]], given.position[row]
    others = given.probabilities[row].copy()
    others[given.label[row]] = -1.0
    instead = given.names[int(others.argmax())]
    if position < 0:
        characters = "character" if value == "1" else "characters"
        return f"label has {value} {characters}; image appears to have {instead}"
    return f"character {position + 1} is {value!r}; image appears to show {instead!r}"
