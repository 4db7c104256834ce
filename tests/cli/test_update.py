"""``update``: new captchas join those that a model was fitted to."""

import json
import shutil
from base64 import b64encode
from pathlib import Path

import numpy as np
import pytest

import skcaptcha
from skcaptcha.datasets import load_captchas, make_line_captchas, write_captchas
from skcaptcha.persistence import load_manifest, save
from skcaptcha.persistence._manifest import PSEUDO_LABELED

CHARSET = "ABCDEH7"


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("update") / "old"
    images, labels = make_line_captchas(100, charset=CHARSET, random_state=0)
    write_captchas(folder, list(images), labels.tolist())
    return folder


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Captchas of a scheme that has changed: other characters, paler ink."""
    folder = tmp_path_factory.mktemp("update") / "new"
    images, labels = make_line_captchas(60, charset="XYZ", random_state=1)
    write_captchas(folder, list(images), labels.tolist())
    return folder


@pytest.fixture(scope="module")
def fitted(start, workshop, old, tmp_path_factory) -> Path:
    model = tmp_path_factory.mktemp("update") / "model.joblib"
    command = ("fit", workshop / "recipe.yaml", "--data", old, "--jobs", 1, "--out", model)
    outcome = start(*command, "--set", "data.train=1..80").outcome()
    assert outcome.code == 0, outcome.err
    return model


def test_an_updated_model_reads_old_and_new_captchas(start, fitted, old, new, tmp_path):
    out = tmp_path / "updated.joblib"
    before = fitted.read_bytes()
    command = start("update", fitted, new, "--out", out, "--jobs", 1, "--json", "-")
    outcome = command.outcome()
    assert outcome.code == 0, outcome.err
    report = json.loads(outcome.out)
    # The other 20 captchas of the folder are not training captchas.
    assert (report["n_old"], report["n_new"], report["n_known"]) == (80, 60, 0)
    assert report["kept"] is True
    assert report["before"]["old"]["n"] == 16
    assert report["before"]["new"]["string_accuracy"] == 0
    assert report["after"]["new"]["string_accuracy"] > 0.8
    assert report["after"]["old"]["string_accuracy"] > 0.8
    assert "kept" in outcome.err
    assert fitted.read_bytes() == before
    model, manifest = skcaptcha.load(out), load_manifest(out)
    assert set(manifest["characters"]) == {*CHARSET, *"XYZ"}
    assert manifest["n_train"] == 140
    assert manifest["data"] == [str(old), str(new)]
    assert (
        model.get_params()["segment__margin"]
        == (skcaptcha.load(fitted).get_params()["segment__margin"])
    )
    unseen = load_captchas(old, subset="81..100")
    assert model.score(unseen.data, unseen.target) > 0.8


def test_known_captchas_count_once_and_updates_can_be_repeated(run, fitted, old, new, tmp_path):
    both = tmp_path / "both"
    images = [*load_captchas(old, subset="1..10").data, *load_captchas(new).data]
    labels = np.concatenate([load_captchas(old).target[:10], load_captchas(new).target])
    both.mkdir()
    rows = []
    for k, (image, label) in enumerate(zip(images, labels, strict=True)):
        shutil.copyfile(image, both / f"{k}.png")
        rows.append(f"{k}.png,{'AAAA' if k == 3 else label}\n")
    (both / "labels.csv").write_text("filename,label\n" + "".join(rows))
    first, second = tmp_path / "first.joblib", tmp_path / "second.joblib"
    outcome = run("update", fitted, both, "--out", first, "--jobs", 1, "--budget", 5, "--json", "-")
    report = json.loads(outcome.out)
    assert (report["n_old"], report["n_new"], report["n_known"]) == (80, 60, 10)
    said = "both: 1 of 10 training captchas here have another label, such as AAAA instead of "
    assert said + labels[3] in " ".join(outcome.err.split())
    later = tmp_path / "later"
    write_captchas(later, *make_line_captchas(20, charset="QR", random_state=2))
    outcome = run(
        "update", first, later, "--out", second, "--jobs", 1, "--budget", 5, "--json", "-"
    )
    report = json.loads(outcome.out)
    assert (report["n_old"], report["n_new"]) == (140, 20)


def test_training_captchas_that_are_only_among_the_new_ones_still_teach(
    run, fitted, old, new, tmp_path
):
    """Ten of the 80 training captchas have been moved to the folder of the new ones."""
    some, moved = tmp_path / "some", tmp_path / "moved"
    for folder, parts in ((some, [(old, "11..80")]), (moved, [(old, "1..10"), (new, "1..60")])):
        found = [(k, load_captchas(part, subset=subset)) for k, (part, subset) in enumerate(parts)]
        folder.mkdir()
        rows = ["filename,label\n"]
        for k, captchas in found:
            for image, label in zip(captchas.data, captchas.target, strict=True):
                shutil.copyfile(image, folder / f"{k}-{Path(image).name}")
                rows.append(f"{k}-{Path(image).name},{label}\n")
        (folder / "labels.csv").write_text("".join(rows))
    out = tmp_path / "m.joblib"
    command = ("update", fitted, moved, "--data", some, "--out", out, "--budget", 5)
    outcome = run(*command, "--jobs", 1, "--json", "-")
    report = json.loads(outcome.out)
    assert (report["n_old"], report["n_new"], report["n_known"]) == (80, 60, 10)
    assert "warning" not in outcome.err


@pytest.mark.slow
def test_a_recipe_that_cannot_cut_the_new_captchas_is_replaced(run, fitted, tmp_path):
    wider = tmp_path / "wider"
    images, labels = make_line_captchas(120, charset="XYZ", random_state=1)
    images = [np.pad(image, ((6, 6), (40, 40), (0, 0)), constant_values=255) for image in images]
    write_captchas(wider, images, labels.tolist())
    out = tmp_path / "m.joblib"
    outcome = run("update", fitted, wider, "--out", out, "--budget", 15, "--jobs", 1, "--json", "-")
    report = json.loads(outcome.out)
    assert report["kept"] is False
    assert "replaced by" in outcome.err
    after = report["after"]["new"]["string_accuracy"]
    assert after > 0.5
    assert skcaptcha.load(out).score(load_captchas(wider).data, labels) >= after - 0.1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "few"], "few: 0 of 80 different training captchas of the model were found"),
        (["--out", "model.joblib"], "model.joblib: is read by this command"),
        (["--data", "nowhere"], "nowhere"),
    ],
)
def test_wrong_input_is_named(run, fitted, new, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(fitted, "model.joblib")
    write_captchas("few", *make_line_captchas(12, random_state=5))
    outcome = run("update", "model.joblib", new, "--jobs", 1, *arguments)
    assert outcome.code == 2
    assert said in outcome.sentence()


def test_too_few_new_captchas(run, fitted, old, tmp_path):
    folder = tmp_path / "some"
    write_captchas(folder, *make_line_captchas(4, random_state=5))
    outcome = run("update", fitted, folder, "--out", tmp_path / "m.joblib", "--jobs", 1)
    assert outcome.code == 2
    assert "4 of 4 labeled captchas are new to the model; at least 10" in outcome.sentence()
    assert not (tmp_path / "m.joblib").exists()


def test_a_model_without_hashes(run, fitted, old, new, tmp_path):
    bare = tmp_path / "bare.joblib"
    save(skcaptcha.load(fitted), bare)
    outcome = run("update", bare, new, "--data", old)
    assert outcome.code == 2
    assert "does not contain hashes of its training captchas" in outcome.sentence()
    outcome = run("update", bare, new)
    assert "does not say where its training captchas are; add the folder" in outcome.sentence()


def test_a_model_that_images_without_a_label_taught(run, fitted, old, new, tmp_path):
    taught = tmp_path / "taught.joblib"
    manifest = load_manifest(fitted)
    # Two digests of five bytes each.
    save(
        skcaptcha.load(fitted),
        taught,
        manifest={**manifest, PSEUDO_LABELED: b64encode(bytes(range(10))).decode()},
    )
    outcome = run("update", taught, old, "--data", old, "--out", tmp_path / "m.joblib")
    assert "2 images without a label taught the model" in " ".join(outcome.err.split())
