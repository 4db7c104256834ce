"""Whether confidences can be trusted: a reliability curve on captchas that a model has not seen.

Run from the root of the repository, with a folder that holds train/ and dev/ for each scheme::

    python benchmarks/reliability.py DATA OUT.png SCHEME...

Fits configs/sequence.yaml, calibrated but without its grid, to train/ of each scheme, reads dev/
and draws the share of readings that are right against the confidence that was said. Prints the
same as a Markdown table, one row for a fifth of all readings.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from skcaptcha import load_recipe, read_captchas
from skcaptcha.datasets import load_captchas
from skcaptcha.metrics import wilson_interval

GROUPS = 5


def read_unseen(folder: Path) -> tuple[list[float], list[bool]]:
    """Confidence of each reading of dev/, and whether it is right, after a fit to train/."""
    train, dev = (load_captchas(folder / part) for part in ("train", "dev"))
    recipe = load_recipe("configs/sequence.yaml", ["steps.read.calibration_cv=2"])
    model = recipe.pipeline().fit(train.data, train.target)
    readings = read_captchas(model, dev.data)
    right = [reading.text == label for reading, label in zip(readings, dev.target, strict=True)]
    return [reading.confidence for reading in readings], right


def main() -> None:
    """Fit, read, print and draw."""
    data, out, *schemes = sys.argv[1:]
    confidence: list[float] = []
    right: list[bool] = []
    for scheme in schemes:
        said, true = read_unseen(Path(data) / scheme)
        print(f"{scheme}: {100 * np.mean(true):.1f} % right, {100 * np.mean(said):.1f} % said")
        confidence += said
        right += true
    order = np.argsort(confidence, kind="stable")
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
    print("\n| readings | mean confidence | right | 95 % interval |\n|---|---|---|---|")
    for group in np.array_split(order, GROUPS):
        said_here = float(np.mean([confidence[i] for i in group]))
        hits = sum(right[i] for i in group)
        low, high = wilson_interval(hits, len(group))
        share = hits / len(group)
        print(f"| {len(group)} | {said_here:.3f} | {share:.3f} | {low:.3f} to {high:.3f} |")
        axes.errorbar(
            said_here, share, [[share - low], [high - share]], fmt="o", color="tab:blue", capsize=3
        )
    axes.set(xlabel="mean confidence", ylabel="share that is right", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.set_title(f"{len(order)} unseen captchas of {len(schemes)} schemes")
    figure.savefig(out, dpi=150)


if __name__ == "__main__":
    main()
