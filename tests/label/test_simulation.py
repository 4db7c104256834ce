"""The labeling simulation counts correctly and can be resumed."""

import csv
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from skcaptcha.datasets import make_line_captchas, write_captchas
from skcaptcha.label import Guess

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "labeling.py"
GUESS = Guess(
    text="ABCD",
    confidence=0.5,
    characters=(("A", 0.9), ("B", 0.3), ("C", 0.8), ("D", 0.6)),
    runners_up=(("AXCD", 0.2), ("AXCY", 0.1)),
    unfamiliar=False,
)
RECIPE = {
    "data": {"generate": "lines", "n": 10},
    "steps": {
        "denoise": {
            "gray": {"use": "Grayscale"},
            "binarize": {"use": "Binarizer", "method": "fixed", "threshold": 127},
        },
        "segment": {
            "use": "FixedBoxes",
            "boxes": [[8, 4, 20, 21], [38, 4, 20, 21], [68, 4, 20, 21], [98, 4, 20, 21]],
        },
        "features": {"use": "RawPixels"},
        "read": {
            "use": "CharacterReader",
            "estimator": {"use": "KNeighborsClassifier", "n_neighbors": 1},
        },
    },
}


@pytest.fixture(scope="module")
def simulation():
    spec = importlib.util.spec_from_file_location("labeling", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("label", "keys"),
    [
        ("ABCD", 1),  # Enter
        ("AXCD", 2),  # the next string, Enter
        ("AZCD", 3),  # select the least certain character, Z, Enter
        ("ABCZ", 4),  # the second least certain character
        ("AZCZ", 5),  # both; typing the whole text takes as many
        ("ZZZZ", 5),
        ("ABC", 4),
        ("ABCDE", 6),
    ],
)
def test_keystrokes_are_minimal(simulation, label, keys):
    assert simulation.keys_for(label, GUESS) == keys


def test_without_a_guess_the_whole_text_is_typed(simulation):
    assert simulation.keys_for("ABCD", None) == 5


@pytest.mark.slow
def test_one_row_per_fit(tmp_path):
    images, labels = make_line_captchas(50, charset="AB1", random_state=0)
    write_captchas(tmp_path / "data/mini/train", images[:30], labels[:30].tolist())
    write_captchas(tmp_path / "data/mini/dev", images[30:], labels[30:].tolist())
    out = tmp_path / "out"
    out.mkdir()
    (out / "mini.yaml").write_text(yaml.safe_dump(RECIPE, sort_keys=False))
    command = [sys.executable, str(SCRIPT), str(tmp_path / "data"), str(out), "mini"]
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        with (out / "labeling.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert [(row["order"], row["n_labels"]) for row in rows] == [
            (order, n) for order in ("active", "random") for n in ("20", "26", "30")
        ]
    assert all(float(row["accuracy"]) >= 0.9 for row in rows)
    # The first 20 need four characters and Enter; most of the others need only Enter.
    assert all(100 + 10 <= int(row["keystrokes"]) <= 100 + 20 for row in rows[2::3])
    assert (out / "labeling.png").stat().st_size > 1000
    assert "| mini | active | 1 | 20 |" in done.stdout
