"""Rows of the report: a measurement, its reference, and its target."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skcaptcha._files.atomic import write_atomically
from skcaptcha.exceptions import SkcaptchaError

from .timing import Spread


@dataclass(frozen=True)
class Row:
    """One measurement.

    ``figure`` is a ratio to the reference ``against``, or a number in ``unit``. ``each`` is the
    time in milliseconds for one image, character or call, or nan. ``at_most`` and ``at_least``
    are targets. ``size`` is the number of captchas if the figure is a point of a curve.
    """

    part: str
    case: str
    figure: Spread
    unit: str
    against: str = ""
    each: float = float("nan")
    at_most: float | None = None
    at_least: float | None = None
    size: int | None = None

    @property
    def aim(self) -> str:
        """The target as text; empty without a target."""
        if self.at_most is not None:
            return f"at most {self.at_most:g}"
        return "" if self.at_least is None else f"at least {self.at_least:g}"

    @property
    def reached(self) -> bool | None:
        """Whether the median reaches the target; None without a target."""
        if self.at_most is not None:
            return self.figure.median <= self.at_most
        return None if self.at_least is None else self.figure.median >= self.at_least


def ratio(
    part: str,
    case: str,
    against: str,
    way: NDArray[np.float64],
    reference: NDArray[np.float64],
    *,
    n: int,
    at_most: float | None = None,
) -> Row:
    """Return the time of one variant divided by that of the reference, in each round."""
    figure = Spread.of(way / reference)
    each = 1e3 * float(np.median(way)) / n
    return Row(part, case, figure, "times", against, each, at_most=at_most)


def faster(
    part: str,
    case: str,
    against: str,
    way: NDArray[np.float64],
    reference: NDArray[np.float64],
    *,
    n: int,
    at_least: float | None = None,
) -> Row:
    """Return how many times as fast as the reference a variant is, in each round."""
    figure = Spread.of(reference / way)
    each = 1e3 * float(np.median(way)) / n
    return Row(part, case, figure, "times as fast", against, each, at_least=at_least)


def save_csv(rows: Iterable[Row], file: Path) -> None:
    """Write all rows atomically."""
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(
        ["part", "case", "median", "low", "high", "unit", "against", "ms_each", "aim", "reached"]
    )
    for row in rows:
        table.writerow(
            [
                row.part, row.case, row.figure.median, row.figure.low, row.figure.high, row.unit,
                row.against, row.each, row.aim, {None: "", True: "yes", False: "no"}[row.reached],
            ]
        )  # fmt: skip
    write_atomically(file, lambda stream: stream.write(text.getvalue().encode()))


def markdown(rows: Sequence[Row], machine: str) -> str:
    """Return the report as Markdown."""
    lines = [
        f"{machine}. Medians and quartiles. Two programs are timed in turn, and a ratio is "
        "computed in each round. One thread, unless a row says otherwise.",
        "",
        "| | | median | quartiles | | against | ms each | aim |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        figure = row.figure
        each = "" if np.isnan(row.each) else f"{row.each:.4g}"
        mark = {None: "", True: "", False: " ▽"}[row.reached]
        lines.append(
            f"| {row.part} | {row.case} | {figure.median:.3g}{mark} | {figure.low:.3g} to "
            f"{figure.high:.3g} | {row.unit} | {row.against} | {each} | {row.aim} |"
        )
    return "\n".join([*lines, "", "▽: goal not reached.", ""])


def write_into(page: Path, report: str) -> None:
    """Replace the part of a page between ``<!-- measured -->`` and ``<!-- end -->``."""
    before, begin, rest = page.read_text(encoding="utf-8").partition("<!-- measured -->")
    _, end, after = rest.partition("<!-- end -->")
    if not begin or not end:
        raise SkcaptchaError(f"{page}: missing <!-- measured --> or <!-- end -->; add both marks")
    text = f"{before}{begin}\n\n{report.strip()}\n\n{end}{after}"
    write_atomically(page, lambda stream: stream.write(text.encode()))
