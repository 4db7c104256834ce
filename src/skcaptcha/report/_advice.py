"""What the figures of a report mean, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from markupsafe import Markup

from skcaptcha._display.percent import percent, percent_interval
from skcaptcha.inspection._attempts import LABEL_IN_DOUBT_FROM, Attempt
from skcaptcha.metrics import string_accuracy, wilson_interval
from skcaptcha.read import Reading
from skcaptcha.report._learning import CurvePoint
from skcaptcha.report._parts import headline

_ENOUGH = 100  # captchas to measure with
_FEW = 30
_WELL, _MOSTLY = 0.9, 0.5
_STILL_RISING = 0.02


def result(attempts: Sequence[Attempt], whence: str) -> Markup:
    """Show the share that was read right as a large figure, with its interval and a verdict.

    Parameters
    ----------
    attempts : sequence of Attempt
    whence : str
        Which captchas they are.

    Returns
    -------
    html : Markup
    """
    n = len(attempts)
    return _headline(sum(a.is_right for a in attempts) / n, n, whence)


def cross_validated(accuracy: float, n: int) -> Markup:
    """Show the string accuracy of a cross-validation as `result` shows what was measured here.

    Parameters
    ----------
    accuracy : float in 0..1
    n : int
        Number of captchas that were read in the cross-validation.

    Returns
    -------
    html : Markup
    """
    whence = "the training captchas, in the cross-validation that found the model"
    return _headline(accuracy, n, whence)


def after_score(attempts: Sequence[Attempt], *, data: str, model_file: str) -> Iterator[Markup]:
    """Say what to do after a score.

    Parameters
    ----------
    attempts : sequence of Attempt
    data : str
        Folder of the captchas; empty if it is not known.
    model_file : str
        File of the model; empty if it is not known.

    Yields
    ------
    step : Markup
    """
    n = len(attempts)
    if n < _ENOUGH:
        yield Markup("Measure on {} captchas or more: {} leave the interval wide.").format(
            _ENOUGH, n
        )
    yield from _remedies(attempts, data)
    yield _predict(model_file)


def after_fit(
    attempts: Sequence[Attempt],
    points: Sequence[CurvePoint],
    *,
    accuracy: float | None,
    held_out: bool,
    data: str,
    model_file: str,
) -> Iterator[Markup]:
    """Say what to do after a fit.

    Parameters
    ----------
    attempts : sequence of Attempt
        What was read in captchas that were not learned from; may be empty.
    points : sequence of CurvePoint
        The learning curve, the last one with all captchas; may be empty.
    accuracy : float or None
        String accuracy in cross-validation, for where there are no attempts; None if not known.
    held_out : bool
        Whether the captchas were held out of the whole search.
    data : str
        Folder of the captchas; empty if it is not known.
    model_file : str
        File of the model; empty if it is not known.

    Yields
    ------
    step : Markup
    """
    if not held_out:
        yield Markup("Measure the model on other labeled captchas: {}").format(
            _command("score", "FOLDER", "--model", model_file or "MODEL", "--report", "score.html")
        )
    if attempts:
        yield from _remedies(attempts, data)
    elif accuracy is not None:
        yield from _if_low(accuracy)
    if len(points) > 1:
        (half, full) = points[-2:]
        if full.n_right / full.n - half.n_right / half.n > _STILL_RISING:
            yield Markup(
                "Label more captchas: accuracy still rises at the end of the learning curve ({} "
                "with {} captchas, {} with {}). {}"
            ).format(
                percent(half.n_right / half.n, half.n),
                half.n_train,
                percent(full.n_right / full.n, full.n),
                full.n_train,
                _command("label", data or "FOLDER"),
            )
    yield _predict(model_file)


def _headline(share: float, n: int, whence: str) -> Markup:
    # The mean over folds of unequal size is not quite a count of captchas.
    n_right = round(share * n)
    interval = percent_interval(*wilson_interval(n_right, n), n)
    verdict, mood = _verdict(n_right, n)
    return headline(
        percent(share, n),
        verdict,
        f"{n_right} of {n} captchas were read right (95 % interval {interval}). Measured on "
        f"{whence}.",
        mood=mood,
    )


def _verdict(n_right: int, n: int) -> tuple[str, str]:
    low, high = wilson_interval(n_right, n)
    if n_right == 0:
        return "The model reads none of these captchas.", "bad"
    if n < _FEW:
        return f"{n} captchas are too few to tell how well the model reads.", ""
    if low >= _WELL:
        return "The model reads these captchas well.", "good"
    if high < _MOSTLY:
        return "The model misreads most of these captchas.", "bad"
    if n_right / n >= _WELL:
        return "The model reads these captchas well, as far as so few can tell.", ""
    if low >= _MOSTLY:
        return "The model reads most of these captchas, but not reliably.", ""
    return "The model reads about half of these captchas.", "bad"


def _remedies(attempts: Sequence[Attempt], data: str) -> Iterator[Markup]:
    n, n_right = len(attempts), sum(a.is_right for a in attempts)
    labels, texts = [a.label for a in attempts], [a.text for a in attempts]
    unreadable = sum(not isinstance(a.result, Reading) for a in attempts)
    if unreadable:
        yield Markup("Replace or remove {} that could not be read.").format(_captchas(unreadable))
    yield from _if_low(n_right / n)
    doubtful = sum(not a.is_right and a.confidence >= LABEL_IN_DOUBT_FROM for a in attempts)
    if doubtful:
        yield Markup(
            "Check the labels of {} that the model misread with high confidence: {}"
        ).format(
            _captchas(doubtful),
            _command("check-labels", data or "FOLDER", "--report", "suspects.html"),
        )
    folded = string_accuracy(labels, texts, ignore_case=True)
    if folded - n_right / n > _STILL_RISING:
        yield Markup(
            "If the case of letters does not matter, label all of them in one case and fit again: "
            "ignoring case, {} are right."
        ).format(percent(folded, n))


def _if_low(accuracy: float) -> Iterator[Markup]:
    if accuracy < _MOSTLY:
        yield Markup(
            "Check that each label belongs to its image, in order, spelling and case: wrong labels "
            "are the most common cause of low accuracy."
        )
    if accuracy < _WELL:
        yield Markup(
            "Let skcaptcha compare its recipes on your labeled captchas, and label more of them if "
            "none reads well: {}"
        ).format(_command("fit", "FOLDER"))


def _captchas(n: int) -> str:
    return "1 captcha" if n == 1 else f"{n} captchas"


def _predict(model_file: str) -> Markup:
    return Markup("Read new captchas: {}").format(
        _command("predict", "FOLDER", "--model", model_file or "MODEL", "--csv", "results.csv")
    )


def _command(*words: str) -> Markup:
    return Markup("<code>skcaptcha {}</code>").format(shlex.join(words))
