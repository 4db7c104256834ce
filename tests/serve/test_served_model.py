"""Models are named, checked, and replaced only by models that work."""

import os
import shutil
from pathlib import Path

import pytest

import skcaptcha
from serving_clients import save_model
from skcaptcha.exceptions import ModelError, SkcaptchaError, UntrustedModelError
from skcaptcha.read import Reading
from skcaptcha.serve._served_model import ModelFailedError, ServedModel, named_models


def test_models_are_named_by_their_files_or_explicitly(tmp_path):
    strange = tmp_path / "a=b.joblib"
    strange.touch()
    named = named_models(["lines.joblib", "x=m/lines.joblib", f"y={strange}"])
    assert named == {
        "lines": Path("lines.joblib"),
        "x": Path("m/lines.joblib"),
        "y": strange,
    }


@pytest.mark.parametrize(
    ("models", "sentence"),
    [
        (
            ["m.joblib", "other/m.joblib"],
            "other/m.joblib: there is another model named m, m.joblib",
        ),
        (["my model.joblib"], "'my model' cannot be the name of a model"),
        (["=m.joblib"], "m.joblib: '' cannot be the name of a model"),
        (["a/b=m.joblib"], "name it, as in reader=m.joblib"),
    ],
)
def test_names_that_cannot_be_used_are_refused(models, sentence):
    with pytest.raises(SkcaptchaError, match=r"^[^\n]*$") as refused:
        named_models(models)
    assert sentence in str(refused.value)


def test_a_model_reads_usable_images_among_others(model_file, images, labels):
    model = ServedModel("lines", model_file)
    found = model.read([images[0], b"no image", images[1]])
    assert [sha256 for sha256, _ in found] == [model.loaded.sha256] * 3
    results = [result for _, result in found]
    assert [getattr(result, "text", None) for result in results] == [labels[0], None, labels[1]]
    assert isinstance(results[1], SkcaptchaError)


def test_a_model_of_another_user_needs_trust(model_file, tmp_path, monkeypatch):
    for variable in ("XDG_DATA_HOME", "WIN_PD_OVERRIDE_LOCAL_APPDATA"):
        monkeypatch.setenv(variable, str(tmp_path))
    with pytest.raises(UntrustedModelError, match="--trust"):
        ServedModel("lines", model_file)
    assert ServedModel("lines", model_file, trust=True).loaded.model


@pytest.fixture
def replaceable(model_file, tmp_path) -> tuple[ServedModel, Path]:
    path = Path(shutil.copy(model_file, tmp_path / "m.joblib"))
    return ServedModel("m", path), path


def replace(path: Path, by: Path | bytes) -> None:
    """Replace a file as `save` does, in one step."""
    new = path.with_name("new")
    new.write_bytes(by if isinstance(by, bytes) else by.read_bytes())
    os.replace(new, path)


def test_a_changed_file_replaces_the_model(replaceable, tmp_path, images):
    model, path = replaceable
    before = model.loaded.sha256
    assert not model.reload_if_changed()
    other = save_model(tmp_path / "other.joblib", 30)
    replace(path, other)
    assert model.reload_if_changed()
    assert model.loaded.sha256 == skcaptcha.persistence.read_model(other).sha256 != before
    assert model.read(images[:1])[0][0] == model.loaded.sha256
    path.touch()  # the same content
    assert not model.reload_if_changed()


def test_the_old_model_answers_if_the_new_one_cannot_be_used(replaceable, caplog, images, labels):
    model, path = replaceable
    whole = path.read_bytes()
    for content in (b"", whole[:5000], whole[:-1]):
        replace(path, content)
        assert not model.reload_if_changed()
        assert not model.reload_if_changed()  # it is not loaded again
    path.unlink()
    assert not model.reload_if_changed()
    warned = [record.getMessage() for record in caplog.records]
    assert len(warned) == 4
    assert all(f"the old model m still answers: {path}: " in text for text in warned)
    [(_, reading)] = model.read(images[:1])
    assert isinstance(reading, Reading)
    assert reading.text == labels[0]
    replace(path, whole)
    assert not model.reload_if_changed()  # it is the model that answers already


def test_an_image_on_which_the_model_fails_does_not_affect_others(
    model_file, images, labels, monkeypatch, caplog
):
    model = ServedModel("lines", model_file)
    read = skcaptcha.serve._served_model.read_images

    def failing(pipeline, batch):
        if images[1] in batch:
            raise ZeroDivisionError("broken")
        return read(pipeline, batch)

    monkeypatch.setattr(skcaptcha.serve._served_model, "read_images", failing)
    results = [result for _, result in model.read(images[:3])]
    assert isinstance(results[1], ModelFailedError)
    assert str(results[1]) == "the model failed on this image (ZeroDivisionError)"
    assert [results[0].text, results[2].text] == [labels[0], labels[2]]
    assert [record.getMessage() for record in caplog.records] == [
        "a model failed: ZeroDivisionError: broken"
    ]


def test_a_model_that_cannot_read_is_refused(model_file, tmp_path):
    model = skcaptcha.load(model_file)
    model[-1]._fitted = None  # damaged by hand
    path = tmp_path / "damaged.joblib"
    skcaptcha.save(model, path, manifest={"image_heights": [30], "image_widths": [120]})
    with pytest.raises(
        ModelError, match=r"damaged\.joblib: the model cannot read an image of noise"
    ):
        ServedModel("damaged", path)
