"""How string accuracy depends on the parameters that a grid varies."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from skcaptcha._display.percent import percent, points
from skcaptcha.report._plots import bars, heat_map, line_chart

_MOST_SHOWN = 6
_MOST_VALUES = 12
_LONGEST = 28
_ABSENT = "(as it is)"


class Axis(NamedTuple):
    """A parameter that a grid varies.

    Attributes
    ----------
    name : str
    values : list
        Those that occur, numbers in their order.
    shown : list of str
        What to call them: short, and no two alike.
    which : ndarray of shape (n_candidates,)
        Which of them each candidate has.
    effect : float
        How far it changes string accuracy: the standard deviation, over its values, of the mean
        over all candidates with the value.
    """

    name: str
    values: list[Any]
    shown: list[str]
    which: NDArray[np.intp]
    effect: float


def axes_of(results: Mapping[str, Any]) -> list[Axis]:
    """Find the parameters that a grid varies, those that matter most first.

    Parameters
    ----------
    results : mapping
        A fitted search's ``cv_results_``.

    Returns
    -------
    axes : list of Axis

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.report._landscape import axes_of
    >>> params = [{"k": k, "t": t, "c": 0} for k in (1, 3) for t in (20, 10)]
    >>> results = {"params": params, "mean_test_score": np.array([0.5, 0.9, 0.6, 0.9])}
    >>> [(axis.name, axis.values) for axis in axes_of(results)]
    [('t', [10, 20]), ('k', [1, 3])]
    """
    candidates, scores = results["params"], np.asarray(results["mean_test_score"], dtype=float)
    axes = []
    for name in dict.fromkeys(name for params in candidates for name in params):
        own = [params.get(name, _ABSENT) for params in candidates]
        words = [" ".join(str(value).split()) for value in own]
        by_words = dict(zip(words, own, strict=True))
        if len(by_words) < 2:
            continue
        keys = list(by_words)
        if all(_is_number(value) for value in by_words.values()):
            keys.sort(key=lambda key: by_words[key])
        which = np.array([keys.index(key) for key in words])
        # A value with which no candidate could be fitted has no mean.
        able = np.isfinite(scores)
        means = [scores[able & (which == k)].mean() for k in np.unique(which[able])]
        effect = float(np.std(means)) if means else 0.0
        values = [by_words[key] for key in keys]
        axes.append(Axis(name, values, _shortened(keys), which, effect))
    return sorted(axes, key=lambda axis: -axis.effect)


def landscape(results: Mapping[str, Any], n: int) -> list[str]:
    """Show string accuracy over the parameters that a grid varies.

    The two that matter most make a map; each of the others has a chart of its own.

    Parameters
    ----------
    results : mapping
        A fitted search's ``cv_results_``.
    n : int
        Number of captchas that it was cross-validated on.

    Returns
    -------
    parts : list of (str or Markup)
        Of a section; empty if nothing varies.
    """
    axes = axes_of(results)
    scores = np.asarray(results["mean_test_score"], dtype=float)
    small = [axis for axis in axes if len(axis.values) <= _MOST_VALUES]
    parts: list[str] = []
    if len(small) >= 2:
        parts.append(_map(small[0], small[1], scores, n, others=len(axes) > 2))
        small = small[2:]
    spreads = np.asarray(results["std_test_score"], dtype=float)
    parts += [_profile(axis, scores, spreads, n) for axis in small[: _MOST_SHOWN - len(parts)]]
    return parts


def table_of_candidates(
    results: Mapping[str, Any], most: int, n: int
) -> tuple[list[str], list[list[object]]]:
    """Give the best candidates as a table.

    Parameters
    ----------
    results : mapping
        A fitted search's ``cv_results_``.
    most : int
    n : int
        Number of captchas that it was cross-validated on.

    Returns
    -------
    header : list of str
    rows : list of lists
    """
    axes = axes_of(results)
    order = np.argsort(results["rank_test_score"], kind="stable")[:most]
    rows: list[list[object]] = [
        [
            percent(float(results["mean_test_score"][i]), n),
            points(float(results["std_test_score"][i]), n).removeprefix("+"),
            f"{results['mean_fit_time'][i]:.3f}",
            *(axis.shown[axis.which[i]] for axis in axes),
        ]
        for i in order.tolist()
    ]
    # Their names are long, and can be broken between steps and parameters.
    names = [Markup("__<wbr>").join(axis.name.split("__")) for axis in axes]
    return ["string accuracy", "deviation between folds, points", "seconds to fit", *names], rows


def _map(first: Axis, second: Axis, scores: NDArray[np.float64], n: int, *, others: bool) -> Markup:
    values = np.full((len(first.values), len(second.values)), np.nan)
    for i, j, score in zip(first.which, second.which, scores, strict=True):
        values[i, j] = np.fmax(values[i, j], score)
    row, column = np.unravel_index(np.nanargmax(values), values.shape)
    caption = "String accuracy in cross-validation, in percent, over the two parameters that "
    caption += "matter most. The best is framed."
    if others:
        caption += " Each cell shows the best of all values of the others."
    return heat_map(
        values,
        second.shown,
        first.shown,
        xlabel=second.name,
        ylabel=first.name,
        n=n,
        description=f"String accuracy over {first.name} and {second.name}: the best is "
        f"{percent(float(values[row, column]), n)}, at {first.shown[row]} and "
        f"{second.shown[column]}; the worst is {percent(float(np.nanmin(values)), n)}.",
        caption=caption,
    )


def _profile(
    axis: Axis, scores: NDArray[np.float64], spreads: NDArray[np.float64], n: int
) -> Markup:
    means, own_spreads = [], []
    for k in range(len(axis.values)):
        own = np.flatnonzero(axis.which == k)
        best = own[np.nanargmax(np.nan_to_num(scores[own], nan=-1.0))]
        means.append(float(np.nan_to_num(scores[best])))
        own_spreads.append(float(np.nan_to_num(spreads[best])))
    best_value = axis.shown[int(np.argmax(means))]
    description = (
        f"String accuracy over {axis.name}: the best is {percent(max(means), n)}, at {best_value}."
    )
    caption = f"The best string accuracy in cross-validation for each value of {axis.name}"
    if all(_is_number(value) for value in axis.values):
        return line_chart(
            [float(value) for value in axis.values],
            means,
            own_spreads,
            xlabel=axis.name,
            description=description,
            caption=f"{caption}, with its standard deviation between folds.",
        )
    return bars(
        axis.shown,
        means,
        [percent(mean, n) for mean in means],
        description=description,
        caption=f"{caption}.",
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _shortened(texts: list[str]) -> list[str]:
    """Shorten what is too long; its end is kept, where estimators of one class differ."""
    short = [
        text
        if len(text) <= _LONGEST
        else f"{text[: _LONGEST // 2 - 1]}\u2026{text[-_LONGEST // 2 :]}"
        for text in texts
    ]
    return [
        f"{text} ({short[:k].count(text) + 1})" if short.count(text) > 1 else text
        for k, text in enumerate(short)
    ]
