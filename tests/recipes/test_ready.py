"""The ready recipes: their accuracy, and how they are found."""

import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from skcaptcha import load_recipe
from skcaptcha.datasets import load_captchas
from skcaptcha.exceptions import RecipeError
from skcaptcha.metrics import character_accuracy, string_accuracy
from skcaptcha.recipes import ready_recipe, ready_recipes

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "n", "least"),
    [
        ("grid", 150, 0.95),
        pytest.param("dots", 400, 0.75, marks=pytest.mark.slow),
        ("raw-knn", 300, 0.75),
    ],
)
def test_without_a_search_it_reads_captchas_made_for_it(name, n, least):
    recipe = load_recipe(name, [f"data.n={n}", f"data.train={2 * n // 3}"])
    train, test = recipe.load_data()
    model = recipe.pipeline().fit(train.data, train.target)
    assert model.score(test.data, test.target) >= least


@pytest.mark.slow
def test_sequence_reads_touching_characters_of_any_color():
    recipe = load_recipe("sequence", ["data.n=300", "data.train=220", "steps.read.n_windows=8000"])
    train, test = recipe.load_data()
    model = recipe.pipeline().fit(train.data, train.target)
    assert model.score(test.data, test.target) >= 0.75


@pytest.mark.real
def test_grid_reads_real_lines(real_data):
    train, dev = (load_captchas(real_data / "lines" / part) for part in ("train", "dev"))
    recipe = load_recipe("grid")
    model, search = recipe.fit(train.data, train.target, n_jobs=2)
    assert len(search.cv_results_["params"]) >= 100
    np.testing.assert_array_equal(model.predict(dev.data), dev.target)


@pytest.mark.real
@pytest.mark.slow
def test_components_reads_real_separate_glyphs(real_data):
    train, dev = (load_captchas(real_data / "really_simple" / part) for part in ("train", "dev"))
    model, _ = load_recipe("components").fit(train.data, train.target, n_jobs=-1)
    assert model.score(dev.data, dev.target) >= 0.995


@pytest.mark.real
@pytest.mark.slow
def test_dots_reads_other_captchas_and_the_real_ones(real_data):
    recipe = load_recipe("dots")
    train, test = recipe.load_data()
    model, _ = recipe.fit(train.data, train.target, n_jobs=-1)
    read = model.predict(test.data)
    # The limit is two standard errors below 96.9 % (99.38 % of digits; docs/accuracy.md).
    assert string_accuracy(test.target, read) >= 0.96
    assert character_accuracy(test.target, read) >= 0.992
    real = load_captchas(real_data / "dots" / "dev")
    np.testing.assert_array_equal(model.predict(real.data), real.target)


def test_every_ready_recipe_is_found_by_name_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = set(ready_recipes())
    assert names == {path.stem for path in (ROOT / "configs").glob("*.yaml")}
    for name in names:
        if name == "cnn":
            pytest.importorskip("skorch", reason="needs the extra torch")
        assert load_recipe(name).output.model.parent == Path("artifacts")


def test_a_printed_recipe_is_the_same_recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("my.yaml").write_text(ready_recipe("dots"), encoding="utf-8")
    printed, ready = load_recipe("my.yaml"), load_recipe("dots")
    assert printed.content == ready.content


def test_a_file_takes_precedence_over_a_ready_recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("grid").write_text(ready_recipe("raw-knn"), encoding="utf-8")
    assert load_recipe("grid").content == load_recipe("raw-knn").content


@pytest.mark.parametrize("name", ["grd", "gird.yaml", "configs/grid.yaml"])
def test_a_misspelled_name_suggests_the_recipe(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RecipeError, match=r"no such .*ready recipe; did you mean grid\?"):
        load_recipe(name)


def test_an_unknown_ready_recipe_cannot_be_printed():
    with pytest.raises(RecipeError, match=r"seqence: not a ready recipe; did you mean sequence\?"):
        ready_recipe("seqence")


def test_the_docs_describe_when_to_use_each_recipe():
    page = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    for name, use in ready_recipes().items():
        assert f"| `{name}` | {use} |" in page


@pytest.mark.slow
def test_the_wheel_contains_the_ready_recipes(tmp_path):
    command = ["uv", "build", "--wheel", "--quiet", "--out-dir", tmp_path, ROOT]
    if shutil.which("uv") is None:
        # An environment may have no pip of its own.
        python = sys.executable if find_spec("pip") else Path(sys.base_prefix) / "bin" / "python3"
        command = [python, "-m", "pip", "wheel", "--no-deps", "-q", "-w", tmp_path, ROOT]
    subprocess.run(command, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    inside = zipfile.ZipFile(wheel).namelist()
    assert {f"skcaptcha/recipes/ready/{name}.yaml" for name in ready_recipes()} <= set(inside)
