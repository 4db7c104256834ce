"""The tables of accuracy that ``fit`` and ``score`` print."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from skcaptcha._display.percent import percent, percent_with_interval
from skcaptcha._display.printable import visible

_CONFUSIONS_SHOWN = 10


def with_interval(metrics: dict[str, Any], name: str) -> str:
    """Return a proportion among the metrics of `skcaptcha.inspection.summarize`, as text.

    Examples
    --------
    >>> from skcaptcha.cli._accuracy import with_interval
    >>> metrics = {"n": 96, "string_accuracy": 0.5, "string_accuracy_interval": (0.4, 0.6)}
    >>> with_interval(metrics, "string_accuracy")
    '50 % (95 % interval 40 to 60 %)'
    """
    n = metrics["n_characters" if name == "character_accuracy" else "n"]
    return percent_with_interval(metrics[name], metrics[f"{name}_interval"], n)


def confusions_table(metrics: dict[str, Any]) -> Table:
    """Return a table of the most frequent confusions."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("label")
    table.add_column("read as")
    table.add_column("times", justify="right")
    for confusion in metrics["confusions"][:_CONFUSIONS_SHOWN]:
        true, read = (Text(visible(confusion[key]) or "(nothing)") for key in ("true", "read"))
        table.add_row(true, read, str(confusion["count"]))
    left_out = metrics["confusions"][_CONFUSIONS_SHOWN:]
    if left_out:
        n = sum(confusion["count"] for confusion in left_out)
        table.add_row("others", "", str(n), style="dim")
    return table


def coverage_table(metrics: dict[str, Any]) -> Table:
    """Return a table of the accuracy on the captchas with the highest confidences."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("most confident", justify="right")
    table.add_column("confidence from", justify="right")
    table.add_column("string accuracy")
    for row in metrics["coverage"]:
        table.add_row(
            percent(row["coverage"], metrics["n"]),
            f"{row['min_confidence']:.4f}",
            with_interval(row, "string_accuracy"),
        )
    return table
