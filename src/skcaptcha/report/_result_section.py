"""The first section of a report on a model: its accuracy, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence

from skcaptcha._display.percent import percent, percent_interval, percent_with_interval
from skcaptcha.inspection import LabeledPrediction
from skcaptcha.inspection._budgeted_refits import LearningCurvePoint
from skcaptcha.metrics import character_accuracy, string_accuracy, wilson_interval
from skcaptcha.read import Reading
from skcaptcha.report._blocks import Block, Bullets, Facts, Heading, Headline, Item, Mood

_ENOUGH = 100  # captchas for an evaluation
_FEW = 30
_GOOD, _HALF = 0.9, 0.5
_GAIN = 0.02  # of accuracy, that is worth a hint


def accuracy_headline(accuracy: float, n: int, source: str) -> Headline:
    """Return a headline with the accuracy on n captchas; `source` names these captchas."""
    # The mean over folds of unequal size is not exactly a count divided by n.
    n_correct = round(accuracy * n)
    interval = percent_interval(*wilson_interval(n_correct, n), n)
    conclusion, mood = _conclusion(n_correct, n)
    return Headline(
        percent(accuracy, n),
        conclusion,
        f"{n_correct} of {n} captchas were read correctly (95 % interval {interval}). Measured on "
        f"{source}.",
        mood,
    )


def measured(predictions: Sequence[LabeledPrediction], source: str) -> list[Block]:
    """Return the headline and the other metrics of predictions."""
    n = len(predictions)
    accuracy = sum(p.is_correct for p in predictions) / n
    headline = accuracy_headline(accuracy, n, source)
    return [headline, Facts(list(_other_metrics(predictions, accuracy)))]


def next_steps(steps: Iterable[Item]) -> list[Block]:
    """Return a list of what to do next, under its heading."""
    return [Heading("What to do next"), Bullets(list(steps))]


def next_after_score(
    predictions: Sequence[LabeledPrediction], *, data: str, model_file: str
) -> Iterator[Item]:
    """Yield what to do after an evaluation."""
    n = len(predictions)
    if n < _ENOUGH:
        yield Item(f"Evaluate on {_ENOUGH} captchas or more: with only {n}, the interval is wide.")
    yield from _remedies(predictions, data)
    yield _predict(model_file)


def next_after_fit(
    predictions: Sequence[LabeledPrediction],
    curve: Sequence[LearningCurvePoint],
    *,
    accuracy: float | None,
    held_out: bool,
    data: str,
    model_file: str,
) -> Iterator[Item]:
    """Yield what to do after a fit.

    The predictions and the learning curve may be empty. Then only the accuracy counts that was
    measured when the model was chosen; None if it is not known either.
    """
    if not held_out:
        model = model_file or "MODEL"
        yield _item(
            "Evaluate the model on other labeled captchas:",
            *("score", "FOLDER", "--model", model, "--report", "score.html"),
        )
    if predictions:
        yield from _remedies(predictions, data)
    elif accuracy is not None:
        yield from _if_low(accuracy)
    if len(curve) > 1:
        half, full = curve[-2:]
        before, after = half.n_correct / half.n, full.n_correct / full.n
        if after - before > _GAIN:
            yield _item(
                "Label more captchas: accuracy still rises at the end of the learning curve ("
                f"{percent(before, half.n)} with {half.n_train} captchas, "
                f"{percent(after, full.n)} with {full.n_train}):",
                *("label", data or "FOLDER"),
            )
    yield _predict(model_file)


def _other_metrics(
    predictions: Sequence[LabeledPrediction], accuracy: float
) -> Iterator[tuple[str, str]]:
    labels, texts = [p.label for p in predictions], [p.text for p in predictions]
    n = len(predictions)
    if n_failed := _n_failed(predictions):
        yield "could not be read", f"{n_failed}, counted as wrong"
    ignoring_case = string_accuracy(labels, texts, ignore_case=True)
    if ignoring_case > accuracy:
        yield "string accuracy, ignoring case", _with_interval(ignoring_case, n)
    if n_characters := sum(map(len, labels)):
        by_character = character_accuracy(labels, texts)
        yield "character accuracy", _with_interval(by_character, n_characters)
    unlike = sum(
        isinstance(p.result, Reading) and p.result.out_of_distribution is True for p in predictions
    )
    if unlike:
        yield "unlike the training set", f"{unlike}; their confidence is lowered"


def _conclusion(n_correct: int, n: int) -> tuple[str, Mood]:
    low, high = wilson_interval(n_correct, n)
    if n_correct == 0:
        return "The model reads none of these captchas.", "bad"
    if n < _FEW:
        return f"{n} captchas are not enough to estimate how well the model reads.", ""
    if low >= _GOOD:
        return "The model reads these captchas well.", "good"
    if high < _HALF:
        return "The model misreads most of these captchas.", "bad"
    if n_correct / n >= _GOOD:
        unsure = "The model probably reads these captchas well, but more are needed to confirm it."
        return unsure, ""
    if low >= _HALF:
        return "The model reads most of these captchas, but not reliably.", ""
    return "The model reads about half of these captchas.", "bad"


def _remedies(predictions: Sequence[LabeledPrediction], data: str) -> Iterator[Item]:
    n = len(predictions)
    accuracy = sum(p.is_correct for p in predictions) / n
    if n_failed := _n_failed(predictions):
        yield Item(f"Replace or remove {_captchas(n_failed)} that could not be read.")
    yield from _if_low(accuracy)
    if n_doubtful := sum(p.label_is_doubtful for p in predictions):
        yield _item(
            f"Check the labels of {_captchas(n_doubtful)} that the model misread with high "
            "confidence:",
            *("check-labels", data or "FOLDER", "--report", "suspects.html"),
        )
    labels, texts = [p.label for p in predictions], [p.text for p in predictions]
    ignoring_case = string_accuracy(labels, texts, ignore_case=True)
    if ignoring_case - accuracy > _GAIN:
        yield Item(
            "If upper and lower case do not matter, fit again with --fold-case: "
            f"ignoring case, {percent(ignoring_case, n)} are correct."
        )


def _if_low(accuracy: float) -> Iterator[Item]:
    if accuracy < _HALF:
        yield Item(
            "Check that each label belongs to its image, and check order, spelling and case: wrong "
            "labels are the most common cause of low accuracy."
        )
    if accuracy < _GOOD:
        yield _item(
            "Let skcaptcha compare its recipes on your labeled captchas, and label more captchas "
            "if none of them reads well:",
            *("fit", "FOLDER"),
        )


def _predict(model_file: str) -> Item:
    model = model_file or "MODEL"
    return _item(
        "Read new captchas:", *("predict", "FOLDER", "--model", model, "--csv", "results.csv")
    )


def _item(text: str, *words: str) -> Item:
    return Item(text, command=f"skcaptcha {shlex.join(words)}")


def _n_failed(predictions: Sequence[LabeledPrediction]) -> int:
    return sum(not isinstance(p.result, Reading) for p in predictions)


def _captchas(n: int) -> str:
    return "1 captcha" if n == 1 else f"{n} captchas"


def _with_interval(accuracy: float, n: int) -> str:
    return percent_with_interval(accuracy, wilson_interval(round(accuracy * n), n), n)
