"""The section on a grid search: how accuracy depends on each parameter, and the best candidates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from skcaptcha._display.percent import percent, points
from skcaptcha.report._blocks import Bars, Block, Table
from skcaptcha.report._charts import Curve, accuracy_chart, matrix_chart
from skcaptcha.report._page import Section

_MAX_CANDIDATES = 15
_MAX_CHARTS = 6
_MAX_VALUES = 12
_MAX_LENGTH = 28
_NOT_SET = "(not set)"


@dataclass(frozen=True)
class GridParameter:
    """A parameter that a grid varies.

    Numbers among the values are sorted. `index`, of shape (n_candidates,), refers to the values.
    """

    name: str
    values: list[Any]
    labels: list[str]  # short and unique
    index: NDArray[np.intp]
    effect: float  # standard deviation, over the values, of the mean accuracy with each value


def grid_section(results: Mapping[str, Any], n: int) -> Section:
    """Return a section on the ``cv_results_`` of a search that was cross-validated on n captchas.

    The two parameters with the largest effect share a heat map; each other one has its own chart.
    """
    parameters = grid_parameters(results)
    if not parameters:
        return Section("The grid", ["The grid has one candidate."])
    scores = np.asarray(results["mean_test_score"], dtype=float)
    deviations = np.asarray(results["std_test_score"], dtype=float)
    small = [parameter for parameter in parameters if len(parameter.values) <= _MAX_VALUES]
    blocks: list[Block] = []
    if len(small) >= 2:
        blocks.append(_heat_map(small[0], small[1], scores, n, has_others=len(parameters) > 2))
        small = small[2:]
    blocks += [_profile(p, scores, deviations, n) for p in small[: _MAX_CHARTS - len(blocks)]]
    return Section("The grid", [*blocks, candidates_table(results, n)])


def grid_parameters(results: Mapping[str, Any]) -> list[GridParameter]:
    """Return the parameters that a grid varies, those with the largest effect first."""
    candidates, scores = results["params"], np.asarray(results["mean_test_score"], dtype=float)
    parameters = []
    for name in dict.fromkeys(name for params in candidates for name in params):
        own = [params.get(name, _NOT_SET) for params in candidates]
        texts = [" ".join(str(value).split()) for value in own]
        by_text = dict(zip(texts, own, strict=True))
        if len(by_text) < 2:
            continue
        keys = list(by_text)
        if all(map(_is_number, by_text.values())):
            keys.sort(key=lambda key: by_text[key])
        index = np.array([keys.index(text) for text in texts])
        # A value with which no candidate could be fitted has no mean.
        scored = np.isfinite(scores)
        means = [scores[scored & (index == k)].mean() for k in np.unique(index[scored])]
        effect = float(np.std(means)) if means else 0.0
        values = [by_text[key] for key in keys]
        parameters.append(GridParameter(name, values, _shortened(keys), index, effect))
    return sorted(parameters, key=lambda parameter: -parameter.effect)


def candidates_table(results: Mapping[str, Any], n: int) -> Table:
    """Return a table of the best candidates."""
    parameters = grid_parameters(results)
    best = np.argsort(results["rank_test_score"], kind="stable")[:_MAX_CANDIDATES]
    rows = [
        [
            percent(float(results["mean_test_score"][i]), n),
            points(float(results["std_test_score"][i]), n).removeprefix("+"),
            f"{results['mean_fit_time'][i]:.3f}",
            *(parameter.labels[parameter.index[i]] for parameter in parameters),
        ]
        for i in best.tolist()
    ]
    n_candidates = len(results["params"])
    which = f"The best {len(rows)} of {n_candidates}" if len(rows) < n_candidates else "All"
    # Long names may break between steps and parameters.
    names = [Markup("__<wbr>").join(parameter.name.split("__")) for parameter in parameters]
    return Table(
        ["string accuracy", "deviation between folds, points", "seconds to fit", *names],
        rows,
        f"{which} candidates; the .csv file next to the model has all results.",
    )


def _heat_map(
    first: GridParameter,
    second: GridParameter,
    scores: NDArray[np.float64],
    n: int,
    *,
    has_others: bool,
) -> Markup:
    values = np.full((len(first.values), len(second.values)), np.nan)
    for i, j, score in zip(first.index, second.index, scores, strict=True):
        values[i, j] = np.fmax(values[i, j], score)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    row, column = divmod(int(np.nanargmax(values)), values.shape[1])
    texts = [
        ["" if np.isnan(value) else percent(value, n).removesuffix(" %") for value in row]
        for row in values.tolist()
    ]
    caption = (
        "String accuracy in cross-validation, in percent, over the two parameters with the largest "
        "effect. The best cell is framed."
    )
    if has_others:
        caption += " Each cell shows the best result over all values of the other parameters."
    return matrix_chart(
        (values - low) / (high - low or 1.0),
        np.array(texts),
        second.labels,
        first.labels,
        xlabel=second.name,
        ylabel=first.name,
        description=f"String accuracy over {first.name} and {second.name}: the best is "
        f"{percent(high, n)}, at {first.labels[row]} and {second.labels[column]}; the worst is "
        f"{percent(low, n)}.",
        caption=caption,
        cell_width=0.62,
        framed=(row, column),
    )


def _profile(
    parameter: GridParameter, scores: NDArray[np.float64], deviations: NDArray[np.float64], n: int
) -> Block:
    """Return a chart of the best accuracy for each value of a parameter."""
    best = []
    for k in range(len(parameter.values)):
        own = np.flatnonzero(parameter.index == k)
        best.append(own[np.argmax(np.nan_to_num(scores[own], nan=-1.0))])
    means, spreads = np.nan_to_num(scores[best]), np.nan_to_num(deviations[best])
    description = (
        f"String accuracy over {parameter.name}: the best is {percent(float(means.max()), n)}, at "
        f"{parameter.labels[int(means.argmax())]}."
    )
    caption = f"Best string accuracy in cross-validation for each value of {parameter.name}"
    if all(map(_is_number, parameter.values)):
        return accuracy_chart(
            Curve(
                [float(value) for value in parameter.values],
                means,
                means - spreads,
                means + spreads,
            ),
            xlabel=parameter.name,
            description=description,
            caption=f"{caption}, with its standard deviation between folds.",
        )
    rows = [
        (label, mean, percent(mean, n), False)
        for label, mean in zip(parameter.labels, means.tolist(), strict=True)
    ]
    return Bars(rows, description, f"{caption}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _shortened(texts: list[str]) -> list[str]:
    """Shorten long texts in the middle: estimators of one class differ at the end."""
    short = [
        text
        if len(text) <= _MAX_LENGTH
        else f"{text[: _MAX_LENGTH // 2 - 1]}\u2026{text[-_MAX_LENGTH // 2 :]}"
        for text in texts
    ]
    return [
        f"{text} ({short[:k].count(text) + 1})" if short.count(text) > 1 else text
        for k, text in enumerate(short)
    ]
