"""One file adds a reader of images, and recipes, searches and audits can then use it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import skcaptcha
import template_reader

RECIPE = """
data: {generate: lines, n: 60, seed: 0, train: 40}
steps:
  denoise:
    gray: {use: Grayscale}
    polarity: {use: PolarityNormalizer}
  read: {use: TemplateReader}
grid: {read__softness: [0.02, 0.05]}
search: {cv: 2}
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    """Return a folder with a copy of the package in which one file adds the reader."""
    path = tmp_path_factory.mktemp("copy")
    shutil.copytree(Path(skcaptcha.__file__).parent, path / "skcaptcha")
    shutil.copy(template_reader.__file__, path / "skcaptcha" / "read" / "_template_reader.py")
    (path / "recipe.yaml").write_text(RECIPE)
    return path


def in_copy(package: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=package,
        env=os.environ | {"PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_a_recipe_needs_no_segment_and_no_features(package, tmp_path):
    file = tmp_path / "m.joblib"
    fitted = in_copy(package, "-m", "skcaptcha", "fit", "recipe.yaml", "--out", file, "--jobs", 1)
    assert fitted.returncode == 0, fitted.stderr
    report = json.loads((tmp_path / "m.json").read_text())
    assert report["best_params"].keys() == {"read__softness"}
    assert report["held_out"]["string_accuracy"] > 0.2
    assert "TemplateReader" in (tmp_path / "m.html").read_text()


PROBLEMS = """
from copy import deepcopy
import yaml
from skcaptcha.exceptions import RecipeError, SkcaptchaError
from skcaptcha.recipes import Recipe
from skcaptcha.prediction import cut_captchas
from skcaptcha.datasets import Captchas

content = yaml.safe_load(open("recipe.yaml"))
print(Recipe(content))
print(list(Recipe(content).pipeline().named_steps))
cutting = {"use": "EqualSplit", "n_characters": 4}
segments = {**content["steps"], "read": {"use": "CharacterReader"}}
for steps, grid in [
    ({**content["steps"], "segment": cutting}, None),
    ({**content["steps"], "features": {"use": "HOG"}}, None),
    (segments, None),
    ({**segments, "segment": cutting}, None),
    (content["steps"], {"read": [{"use": "CharacterReader"}]}),
    (
        {**segments, "segment": cutting, "features": {"use": "HOG"}},
        {"read": [{"use": "TemplateReader"}]},
    ),
    (content["steps"], {"segment__n_characters": [4]}),
]:
    try:
        Recipe({**content, "steps": steps, "grid": grid})
    except RecipeError as error:
        print(error)
try:
    cut_captchas(Captchas(data=[], target=[], filenames=[]), "out", Recipe(content))
except SkcaptchaError as error:
    print(error)
"""


@pytest.mark.slow
def test_steps_that_do_not_suit_the_reader_are_an_error(package):
    done = in_copy(package, "-c", PROBLEMS)
    assert done.stderr == ""
    images = "a TemplateReader reads images"
    segments = "a CharacterReader reads segments with features"
    *problems, unknown, unfitted = done.stdout.splitlines()
    assert problems == [
        "<Recipe recipe: TemplateReader; 2 candidates, 2 folds>",
        "['images', 'denoise', 'read']",
        f"recipe: steps.segment: {images}, not segments; remove this key",
        f"recipe: steps.features: {images}, not segments; remove this key",
        f"recipe: steps.segment: this key is missing; {segments}",
        f"recipe: steps.features: this key is missing; {segments}",
        f"recipe: grid.read: {segments}, but the recipe has no key steps.segment",
        f"recipe: grid.read: {images}, but the recipe has the key steps.segment",
    ]
    assert unknown.startswith(
        "recipe: grid.segment__n_characters: the pipeline has no such parameter; allowed: denoise,"
    )
    assert unfitted == (
        "recipe: a TemplateReader finds characters only after it is fitted; fit the recipe, and "
        "cut with its model"
    )


SEARCH = """
import numpy as np
import yaml
from skcaptcha.audit._fits import Split, fit_and_read
from skcaptcha.audit._recipe_changes import recipe_changes
from skcaptcha.auto import choose_recipe, load_families
from skcaptcha.datasets import make_line_captchas

X, y = make_line_captchas(90, charset="ABC7", random_state=0)
X, y = list(X), y.tolist()
steps = yaml.safe_load(open("recipe.yaml"))["steps"]
families = load_families()
alone = {"denoise": [steps["denoise"]], "segment": [None], "features": [None]}
cutting = {"segment": [{"use": "EqualSplit", "n_characters": 4}], "features": [{"use": "HOG"}]}
both = {"denoise": [steps["denoise"]], **cutting}
families["grid"] = [families["grid"][1], {**alone, "read": [steps["read"]]}]
families["final"] = {}
choice = choose_recipe(X, y, families=families, budget=30, n_jobs=1)
for trial in sorted({(t.family, t.name) for t in choice.trials}):
    print(*trial)
template = next(t for t in choice.trials if t.family == 1)
print(template.screened > 0.8)
families["grid"] = [{**both, "read": [{"use": "CharacterReader"}, steps["read"]]}]
choice = choose_recipe(X, y, families=families, budget=60, n_jobs=1)
print(choice.trials[0].name, choice.trials[0].accuracy > 0.8, *choice.recipe["steps"])
split = Split(X[:60], np.array(y[:60]), X[60:], np.array(y[60:]))
recipe = {"steps": {**steps, "segment": None, "features": None}, "search": {"cv": 2}}
print(fit_and_read(recipe, split, seconds=60).mean() > 0.8)
for change in recipe_changes(recipe, 4, 1.0):
    read = fit_and_read(change.recipe, split, seconds=60)
    print(change.description, change.counters, read is not None)
"""


@pytest.mark.slow
def test_it_is_raced_and_audited(package):
    done = in_copy(package, "-c", SEARCH)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "0 ConnectedComponents + HOG + SVC",
        "1 TemplateReader",
        "True",
        "TemplateReader True denoise read",
        "True",
        "with one segmentation instead of the best path ('touching',) True",
        "without knowing the length ('length',) True",
    ]


LABELING = """
from pathlib import Path
from skcaptcha.datasets import load_captchas, make_line_captchas, write_captchas
from skcaptcha.label.training._learner import Learner
from skcaptcha.recipes import load_recipe

X, y = make_line_captchas(60, charset="ABC7", random_state=0)
write_captchas("labeled", X, y)
captchas = load_captchas("labeled")
labels = dict(zip(captchas.filenames, map(str, captchas.target)))
learner = Learner(Path("labeled"), load_recipe("recipe.yaml"))
for _ in learner.learn(dict(list(labels.items())[:40])):
    pass
names = list(labels)
read = learner.read(names[40:])
print(sum(read[name].text == labels[name] for name in read) > 12)
held_out = learner.read_held_out(names[:10])
print(sum(held_out[name].text == labels[name] for name in held_out) > 6)
"""


@pytest.mark.slow
def test_it_reads_on_the_labeling_page(package):
    done = in_copy(package, "-c", LABELING)
    assert done.stderr == ""
    assert done.stdout.split() == ["True", "True"]
