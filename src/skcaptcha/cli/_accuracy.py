"""How well captchas were read: the figures, and how they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from rich import box
from rich.table import Table
from rich.text import Text

from skcaptcha.cli._console import percent, visible
from skcaptcha.errors import SkcaptchaError
from skcaptcha.metrics import (
    character_accuracy,
    confusions,
    coverage_accuracy_curve,
    string_accuracy,
    wilson_interval,
)
from skcaptcha.read import Reading

_CONFUSIONS_SHOWN = 10
_COVERAGES = (1.0, 0.99, 0.95, 0.9, 0.8, 0.5)


def measure(labels: Sequence[str], results: Sequence[Reading | SkcaptchaError]) -> dict[str, Any]:
    """Compare what was read with the labels; what could not be read counts as wrong.

    Parameters
    ----------
    labels : sequence of n str
    results : sequence of n Reading or SkcaptchaError

    Returns
    -------
    figures : dict
        The numbers, each share with its 95 % interval, how many of the images are unlike the
        training set, how accurate the surest readings are, and the confusions of what was read.
    """
    texts = [result.text if isinstance(result, Reading) else "" for result in results]
    read = [i for i, result in enumerate(results) if isinstance(result, Reading)]
    shares = {
        "string_accuracy": (string_accuracy(labels, texts), len(labels)),
        "string_accuracy_ignoring_case": (
            string_accuracy(labels, texts, ignore_case=True),
            len(labels),
        ),
        "character_accuracy": (character_accuracy(labels, texts), sum(map(len, labels))),
    }
    figures: dict[str, Any] = {"n": len(labels), "n_failed": len(labels) - len(read)}
    for name, (share, n) in shares.items():
        figures[name] = share
        figures[f"{name}_interval"] = wilson_interval(round(share * n), n)
    figures["n_out_of_distribution"] = sum(
        isinstance(result, Reading) and result.out_of_distribution is True for result in results
    )
    figures["coverage"] = _coverage(labels, texts, results)
    found = confusions([labels[i] for i in read], [texts[i] for i in read]) if read else []
    return figures | {"confusions": [confusion._asdict() for confusion in found]}


def _coverage(
    labels: Sequence[str], texts: Sequence[str], results: Sequence[Reading | SkcaptchaError]
) -> list[dict[str, Any]]:
    """How accurate the surest readings are, for some shares of all captchas."""
    sure = [result.confidence if isinstance(result, Reading) else 0.0 for result in results]
    coverage, accuracy, thresholds = coverage_accuracy_curve(labels, texts, sure)
    # The fewest of the surest that are so many; those of equal confidence are not told apart.
    places = dict.fromkeys(np.searchsorted(coverage, _COVERAGES).tolist())
    rows = []
    for i in places:
        n = round(coverage[i] * len(labels))
        rows.append(
            {
                "coverage": float(coverage[i]),
                "min_confidence": float(thresholds[i]),
                "string_accuracy": float(accuracy[i]),
                "string_accuracy_interval": wilson_interval(round(accuracy[i] * n), n),
            }
        )
    return rows


def with_interval(figures: dict[str, Any], name: str) -> str:
    """Write one of the shares with its interval.

    Parameters
    ----------
    figures : dict
        As `measure` gives them.
    name : str
        The share's key.

    Returns
    -------
    text : str

    Examples
    --------
    >>> from skcaptcha.cli._accuracy import with_interval
    >>> figures = {"string_accuracy": 0.5, "string_accuracy_interval": (0.4, 0.6)}
    >>> with_interval(figures, "string_accuracy")
    '50.00 % (95 % interval 40.00 to 60.00 %)'
    """
    low, high = figures[f"{name}_interval"]
    low_text = percent(low).removesuffix(" %")
    return f"{percent(figures[name])} (95 % interval {low_text} to {percent(high)})"


def confusions_table(figures: dict[str, Any]) -> Table:
    """Show the worst confusions.

    Parameters
    ----------
    figures : dict
        As `measure` gives them.

    Returns
    -------
    table : Table
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("label")
    table.add_column("read as")
    table.add_column("times", justify="right")
    for confusion in figures["confusions"][:_CONFUSIONS_SHOWN]:
        true, read = (Text(visible(confusion[key]) or "(nothing)") for key in ("true", "read"))
        table.add_row(true, read, str(confusion["count"]))
    left_out = figures["confusions"][_CONFUSIONS_SHOWN:]
    if left_out:
        n = sum(confusion["count"] for confusion in left_out)
        table.add_row("others", "", str(n), style="dim")
    return table


def coverage_table(figures: dict[str, Any]) -> Table:
    """Show how accurate the surest readings are.

    Parameters
    ----------
    figures : dict
        As `measure` gives them.

    Returns
    -------
    table : Table
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("surest", justify="right")
    table.add_column("confidence from", justify="right")
    table.add_column("string accuracy")
    for row in figures["coverage"]:
        table.add_row(
            percent(row["coverage"]),
            f"{row['min_confidence']:.4f}",
            with_interval(row, "string_accuracy"),
        )
    return table
