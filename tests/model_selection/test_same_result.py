"""The same data and seeds give the same results with any number of processes."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import joblib
import pytest

from skcaptcha.datasets import SCHEMES, load_captchas, write_captchas
from skcaptcha.prediction import read_images

CONFIGS = Path(__file__).parents[2] / "configs"
# Scheme, number of captchas, and overrides of the recipe.
SMALL = {
    "grid": ("lines", 40, ["grid.denoise__ink__threshold=[111, 127]"]),
    "components": ("lines", 40, []),
    "dots": ("dots", 100, ["grid.denoise__route__dashes__binarize__threshold=[155]"]),
    "raw-knn": ("lines", 60, ["grid.denoise__binarize__threshold=[170]"]),
    "sequence": (
        "image",
        30,
        [
            "grid=[{read__n_windows: [500, 1000]}]",
            "final.read__n_windows=1000",
            "final.read__n_estimators=2",
        ],
    ),
}


def fit(*arguments: object, jobs: int, seed: int) -> None:
    """Fit in a new process that may use all cores."""
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {name: value for name, value in os.environ.items() if name not in threads}
    done = subprocess.run(
        [sys.executable, "-m", "skcaptcha", "fit", *map(str, arguments), "--jobs", str(jobs)],
        env=environment | {"PYTHONHASHSEED": str(seed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def without_times(table: Path) -> list[list[str]]:
    """Return the table of results without times."""
    with table.open(newline="") as stream:
        header, *rows = csv.reader(stream)
    kept = [i for i, name in enumerate(header) if "time" not in name]
    return [[row[i] for i in kept] for row in [header, *rows]]


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_any_number_of_processes_gives_the_same_result(name, tmp_path):
    scheme, n, settings = SMALL[name]
    images, labels = SCHEMES[scheme](n, random_state=0)
    write_captchas(tmp_path / "captchas", list(images), labels.tolist())
    changes = [part for setting in ["search.cv=2", *settings] for part in ("--set", setting)]
    recipe = (CONFIGS / f"{name}.yaml", "--data", tmp_path / "captchas", *changes)
    found = []
    for seed, jobs in enumerate([1, 2]):
        model = tmp_path / str(seed) / "model.joblib"
        fit(*recipe, "--out", model, jobs=jobs, seed=seed)
        found.append((without_times(model.with_suffix(".csv")), joblib.hash(joblib.load(model))))
    assert len(found[0][0]) > 2
    assert found[1] == found[0]
    many = load_captchas(tmp_path / "captchas").data * (600 // n)
    alone, shared = (
        [
            (reading.text, reading.confidence)
            for _, reading in read_images(joblib.load(model), many, n_jobs=k)
        ]
        for k in (1, 2)
    )
    assert shared == alone
