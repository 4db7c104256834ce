"""Draw the calibration curve of scored captchas.

The input files are those of ``skcaptcha score --csv``, which benchmarks/accuracy.py writes for
every scheme. Run from the root of the repository::

    python benchmarks/reliability.py CHART.png OUT/work/*/*/score.csv

Draws the fraction of correct readings by confidence, and prints the same numbers as a Markdown
table.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from matplotlib.figure import Figure

from skcaptcha._files.atomic import write_atomically
from skcaptcha.inspection import calibration_bins
from skcaptcha.report import draw_calibration_curve


def main() -> None:
    """Load the readings, print the table and draw the curve."""
    chart, *tables = sys.argv[1:]
    rows = [
        row
        for table in tables
        for row in csv.DictReader(Path(table).read_text("utf-8").splitlines())
    ]
    read = [row for row in rows if row["confidence"]]
    confidences = [float(row["confidence"]) for row in read]
    bins = calibration_bins(confidences, [row["text"] == row["label"] for row in read])
    print("| confidence | readings | mean confidence | right | 95 % interval |")
    print("|---|---|---|---|---|")
    for each in bins:
        low, high = each.interval
        span = f"{each.low:.2f} to {each.high:.2f}"
        fractions = f"{each.confidence:.3f} | {each.accuracy:.3f} | {low:.3f} to {high:.3f}"
        print(f"| {span} | {each.n} | {fractions} |")
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.add_subplot()
    draw_calibration_curve(axes, bins)
    axes.set_title(f"{len(read)} captchas of {len(tables)} schemes")
    write_atomically(chart, lambda stream: figure.savefig(stream, format="png", dpi=150))


if __name__ == "__main__":
    main()
