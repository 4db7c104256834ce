"""Untrusted recipes build only allowed classes, or are quickly refused in one sentence."""

import faulthandler
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from sklearn.pipeline import Pipeline

from skcaptcha import load_recipe
from skcaptcha.datasets import make_line_captchas, write_captchas
from skcaptcha.exceptions import RecipeError
from skcaptcha.recipes import Recipe

SMALL = """
data: {generate: lines, n: 40, seed: 0}
steps:
  denoise: {gray: {use: Grayscale}, binarize: {use: Binarizer}}
  segment: {use: EqualSplit, n_characters: 4}
  features: {use: RawPixels, shape: [12, 10]}
  read: {use: CharacterReader, estimator: {use: SVC, C: 10}}
"""


@pytest.fixture(autouse=True)
def nothing_hangs() -> Iterator[None]:
    faulthandler.dump_traceback_later(60, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def refusal(path: Path, *overrides: str) -> str:
    """Return the error message for a recipe, which must be raised quickly."""
    began = time.process_time()
    with pytest.raises(RecipeError) as caught:
        load_recipe(path, overrides)
    assert time.process_time() - began < 10
    said = str(caught.value)
    assert said.isprintable()
    assert len(said) < 2500
    return said


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(SMALL)
    return path


def laughs(opening: str, closing: str, join: str) -> str:
    """Nine levels, each with nine aliases of the previous level."""
    text = "a0: &a0 " + (opening + join.format(x="x", i=0) + closing) + "\n"
    for level in range(1, 10):
        items = ", ".join(join.format(x=f"*a{level - 1}", i=i) for i in range(9))
        text += f"a{level}: &a{level} {opening}{items}{closing}\n"
    return text


MANY = r"line \d+: \d+ values with all aliases expanded; the maximum is 65536"
TEXTS = {
    "lists of aliases": (laughs("[", "]", "{x}"), MANY),
    "mappings of aliases": (laughs("{", "}", "k{i}: {x}"), MANY),
    "merged mappings": (
        "a0: &a0 {k: 1}\n"
        + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 9)),
        MANY,
    ),
    "a merged mapping": ("a: &a {b: 1}\nc: {<<: *a}", "line 2: the merge key << is not supported"),
    "a list in itself": ("a: &a [*a]", "line 1: the alias a is inside the value that it refers to"),
    "a merge of itself": ("a: &a {<<: *a}", "the alias a is inside"),
    "a merge deep in itself": ("a: &a {b: {c: [{<<: *a}]}}", "the alias a is inside"),
    "an alias of nothing": ("a: *b", "line 1: found undefined alias 'b'"),
    "very deep": ("a: " + "[" * 30_000, "line 1: more than 40 nested levels"),
    "very deep mappings": ("a: " + "{b: " * 10_000, "more than 40 nested levels"),
    "deep by indentation": ("\n".join(" " * i + "a:" for i in range(300)), "more than 40 nested"),
    "a huge text": ("a: " + "x" * 10**6, "1000003 bytes; a recipe has at most 65536 characters"),
    "many items": ("a: [" + "1," * 10**5 + "]", "characters; a recipe has at most 65536"),
    "a number of many digits": ("a: " + "9" * 60_000, "Exceeds the limit"),
    "a hexadecimal number of many digits": ("a: 0x" + "f" * 60_000, "has more than 64 bits"),
    "a number in base 60": ("a: 1" + ":59" * 20_000, "has more than 64 bits"),
    "a fraction in base 60": ("a: 1" + ":59" * 400 + ".5", "recipe.yaml: "),
    "a date out of range": ("a: 0001-01-01T00:00:00+23:59", "recipe.yaml: "),
    "NUL": ("a: \0", "special characters are not allowed"),
    "NUL by its escape": ('a: "b\\0c"', "a string contains the character NUL"),
    "half a surrogate": ('a: "\\ud800"\nb: [', "recipe.yaml: "),
    "two documents": ("a: 1\n--- \nb: 2", "but found another document"),
    "an unhashable key": ("? {a: 1}\n: 2", "line 1: "),
    "a foreign directive": ("%TAG ! tag:yaml.org,2002:python/\n---\na: !name:os x", "the tag"),
    **{
        f"tag {tag}": (f"a: {tag}", "line 1: the tag .* is not allowed; write the value without it")
        for tag in (
            "!!python/object/apply:os.system [id]",
            "!!python/name:os.system ''",
            "!!python/module:os ''",
            "!!python/object/new:os.system [id]",
            "!!python/tuple [1, 2]",
            "!!binary aGVsbG8=",
            "!!set {a, b}",
            "!!omap [a: 1]",
            "!!int ''",
            "!!bool maybe",
            "!!timestamp x",
            "!local x",
            "! x",
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_refused_yaml(name: str, recipe: Path) -> None:
    text, said = TEXTS[name]
    recipe.write_text(text)
    found = refusal(recipe)
    assert found.startswith(f"{recipe}: ")
    assert re.search(said, found)


def test_ordinary_aliases(recipe: Path) -> None:
    text = SMALL.replace("{use: SVC, C: 10}", "&svc {use: SVC, C: 10}") + (
        "grid: {read__estimator: [*svc, {use: SVC, C: 3}], denoise__binarize__method: &m [otsu]}"
    )
    recipe.write_text(text)
    (grid,) = load_recipe(recipe).grid
    assert [estimator.C for estimator in grid["read__estimator"]] == [10, 3]


@pytest.mark.parametrize(
    ("encoding", "said"), [("utf-16", "is not UTF-8 text; save it as UTF-8"), ("utf-8-sig", None)]
)
def test_encodings(encoding: str, said: str | None, recipe: Path) -> None:
    recipe.write_text(SMALL, encoding=encoding)
    if said is None:
        assert isinstance(load_recipe(recipe).pipeline(), Pipeline)
    else:
        assert said in refusal(recipe)


def test_paths_that_are_not_regular_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "device.yaml").symlink_to("/dev/zero")
    with (tmp_path / "large.yaml").open("wb") as file:
        file.truncate(2**30)
    assert "it is not a regular file" in refusal(tmp_path / "pipe.yaml")
    assert "it is not a regular file" in refusal(tmp_path / "device.yaml")
    assert "symbolic links" in refusal(tmp_path / "loop.yaml")
    assert "it is a folder" in refusal(tmp_path)
    assert "1073741824 bytes; a recipe has at most" in refusal(tmp_path / "large.yaml")
    assert "no such file, folder or ready recipe" in refusal(tmp_path / "none.yaml")


NOT_BUILT = {
    "a class of another module": ("steps.features={use: FunctionTransformer}", "found 'FunctionTr"),
    "an import path": ("steps.features={use: skcaptcha.features.HOG}", "found 'skcaptcha.features"),
    "a dunder": ("steps.features={use: __class__}", "found '__class__'"),
    "a dunder as a parameter": ("steps.read.__class__=x", "has no such parameter"),
    "a dunder below": ("grid={read__estimator____class__: [x]}", "no such parameter"),
    "a method": ("grid={read__estimator__fit: [x]}", "no such parameter"),
    "a folder to load from": ("grid={memory: [/tmp/evil]}", "no such parameter"),
    "a folder below": ("final={denoise__memory: /tmp/evil}", "no such parameter"),
    "all steps": ("grid={steps: [[]]}", "no such parameter"),
    "steps below": ("grid={denoise__steps: [[[gray, x]]]}", "no such parameter"),
    "processes": ("steps.read.estimator={use: KNeighborsClassifier, n_jobs: 9}", "has no such"),
    "processes in the grid": (
        "grid={read__estimator: [{use: KNeighborsClassifier}], read__estimator__n_jobs: [9]}",
        "no such parameter",
    ),
    "a callable by its name": ("steps.read.estimator={use: SVC, kernel: os.system}", "'kernel'"),
    "a text for an estimator": ("steps.read.estimator=os.system", "'estimator'"),
    "a step of a bad name": ("steps.denoise={a__b: {use: Grayscale}}", "is not a valid step name"),
    "a step that hides a parameter": ("steps.denoise={memory: {use: Grayscale}}", "is not a valid"),
    "a step of no name": ("steps.denoise.gray={1: {use: Grayscale}}", "is not a valid step name"),
    "a long key": ("a." * 60 + "b=1", "the key has 61 levels; at most 40"),
    "a long value": ("search.cv=" + "9" * 10**5, "it has 100000 characters"),
    "a long key without value": ("k" * 10**5, "expected KEY=VALUE"),
    "aliases": ("search.cv=" + "[&a [x" + ", x" * 900 + "]" + ", *a" * 900 + "]", "values with"),
    "a tag": ("search.cv=!!python/name:os.system x", "the tag"),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_BUILT)
def test_only_allowed_classes_are_built(name: str, recipe: Path) -> None:
    override, said = NOT_BUILT[name]
    assert said in refusal(recipe, override)


def test_the_number_of_candidates_is_limited(recipe: Path) -> None:
    parameters = [
        "C",
        "gamma",
        "tol",
        "coef0",
        "shrinking",
        "cache_size",
        "degree",
        "max_iter",
        "C",
    ]
    grid = {f"read__estimator__{p}": list(range(1, 11)) for p in parameters}
    grid["segment__left"] = list(range(10))
    said = refusal(recipe, f"grid={yaml.safe_dump(grid, default_flow_style=True, width=10**9)}")
    assert "grid: has 1000000000 candidates; the maximum is 10000; try fewer values" in said
    many = list(range(1, 10_002))
    assert "has 10001 candidates" in refusal(recipe, f"grid={{read__estimator__C: {many}}}")
    halves = [{"read__estimator__C": many[:5001]}] * 2
    with pytest.raises(RecipeError, match="has 10002 candidates"):
        Recipe({**yaml.safe_load(SMALL), "grid": halves})


@pytest.mark.parametrize("steps", [62, 63, 2000])
def test_aliases_of_steps(steps: int, recipe: Path) -> None:
    """Building a separate pipeline for each value of the grid would take hours."""
    aliases = ", ".join(f"a{i}: *gray" for i in range(steps - 5))
    recipe.write_text(
        SMALL.replace("gray: {use: Grayscale}", f"gray: &gray {{use: Grayscale}}, {aliases}")
        + f"grid: {{segment__n_characters: [{', '.join(['4'] * 1000)}]}}"
    )
    # The others are the decoder, segmenter, features, reader and its estimator.
    n = steps - 5 + 2 + 5
    if n > 64:
        assert f"steps: has {n} steps; the maximum is 64; remove some" in refusal(recipe)
    else:
        began = time.process_time()
        assert load_recipe(recipe).grid == [{"segment__n_characters": [4] * 1000}]
        assert time.process_time() - began < 5


def test_steps_in_a_value_are_counted(recipe: Path) -> None:
    steps = ", ".join(f"a{i}: {{use: Grayscale}}" for i in range(65))
    said = refusal(recipe, f"grid={{denoise__gray: [{{use: Grayscale}}, {{{steps}}}]}}")
    assert "grid.denoise__gray: has 65 steps; the maximum is 64" in said


@pytest.mark.slow
def test_many_different_values(recipe: Path) -> None:
    svc = [f"{{use: SVC, C: {i + 1}}}" for i in range(2000)]
    grid = f"read__estimator: [{', '.join(svc)}], read__estimator__gamma: [1, 2, scale]"
    recipe.write_text(SMALL + f"grid: {{{grid}}}")
    began = time.process_time()
    load_recipe(recipe)
    assert time.process_time() - began < 15
    recipe.write_text(SMALL + f"grid: {{{grid.replace('scale', 'x')}}}")
    assert "grid.read__estimator__gamma: The 'gamma' parameter of SVC" in refusal(recipe)
    recipe.write_text(SMALL + f"grid: {{{grid.replace('SVC, C: 2000', 'KNeighborsClassifier')}}}")
    assert "grid.read__estimator__gamma: the pipeline has no such param" in refusal(recipe)


@pytest.mark.parametrize("name", ["", "read__estimator__", "__", "read____estimator"])
def test_invalid_parameter_names(name: str, recipe: Path) -> None:
    said = refusal(recipe, f"grid={{{name!r}: [1], read__estimator: [{{use: SVC}}]}}")
    assert "the pipeline has no such parameter" in said


STRANGE = '"a\\nb\\e[31m\\u202e"'
WHERE = {
    "a section": ("\ndata:", "\nKEY: 1\ndata:"),
    "a parameter": ("{use: RawPixels,", "{use: RawPixels, KEY: 1,"),
    "a parameter in the grid": ("\ndata:", "\ngrid: {KEY: [1]}\ndata:"),
    "the output": ("\ndata:", "\noutput: {KEY: 1}\ndata:"),
    "the data": ("seed: 0", "KEY: 0"),
    "a step": ("gray: {use", "KEY: {useless"),
    "a duplicate key": ("seed: 0", "KEY: 0, KEY: 0"),
    "a class": ("use: RawPixels", "use: KEY"),
    "a value": ("C: 10", "C: KEY"),
    "a scheme": ("generate: lines", "generate: KEY"),
}


@pytest.mark.parametrize("key", [STRANGE, "k" * 50_000], ids=["control characters", "long"])
@pytest.mark.parametrize("where", WHERE)
def test_strange_texts_in_a_message(where: str, key: str, recipe: Path) -> None:
    old, new = WHERE[where]
    key = key[:20_000] if where == "a duplicate key" else key
    recipe.write_text(SMALL.replace(old, new.replace("KEY", key)))
    assert refusal(recipe).startswith(f"{recipe}: ")


def test_the_parameters_of_a_step_are_listed(recipe: Path) -> None:
    said = refusal(recipe, "steps.features.x=1")
    assert said.endswith("no such parameter; allowed: keep_aspect, shape")


def test_the_list_of_allowed_names_is_limited(recipe: Path) -> None:
    assert re.search(r"allowed: .* and \d+ more$", refusal(recipe, "grid={xyz: [1]}"))


class TestPaths:
    """Paths in a recipe are relative to its folder, other paths to the current folder."""

    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A folder ``recipes`` with a recipe that uses the captchas in ``../captchas``."""
        images, labels = make_line_captchas(10, random_state=0)
        write_captchas(tmp_path / "captchas", images, labels)
        (tmp_path / "recipes").mkdir()
        (tmp_path / "elsewhere").mkdir()
        content = yaml.safe_load(SMALL)
        content["data"] = {"folder": "../captchas"}
        content["output"] = {"model": "out/m.joblib"}
        (tmp_path / "recipes" / "a.yaml").write_text(yaml.safe_dump(content))
        monkeypatch.chdir(tmp_path / "elsewhere")
        return tmp_path

    @pytest.mark.parametrize("absolute", [False, True])
    def test_in_a_recipe(self, folder: Path, absolute: bool) -> None:
        path = folder / "recipes" / "a.yaml" if absolute else Path("../recipes/a.yaml")
        recipe = load_recipe(path)
        assert len(recipe.load_data()[0].data) == 10
        assert recipe.output.model == path.parent / "out" / "m.joblib"

    def test_absolute_ones(self, folder: Path) -> None:
        content = yaml.safe_load((folder / "recipes" / "a.yaml").read_text())
        content["data"]["folder"] = str(folder / "captchas")
        content["output"]["model"] = str(folder / "m.joblib")
        Path("b.yaml").write_text(yaml.safe_dump(content))
        recipe = load_recipe("b.yaml")
        assert len(recipe.load_data()[0].data) == 10
        assert recipe.output.model == folder / "m.joblib"

    def test_outside_the_recipe(self, folder: Path) -> None:
        (folder / "captchas").rename("captchas")
        path = folder / "recipes" / "a.yaml"
        for recipe in (
            load_recipe(path, data="captchas"),
            load_recipe(path, ["data.folder=captchas"]),
        ):
            assert len(recipe.load_data()[0].data) == 10
        recipe = load_recipe(path, ["output.model=here.joblib"])
        assert recipe.output.model == Path("here.joblib")

    def test_without_output(self, folder: Path) -> None:
        path = folder / "recipes" / "b.yaml"
        path.write_text(SMALL)
        assert load_recipe(path).output.model == Path("artifacts/model.joblib")

    def test_links_are_not_resolved(self, folder: Path) -> None:
        Path("a.yaml").symlink_to(folder / "recipes" / "a.yaml")
        assert load_recipe("a.yaml").output.model == Path("out/m.joblib")
        assert len(load_recipe("a.yaml").load_data()[0].data) == 10
