"""How well captchas were read: how the figures are shown."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from skcaptcha._display.percent import percent, percent_with_interval
from skcaptcha._display.printable import visible

_CONFUSIONS_SHOWN = 10


def with_interval(figures: dict[str, Any], name: str) -> str:
    """Write one of the shares with its interval.

    Parameters
    ----------
    figures : dict
        As `skcaptcha.inspection.summarize` gives them, or a row of their ``coverage``.
    name : str
        The share's key.

    Returns
    -------
    text : str

    Examples
    --------
    >>> from skcaptcha.cli._accuracy import with_interval
    >>> figures = {"n": 96, "string_accuracy": 0.5, "string_accuracy_interval": (0.4, 0.6)}
    >>> with_interval(figures, "string_accuracy")
    '50 % (95 % interval 40 to 60 %)'
    """
    n = figures["n_characters" if name == "character_accuracy" else "n"]
    return percent_with_interval(figures[name], figures[f"{name}_interval"], n)


def confusions_table(figures: dict[str, Any]) -> Table:
    """Show the worst confusions.

    Parameters
    ----------
    figures : dict
        As `skcaptcha.inspection.summarize` gives them.

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
        As `skcaptcha.inspection.summarize` gives them.

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
            percent(row["coverage"], figures["n"]),
            f"{row['min_confidence']:.4f}",
            with_interval(row, "string_accuracy"),
        )
    return table
