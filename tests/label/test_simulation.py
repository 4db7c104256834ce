"""The labeling simulation counts correctly and can be resumed."""

import csv
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from skcaptcha.datasets import load_captchas, make_line_captchas, write_captchas
from skcaptcha.label import Guess
from skcaptcha.recipes import Recipe

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


@pytest.mark.parametrize(
    ("positions", "keys"),
    [
        ([], 0),
        ([0], 1),  # Enter at the end
        ([0, 1], 2),  # it goes to the next image
        ([7], 1 + 2 + 1),  # one row and two columns
        ([4, 9], 4 + 1 + 4 + 1),  # from the image after the first of them
    ],
)
def test_keys_on_a_page(simulation, positions, keys):
    assert simulation.keys_on_page(positions) == keys


@pytest.mark.slow
@pytest.mark.parametrize("pages", [False, True])
def test_all_images_are_labeled_with_and_without_pages(simulation, tmp_path, pages):
    images, labels = make_line_captchas(180, charset="AB1", random_state=0)
    write_captchas(tmp_path, images, labels)
    train = load_captchas(tmp_path)
    dev = load_captchas(tmp_path, subset="1..20")
    row = simulation.label_all(train, dev, Recipe(RECIPE), 0, pages=pages)
    assert row["n_typed"] + row["n_accepted"] + row["n_wrong"] == 180
    assert (row["n_accepted"] > 40) is pages
    assert (row["n_before_pages"] is None) is not pages
    # The first 20 are typed, and most of the others need Enter or a part of a page.
    assert 80 <= row["characters"] <= 130
    assert (row["keys"] < 155) is pages
    assert row["seconds"] - row["seconds_unseen"] == pytest.approx(
        1.35 * row["n_accepted"], abs=0.2
    )
    assert row["accuracy"] >= 0.95


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
