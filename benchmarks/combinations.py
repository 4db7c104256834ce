"""Compare the string accuracy of classifiers and features on two schemes with recipes.

Run from the root of the repository. DATA is an optional folder with real captchas of the scheme
"lines" (lines/train, lines/dev)::

    python benchmarks/combinations.py [DATA]

Prints a Markdown table. Training and test captchas are disjoint; nothing is tuned on test captchas.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sklearn.utils import Bunch

from skcaptcha import load_recipe
from skcaptcha.datasets import load_captchas, make_dot_captchas, make_line_captchas
from skcaptcha.metrics import character_accuracy, string_accuracy

CLASSIFIERS = {
    "KNN": ("{use: KNeighborsClassifier}", {"read__estimator__n_neighbors": [1, 3, 5]}),
    "SVM": ("{use: SVC}", {"read__estimator__C": [1, 10, 100]}),
}
# Thresholds that the grids of the recipes choose, so that only features and classifiers differ.
LINES = {"denoise__binarize__threshold": [155], "denoise__ink__threshold": [143]}
DOTS = {
    "denoise__route__dashes__binarize__threshold": [175],
    "denoise__route__dots__binarize__threshold": [225],
}
SOFT = {"denoise__soften": [{"use": "Smoother", "size": 5}]}
FEATURES: dict[str, dict[str, tuple[str, dict[str, Any]]]] = {
    "grid": {
        "raw pixels": ("{use: RawPixels}", LINES),
        "HOG": ("{use: HOG}", LINES),
    },
    "dots": {
        "raw pixels": ("{use: RawPixels}", DOTS),
        "HOG": ("{use: HOG, cells_per_block: [7, 4]}", DOTS | SOFT),
    },
}


def generated(make: Callable[..., Any], n: int, seed: int) -> Bunch:
    """Return generated captchas as a Bunch."""
    images, labels = make(n, random_state=seed)
    return Bunch(data=list(images), target=labels)


def main() -> None:
    """Fit and score every combination."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    lines, dots = "grid", "dots"
    tasks = [
        (lines, "lines, generated", generated(make_line_captchas, 100, 1),
         generated(make_line_captchas, 2000, 2)),
        (dots, "dots, generated", generated(make_dot_captchas, 2500, 1),
         generated(make_dot_captchas, 2000, 2)),
    ]  # fmt: skip
    if folder:
        tasks.insert(
            0,
            (lines, "lines, real", load_captchas(folder / "lines" / "train"),
             load_captchas(folder / "lines" / "dev")),
        )  # fmt: skip
    print("| captchas | train | test | features | classifier | strings | characters | fit, s |")
    print("|---|---|---|---|---|---|---|---|")
    for recipe_path, name, train, test in tasks:
        for features, (use_features, settings) in FEATURES[recipe_path].items():
            for classifier, (use_classifier, grid) in CLASSIFIERS.items():
                recipe = load_recipe(
                    recipe_path,
                    [
                        f"steps.features={use_features}",
                        f"steps.read.estimator={use_classifier}",
                        f"grid={json.dumps(grid | settings)}",
                        "final={}",
                    ],
                )
                begin = time.perf_counter()
                model, _ = recipe.fit(train.data, train.target, n_jobs=-1)
                seconds = time.perf_counter() - begin
                read = model.predict(test.data)
                print(
                    f"| {name} | {len(train.data)} | {len(test.data)} | {features} | {classifier} "
                    f"| {string_accuracy(test.target, read):.2%} "
                    f"| {character_accuracy(test.target, read):.2%} | {seconds:.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
