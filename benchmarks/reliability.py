"""Whether confidences can be trusted: a reliability curve of captchas that were read and scored.

Takes what ``skcaptcha score --csv`` writes, as benchmarks/accuracy.py has it done for every scheme.
Run from the root of the repository::

    python benchmarks/reliability.py CHART.png OUT/work/*/*/score.csv

Draws the share of readings that are right against the confidence that was said, and prints the
same as a Markdown table.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from skcaptcha.metrics import wilson_interval
from skcaptcha.model_io import write_atomically

EDGES = (0.0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)


def main() -> None:
    """Read, print and draw."""
    chart, *tables = sys.argv[1:]
    rows = [
        row
        for table in tables
        for row in csv.DictReader(Path(table).read_text("utf-8").splitlines())
    ]
    read = [row for row in rows if row["confidence"]]
    confidence = np.array([float(row["confidence"]) for row in read])
    right = np.array([row["text"] == row["label"] for row in read])
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
    print("| confidence | readings | mean confidence | right | 95 % interval |")
    print("|---|---|---|---|---|")
    group = np.searchsorted(EDGES[1:-1], confidence, side="right")
    for k in np.unique(group):
        n, hits = int((group == k).sum()), int(right[group == k].sum())
        said, share = float(confidence[group == k].mean()), hits / n
        low, high = wilson_interval(hits, n)
        span = f"{EDGES[k]:.2f} to {EDGES[k + 1]:.2f}"
        print(f"| {span} | {n} | {said:.3f} | {share:.3f} | {low:.3f} to {high:.3f} |")
        error = [[share - low], [high - share]]
        axes.errorbar(said, share, error, fmt="o", color="tab:blue", capsize=3)
    axes.set(
        xlabel="confidence (mean of the group)",
        ylabel="share of readings that are right",
        title=f"{len(read)} captchas of {len(tables)} schemes",
        xlim=(0, 1.02),
        ylim=(0, 1.02),
    )
    write_atomically(chart, lambda stream: figure.savefig(stream, format="png", dpi=150))


if __name__ == "__main__":
    main()
