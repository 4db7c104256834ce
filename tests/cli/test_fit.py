"""``fit`` with a recipe writes a model, its manifest, a table and a report."""

import json

from cli.tables import rows_of
from skcaptcha.datasets import load_captchas


def test_fit_help_shows_no_defaults_for_paths_set_by_the_recipe(run):
    assert "artifacts" not in run("fit", "--help").out


def test_fit_writes_model_manifest_and_table(workshop):
    report = json.loads((workshop / "fit.json").read_text())
    assert report["n_candidates"] == 2
    assert report["n_folds"] == 2
    assert report["n_train"] == 100
    assert report["held_out"]["n"] == 20
    assert report["best_params"]["segment__margin"] in (0, 1)
    manifest = json.loads((workshop / "out" / "model.json").read_text())
    assert manifest["cv_string_accuracy"] == report["cv_string_accuracy"]
    assert len(rows_of(workshop / "out" / "model.csv")) == 2


def test_options_replace_values_of_the_recipe(run, workshop, captchas, tmp_path):
    outcome = run(
        "fit", workshop / "recipe.yaml", "--data", captchas, "--out", tmp_path / "new" / "m.joblib",
        "--set", "search.cv=3", "--set", "grid.segment__margin=[0]", "--jobs", 1, "--json", "-",
    )  # fmt: skip
    assert outcome.code == 0
    report = json.loads(outcome.out)
    assert (report["n_train"], report["n_folds"], report["n_candidates"]) == (30, 3, 1)
    assert "training captchas" in outcome.err
    names = {path.name for path in (tmp_path / "new").iterdir()}
    assert names == {"m.joblib", "m.json", "m.csv", "m.html"}


def test_fit_excludes_files_that_are_not_images(run, workshop, captchas, tmp_path):
    folder = tmp_path / "captchas"
    folder.mkdir()
    for source, label in zip(
        *(load_captchas(captchas)[key] for key in ("data", "target")), strict=True
    ):
        (folder / f"{label}.png").symlink_to(source)
    (folder / "0000.png").write_bytes(b"")
    out = tmp_path / "model.joblib"
    outcome = run(
        "fit", workshop / "recipe.yaml", "--data", folder, "--out", out, "--jobs", 1, "--json", "-"
    )
    assert outcome.code == 1
    assert "0000.png: the file is empty" in outcome.err
    assert out.exists()
    assert json.loads(outcome.out)["n_failed"] == 1


def test_names_with_special_characters_are_shown_unchanged(run, workshop, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = run("fit", workshop / "recipe.yaml", "--out", "[red]a[/b]:x:.joblib", "--jobs", 1)
    assert outcome.code == 0, outcome.err
    assert "[red]a[/b]:x:.joblib" in outcome.out


def test_fit_writes_a_report_next_to_the_model(workshop):
    report = json.loads((workshop / "fit.json").read_text())
    assert [name.rpartition(".")[2] for name in report["files"]] == [
        "joblib",
        "json",
        "csv",
        "html",
    ]
    page = (workshop / "out" / "model.html").read_text("utf-8")
    assert "<h1>How model.joblib was fitted</h1>" in page
    assert "20 held-out captchas" in page
    assert "segment__margin" in page


def test_a_failed_report_does_not_fail_the_fit(run, workshop, captchas, tmp_path, monkeypatch):
    import skcaptcha.report._fit_report as fit_module

    def fail(*_: object) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr(fit_module, "steps_section", fail)
    out = tmp_path / "m.joblib"
    outcome = run(
        "fit", workshop / "recipe.yaml", "--data", captchas, "--out", out, "--jobs", 1,
        "--json", tmp_path / "m-fit.json",
    )  # fmt: skip
    assert outcome.code == 0
    assert "the model is written, but not its report" in outcome.err
    assert "no room" in outcome.err
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"m.joblib", "m.json", "m.csv", "m-fit.json"}
    assert "m.html" not in outcome.out
    assert len(json.loads((tmp_path / "m-fit.json").read_text())["files"]) == 3
    assert run("show", out).code == 0
