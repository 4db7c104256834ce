"""``recipes`` lists the ready recipes; ``fit`` accepts their names in any folder."""

from pathlib import Path

from skcaptcha.recipes import load_recipe, ready_recipes


def test_recipes_are_listed_with_descriptions(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    words = " ".join(run("recipes").out.split())
    for name, use in ready_recipes().items():
        assert f"{name} {use}" in words


def test_a_recipe_is_printed_and_can_be_fitted(run, captchas, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("my.yaml").write_text(run("recipes", "grid").out, encoding="utf-8")
    assert load_recipe("my.yaml").content == load_recipe("grid").content
    small = ("--set", "grid=null", "--set", "search.cv=2", "--set", "final={}", "--jobs", 1)
    outcome = run("fit", "grid", "--data", captchas, *small)
    assert outcome.code == 0, outcome.err
    assert sorted(path.name for path in Path("artifacts").iterdir()) == [
        "model.csv", "model.html", "model.joblib", "model.json"
    ]  # fmt: skip


def test_a_misspelled_name(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for words in (("fit", "grd"), ("recipes", "grd"), ("cut", "in", "out", "--recipe", "grd")):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / "AB.png").touch()
        outcome = run(*words)
        assert outcome.code == 2
        assert "did you mean grid?" in outcome.sentence()
