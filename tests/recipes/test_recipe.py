from pathlib import Path

import pytest
import yaml
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from skcaptcha import load_recipe
from skcaptcha.datasets import make_line_captchas, write_captchas
from skcaptcha.denoise import Binarizer, ImageRouter, Smoother
from skcaptcha.exceptions import RecipeError, SkcaptchaError
from skcaptcha.model_selection import SharedGridSearchCV
from skcaptcha.recipes import Recipe
from skcaptcha.segment import EqualSplit, ProjectionValleys

CONFIGS = Path(__file__).parents[2] / "configs"

SMALL = """
data: {generate: lines, n: 40, seed: 0}
steps:
  denoise:
    gray: {use: Grayscale}
    route:
      use: ImageRouter
      measure: mean
      thresholds: [100]
      branches:
        dim: {use: Binarizer, method: fixed, threshold: 60}
        light:
          smooth: {use: Smoother}
          binarize: {use: Binarizer}
  segment: {use: EqualSplit, n_characters: 4}
  features: {use: RawPixels, shape: [12, 10]}
  read: {use: CharacterReader, estimator: {use: SVC, C: 10}}
grid:
  denoise__route__light__smooth__size: [1, 3]
  read__estimator__C: [1, 10]
search: {cv: 2}
"""


def recipe_of(*changes, text=SMALL):
    """The small recipe with each ``(key.with.dots, value)`` set; None removes the key."""
    content = yaml.safe_load(text)
    for key, value in changes:
        *path, last = key.split(".")
        section = content
        for name in path:
            section = section[name]
        if value is None:
            del section[last]
        else:
            section[last] = value
    return Recipe(content, "my.yaml")


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.name)
def test_the_ready_recipes_load(path):
    assert path.read_text().startswith("# ")
    if path.stem == "cnn":
        pytest.importorskip("skorch", reason="needs the extra torch")
    recipe = load_recipe(path)
    names = ["images", "denoise", "segment", "features", "read"]
    if recipe.pipeline()[-1].reads_images:
        del names[2:4]
    assert list(recipe.pipeline().named_steps) == names
    assert isinstance(recipe.search(n_jobs=2), SharedGridSearchCV)
    for grid in recipe.grid:
        pipeline = recipe.pipeline()
        for key in sorted(grid, key=lambda key: key.count("__")):
            for value in grid[key]:
                pipeline.set_params(**{key: value})
    assert recipe.output.model.parent.name == "artifacts"


def test_the_default_recipe_searches_a_hundred_candidates():
    (grid,) = load_recipe(CONFIGS / "grid.yaml").grid
    candidates = 1
    for values in grid.values():
        candidates *= len(values)
    assert candidates >= 100


def test_a_recipe_builds_its_pipeline_and_search():
    recipe = recipe_of()
    denoise, segment = recipe.pipeline()["denoise"], recipe.pipeline()["segment"]
    router = denoise["route"]
    assert isinstance(denoise, Pipeline)
    assert isinstance(router, ImageRouter)
    assert (router.measure, router.thresholds) == ("mean", [100])
    (dim_name, dim), (light_name, light) = router.branches
    assert (dim_name, light_name) == ("dim", "light")
    assert isinstance(dim, Binarizer)
    assert dim.threshold == 60
    assert [type(step) for _, step in light.steps] == [Smoother, Binarizer]
    assert (segment.n_characters, recipe.pipeline()["features"].shape) == (4, [12, 10])
    assert recipe.pipeline()["read"].estimator.C == 10
    assert recipe.pipeline()["read"] is not recipe.pipeline()["read"]
    assert recipe.grid == [
        {"denoise__route__light__smooth__size": [1, 3], "read__estimator__C": [1, 10]}
    ]


def test_without_a_grid_there_is_one_candidate():
    assert recipe_of(("grid", None)).grid == [{}]


KNN = {"use": "KNeighborsClassifier"}

WRONG = {
    "unknown section": (("stepz", {}), r"stepz: unknown key; did you mean steps\? allowed: data"),
    "unknown key": (("data.m", 3), r"data\.m: unknown key; .*allowed: .*seed"),
    "unknown search key": (("search.cvv", 3), r"search\.cvv: unknown key; did you mean cv\?"),
    "unknown step": (("steps.segmnt", {}), r"steps\.segmnt: unknown key; did you mean segment"),
    "unknown output key": (("output", {"modle": "a"}), r"output\.modle: .*did you mean model"),
    "unknown class": (
        ("steps.features", {"use": "HOGG"}),
        r"steps\.features\.use: found 'HOGG'; did you mean HOG\? allowed: .*RawPixels",
    ),
    "import path": (
        ("steps.features", {"use": "os.system"}),
        r"steps\.features\.use: found 'os\.system'; .*allowed: ",
    ),
    "class of no name": (("steps.features", {"use": 3}), r"steps\.features\.use: found 3"),
    "unknown parameter": (
        ("steps.segment.n_charcters", 3),
        r"steps\.segment\.n_charcters: EqualSplit has no .*did you mean n_characters\?",
    ),
    "nested unknown class": (
        ("steps.denoise.route.branches.dim.use", "Binarize"),
        r"steps\.denoise\.route\.branches\.dim\.use: found 'Binarize'; did you mean Binarizer\?",
    ),
    "bad value": (
        ("steps.denoise.route.branches.dim.threshold", 256),
        r"steps\.denoise\.route\.branches\.dim: .*'threshold' .*\[0, 255\]. Got 256",
    ),
    "bad window": (
        ("steps.denoise.route.branches.dim.window", 4),
        r"steps\.denoise\.route\.branches\.dim: window must be odd.*got 4",
    ),
    "bad value of scikit-learn's": (
        ("steps.read.estimator.C", -1),
        r"steps\.read\.estimator: .*'C' .*Got -1",
    ),
    "missing parameter": (
        ("steps.segment.n_characters", None),
        r"steps\.segment: EqualSplit missing .*'n_characters'",
    ),
    "missing section": (("steps", None), r"steps: this key is missing"),
    "missing step": (("steps.read", None), r"steps\.read: this key is missing"),
    "missing data": (("data", None), r"data: this key is missing"),
    "no kind of data": (("data", {"n": 3}), r"data\.generate: this key is missing"),
    "unknown scheme": (("data.generate", "lins"), r"data\.generate: found 'lins' .*'lines'"),
    "step of no name": (("steps.denoise", {}), r"steps\.denoise: has no key use"),
    "step as a string": (("steps.features", "HOG"), r"steps\.features: .*found 'HOG' \(str\)"),
    "wrong type": (("search.cv", "five"), r"search\.cv: .*integer, found 'five' \(str\)"),
    "bool for a number": (("search.cv", True), r"search\.cv: .*integer, found True \(bool\)"),
    "out of range": (("search.cv", 1), r"search\.cv: .*greater than or equal to 2, found 1"),
    "no captchas": (("data.n", 0), r"data\.n: .*greater than or equal to 1, found 0"),
    "number for a string": (
        ("data", {"folder": 123}),
        r"data\.folder: .*string, found 123 \(int\)",
    ),
    "too many captchas": (("data.n", 10**22), r"data\.n: .*less than or equal to 100000, found 1"),
    "seed out of range": (("data.seed", 2**32), r"data\.seed: .*less than 4294967296"),
    "folder beside generate": (
        ("data.folder", "captchas"),
        r"data\.generate: cannot be combined with folder; keep folder, or generate with n and",
    ),
    "folder beside a number": (
        ("data", {"folder": "captchas", "n": 3}),
        r"data\.n: cannot be combined with folder; keep",
    ),
    "number as a step": (
        ("steps.denoise.gray", 3),
        r"steps\.denoise\.gray: found 3 \(int\); .*use",
    ),
    "string as a step": (
        ("steps.denoise.gray", "foo"),
        r"steps\.denoise\.gray: found 'foo' \(str\); a step is \{use: NAME\} or passthrough",
    ),
    "number as a branch": (
        ("steps.denoise.route.branches.dim", 3),
        r"steps\.denoise\.route\.branches\.dim: found 3 \(int\)",
    ),
    "branches without names": (
        ("steps.denoise.route.branches", [{"use": "Binarizer"}]),
        r"steps\.denoise\.route\.branches: found \[.* \(list\); give each step a name",
    ),
    "more thresholds than branches need": (
        ("steps.denoise.route.thresholds", [1, 2]),
        r"steps\.denoise\.route: thresholds must be .* one fewer than the 2 branches, got \[1, 2\]",
    ),
    "falling thresholds in the grid": (
        ("grid.denoise__route__thresholds", [[1], [1, 2]]),
        r"grid\.denoise__route__thresholds: thresholds must be .*got \[1, 2\]",
    ),
    "number in an estimator's pipeline": (
        ("steps.read.estimator", {"scale": 3, "svc": {"use": "SVC"}}),
        r"steps\.read\.estimator\.scale: found 3 \(int\)",
    ),
    "classifier as a reader": (
        ("steps.read", {"use": "SVC"}),
        r"steps\.read\.use: found 'SVC'; .*allowed: CharacterReader, .*SequenceReader$",
    ),
    "features as a segmenter": (
        ("steps.segment", {"use": "RawPixels"}),
        r"steps\.segment\.use: found 'RawPixels'; .*allowed: ConnectedComponents, .*SlidingWindow$",
    ),
    "segmenter among denoisers": (
        ("steps.denoise.route.branches.light.smooth", {"use": "EqualSplit", "n_characters": 4}),
        r"steps\.denoise\.route\.branches\.light\.smooth\.use: found 'EqualSplit'; .*Binarizer",
    ),
    "segmenter of no class": (
        ("steps.segment", {"n_characters": 4}),
        r"steps\.segment: has no key use; allowed: ConnectedComponents",
    ),
    "number as a step in the grid": (
        ("grid.denoise__gray", ["passthrough", 3]),
        r"grid\.denoise__gray: found 3 \(int\); a step is",
    ),
    "string as a branch in the grid": (
        ("grid.denoise__route__dim", ["foo"]),
        r"grid\.denoise__route__dim: found 'foo' \(str\); a step is",
    ),
    "features as a segmenter in the grid": (
        ("grid.segment", [{"use": "RawPixels"}]),
        r"grid\.segment\.use: found 'RawPixels'; .*allowed: ConnectedComponents",
    ),
    "no segmenter in the grid": (
        ("grid.segment", ["passthrough"]),
        r"grid\.segment: found 'passthrough' \(str\); a step is \{use: NAME\}$",
    ),
    "wrong kind of share": (("data.train", [1]), r"data\.train: .*found \[1\] \(list\)"),
    "data as a list": (("data", [1]), r"my\.yaml: data: .*found \[1\] \(list\)"),
    "empty grid": (("grid", {}), r"my\.yaml: grid: is empty"),
    "empty list of grids": (("grid", []), r"my\.yaml: grid: is empty"),
    "empty list in the grid": (
        ("grid.read__estimator__C", []),
        r"grid\.read__estimator__C: is empty; list the values",
    ),
    "no list in the grid": (
        ("grid.read__estimator__C", 3),
        r"grid\.read__estimator__C: .*list, found 3 \(int\)",
    ),
    "unknown grid key": (
        ("grid.read__estimatr__C", [1]),
        r"grid\.read__estimatr__C: .*no such parameter; did you mean read__estimator__C\?",
    ),
    "bad value in the grid": (
        ("grid.read__estimator__C", [1, -1]),
        r"grid\.read__estimator__C: .*'C' .*Got -1",
    ),
    "wrong type in the grid": (
        ("grid.denoise__route__light__smooth__size", [3, "big"]),
        r"grid\.denoise__route__light__smooth__size: .*'size' .*Got 'big'",
    ),
    "even size in the grid": (
        ("grid.denoise__route__light__smooth__size", [3, 4]),
        r"grid\.denoise__route__light__smooth__size: size must be odd",
    ),
    "bad value in the second grid": (
        ("grid", [{"read__estimator__C": [1]}, {"read__estimator__C": [0]}]),
        r"grid\[1\]\.read__estimator__C: .*'C'",
    ),
    "unknown class in the grid": (
        ("grid.read__estimator", [{"use": "KNeighbors"}]),
        r"grid\.read__estimator\.use: found 'KNeighbors'; did you mean KNeighborsClassifier\?",
    ),
    "parameter that only some estimators have": (
        ("grid.read__estimator", [KNN, {"use": "SVC"}]),
        r"grid\.read__estimator__C: .*no such parameter",
    ),
    "parameter that only the other estimators have": (
        ("grid.read__estimator", [{"use": "SVC"}, KNN]),
        r"grid\.read__estimator__C: .*no such parameter",
    ),
    "whole step in the grid": (
        ("grid.segment", [{"use": "EqualSplit", "n_characters": 0}]),
        r"grid\.segment: .*'n_characters'",
    ),
    "unknown final parameter": (("final", {"read__calibratn_cv": 3}), r"final\.read__calibratn_cv"),
    "bad final value": (
        ("final", {"read__calibration_cv": 1}),
        r"final\.read__calibration_cv: .*Got",
    ),
    "key that is no string": (("grid", {1: [2]}), r"my\.yaml: grid"),
    "bad output": (("output", {"model": 3}), r"output\.model: .*found 3"),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors_name_the_key(name):
    change, said = WRONG[name]
    with pytest.raises(RecipeError, match=r"^my\.yaml: ") as caught:
        recipe_of(change)
    assert caught.match(said)
    assert "\n" not in str(caught.value)


def test_a_grid_may_contain_steps_and_estimators():
    cutters = [{"use": "EqualSplit", "n_characters": 4}, {"use": "ProjectionValleys"}]
    knn = {
        "read__estimator__n_neighbors": [1, 3],
        "read__estimator": [KNN],
        "segment": cutters,
        "segment__n_characters": [4, 5],
        "denoise__route__dim": ["passthrough"],
    }
    svc = {"read__estimator__C": [3], "denoise": [{"gray": {"use": "Grayscale"}}, "passthrough"]}
    first, second = recipe_of(("grid", [knn, svc])).grid
    assert isinstance(first["read__estimator"][0], KNeighborsClassifier)
    assert [type(cutter) for cutter in first["segment"]] == [EqualSplit, ProjectionValleys]
    assert isinstance(second["denoise"][0], Pipeline)


BAD_FILES = {
    "not yaml": ("data: [1, 2", r"line \d+: "),
    "tab": ("data:\n\t- 1", r"line 2: "),
    "list": ("- 1\n- 2", r"expected a mapping of sections, found \[1, 2\] \(list\)"),
    "nothing": ("", r"expected a mapping of sections, found None"),
    "twice": ("data: {n: 1, n: 2}", r"line 1: the key 'n' occurs twice"),
    "twice below": (SMALL + "data: {}\n", r"line \d+: the key 'data' occurs twice"),
    "tag": ("data: !!python/object/apply:os.getcwd []", r"line 1: the tag .* is not allowed"),
    "key of a list": ("? [a, b]\n: 1", r"line 1: "),
    "octal number": ("data: {n: 0123}", r"line 1: 0123 begins with 0; write a number without it"),
    "no day": ("data: 2020-02-31", r"x\.yaml: day"),
    "control character": ("data: \x01", r"x.yaml: "),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_named(name, tmp_path):
    content, said = BAD_FILES[name]
    path = tmp_path / "x.yaml"
    path.write_text(content)
    with pytest.raises(RecipeError, match=r"x\.yaml: ") as caught:
        load_recipe(path)
    assert caught.match(said)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(
        RecipeError, match=r"none\.yaml: no such file, folder or ready recipe; .*grid"
    ):
        load_recipe(tmp_path / "none.yaml")
    with pytest.raises(RecipeError, match="it is a folder"):
        load_recipe(tmp_path)
    (tmp_path / "image.yaml").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(RecipeError, match="is not UTF-8 text; save it as UTF-8"):
        load_recipe(tmp_path / "image.yaml")


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return path


def test_overrides(small):
    overrides = ["steps.segment.n_characters=5", "data.train=1..30", "output.model=a/b.joblib"]
    recipe = load_recipe(small, overrides)
    assert recipe.pipeline()["segment"].n_characters == 5
    assert recipe.data.train == "1..30"  # a string stays a string
    assert recipe.output.model == Path("a/b.joblib")
    assert load_recipe(small, ["grid.read__estimator__C=[7]"]).grid[0]["read__estimator__C"] == [7]
    assert load_recipe(small, ["steps.read.estimator.C=1e1"]).pipeline()["read"].estimator.C == 10


def test_overrides_reach_into_lists():
    overrides = ["grid.2.denoise__specks__min_area=[7]", "steps.features.shape.1=9"]
    recipe = load_recipe(CONFIGS / "components.yaml", overrides)
    areas = [grid.get("denoise__specks__min_area") for grid in recipe.grid]
    assert areas == [None, None, [7]]
    assert recipe.pipeline()["features"].shape == [20, 9]


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("search.cv", "expected KEY=VALUE"),
        ("=3", "expected KEY=VALUE"),
        ("search.cv=[", "--set search.cv=.: line 1"),
        ("search.cv.x=3", r"--set search\.cv\.x=3: cv is 2 \(int\), not a section"),
        (
            "steps.features.shape.2=9",
            r"--set .*: 2 is not an item; the list has 2 items, counted from 0",
        ),
        ("steps.features.shape.w=9", r"--set .*: w is not an item; the list has 2 items"),
        ("steps.features.shape.0.x=9", r"--set .*: 0 is 12 \(int\), not a section"),
        ("serch.cv=3", r"serch: unknown key; did you mean search"),
        ("steps.segment.left=-1", r"steps\.segment: .*'left'"),
        ("data.seed=one", r"data\.seed: .*found 'one'"),
    ],
)
def test_bad_overrides_are_named(small, override, said):
    with pytest.raises(RecipeError, match=said):
        load_recipe(small, [override])


def test_data_replaces_the_section(small, tmp_path):
    images, labels = make_line_captchas(10, random_state=0)
    write_captchas(tmp_path / "made", images, labels)
    recipe = load_recipe(small, data=tmp_path / "made")
    train, test = recipe.load_data()
    assert sorted(train.target) == sorted(labels)
    assert test is None
    nowhere = load_recipe(small, data=tmp_path / "nowhere")
    with pytest.raises(SkcaptchaError, match="nowhere"):
        nowhere.load_data()


def test_a_recipe_names_the_file_of_its_labels(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "1.png").touch()
    for name, label in (("a.tsv", "AB"), ("b.tsv", "CD")):
        (tmp_path / name).write_text(f"1.png\t{label}\n")
    file = tmp_path / "recipe.yaml"
    content = yaml.safe_load((CONFIGS / "grid.yaml").read_text(encoding="utf-8"))
    content["data"] = {"folder": "in", "labels": "a.tsv"}
    file.write_text(yaml.safe_dump(content))
    assert load_recipe(file).data.load().target.tolist() == ["AB"]
    chosen = load_recipe(file, labels=tmp_path / "b.tsv")
    assert chosen.data.load().target.tolist() == ["CD"]


@pytest.mark.parametrize(
    ("shares", "sizes"),
    [
        ({}, (40, None)),
        ({"train": 30}, (30, 10)),
        ({"test": 8}, (32, 8)),
        ({"train": 0.5, "test": 5}, (20, 5)),
        ({"train": "1..12"}, (12, 28)),
    ],
)
def test_load_data_parts_train_and_test(shares, sizes):
    recipe = recipe_of(*[(f"data.{key}", value) for key, value in shares.items()])
    train, test = recipe.load_data()
    assert (len(train.data), test if test is None else len(test.data)) == sizes
    assert len(train.data) == len(train.target)
    if test is not None:
        everything = [image.tobytes() for image in [*train.data, *test.data]]
        assert len(set(everything)) == len(everything)


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({"train": "x"}, r"data\.train: 'x' is not a range; write it as 1\.\.40"),
        ({"train": 41}, r"data\.train: requires 41 captchas, but 40 of 40 are left"),
        ({"test": "1..41"}, r"data\.test: the range 1\.\.41 exceeds the 40"),
        ({"test": 1.5}, r"data\.test: must be a range .*found 1\.5"),
        ({"train": 30, "test": 11}, r"data: test: requires 11 captchas, but 10 of 40"),
    ],
)
def test_impossible_fractions_are_named(shares, said):
    recipe = recipe_of(*[(f"data.{key}", value) for key, value in shares.items()])
    with pytest.raises(RecipeError, match=rf"^my\.yaml: {said}"):
        recipe.load_data()


def test_captchas_may_be_sorted_by_label():
    images, labels = make_line_captchas(40, charset="AB", n_characters=1, random_state=0)
    order = labels.argsort()
    recipe = recipe_of(("steps.segment.n_characters", 1), ("grid", None))
    # Without shuffling, each fold would train on one character and test on the other.
    search = recipe.search().fit(images[order], labels[order])
    assert search.best_score_ > 0.9
    assert recipe.search().fit(images[order], labels[order]).best_score_ == search.best_score_


def test_the_search_predicts_with_its_best_candidate():
    recipe = recipe_of(("final", {"read__calibration_cv": 3}))
    train, _ = recipe.load_data()
    search = recipe.search().fit(train.data, train.target)
    best = recipe.pipeline().set_params(**search.best_params_).fit(train.data, train.target)
    assert list(search.predict(train.data)) == list(best.predict(train.data))


def test_a_final_estimator_takes_its_final_parameters():
    final = {"read__estimator__n_neighbors": 7, "read__estimator": {"use": "KNeighborsClassifier"}}
    recipe = recipe_of(("final", final), ("grid", None))
    model, _ = recipe.fit(*make_line_captchas(20, charset="ABCD", random_state=0))
    assert model["read"].estimator.n_neighbors == 7


def test_final_parameters_missing_from_the_best_candidate_are_ignored():
    read = {"use": "CharacterReader", "estimator": {"use": "KNeighborsClassifier"}}
    recipe = recipe_of(("final", {"read__estimator__C": 3}), ("grid", {"read": [read]}))
    model, _ = recipe.fit(*make_line_captchas(20, charset="ABCD", random_state=0))
    assert isinstance(model["read"].estimator, KNeighborsClassifier)


def test_fit_returns_the_best_candidate_with_the_final_parameters():
    recipe = recipe_of(("final", {"read__calibration_cv": 3}))
    train, _ = recipe.load_data()
    model, search = recipe.fit(train.data, train.target)
    assert len(search.cv_results_["params"]) == 4
    assert not hasattr(search, "best_estimator_")
    assert model["read"].calibration_cv == 3
    assert model["read"].temperature_ != 1
    for key, value in search.best_params_.items():
        assert model.get_params()[key] == value
    assert isinstance(model["read"].estimator_, SVC)
    assert len(model.predict(train.data[:3])) == 3
    with pytest.raises(RecipeError, match=r"my\.yaml: search\.cv: 2 folds need .* found 1 "):
        recipe.fit(train.data[:1], train.target[:1])


def test_a_recipe_may_fold_case(tmp_path):
    images, labels = make_line_captchas(20, random_state=0)
    mixed = [label.lower() if k % 4 == 0 else label for k, label in enumerate(labels.tolist())]
    write_captchas(tmp_path / "captchas", list(images), mixed)
    given = SMALL + "  read: [{use: CharacterReader}, {use: CharacterReader, calibration_cv: 2}]\n"
    content = yaml.safe_load(given.replace("  read__estimator__C: [1, 10]\nsearch: {cv: 2}\n", ""))
    content["data"] = {"folder": str(tmp_path / "captchas"), "fold_case": True, "train": "1..10"}
    recipe = Recipe(content)
    for part in recipe.load_data():
        assert part.fold_case
        assert "".join(part.target).upper() == "".join(part.target)
    assert recipe.pipeline()[-1].fold_case
    assert [reader.fold_case for reader in recipe.grid[0]["read"]] == [True, True]
    assert recipe.final_pipeline({"read": recipe.grid[0]["read"][0]})[-1].fold_case
    again = recipe_of().with_fold_case()
    assert again.pipeline()[-1].fold_case
    assert not recipe_of().pipeline()[-1].fold_case
    evaluate = recipe_of(("data.fold_case", True), ("steps.read", {
        "use": "Evaluate", "reader": {"use": "CharacterReader"}
    }), ("grid", None))  # fmt: skip
    assert evaluate.pipeline()[-1].reader.fold_case


def test_fold_case_as_an_option(small):
    recipe = load_recipe(small, fold_case=True)
    assert recipe.content["data"]["fold_case"]
    labels = recipe.load_data()[0].target
    assert labels.tolist() == [label.upper() for label in labels]
    with pytest.raises(RecipeError, match=r"data\.fold_case: .*boolean, found 'yes'"):
        load_recipe(small, ["data.fold_case='yes'"])
