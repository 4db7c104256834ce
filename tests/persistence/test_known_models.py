"""Loading a joblib model runs code, so only its creator can load it without trust."""

import shutil
from pathlib import Path

import joblib
import numpy as np
import platformdirs
import pytest
from sklearn.pipeline import make_pipeline

from skcaptcha import load, save
from skcaptcha.exceptions import ModelError, UntrustedModelError
from skcaptcha.features import RawPixels
from skcaptcha.persistence import load_manifest
from skcaptcha.read import CharacterReader
from skcaptcha.segment import EqualSplit

HOMES = ("XDG_DATA_HOME", "WIN_PD_OVERRIDE_LOCAL_APPDATA")
X = np.random.default_rng(0).integers(0, 256, (4, 10, 20), dtype=np.uint8)
Y = ["AB", "BA", "AA", "BB"]


def fitted():
    return make_pipeline(EqualSplit(n_characters=2), RawPixels(), CharacterReader()).fit(X, Y)


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """Return a function that changes the user's home folder."""

    def move(name="home"):
        for variable in HOMES:
            monkeypatch.setenv(variable, str(tmp_path / name))
        return tmp_path / name

    return move


def test_the_creator_loads_a_model_and_others_need_trust(tmp_path, elsewhere):
    path = tmp_path / "m.joblib"
    mine = elsewhere("mine")
    save(fitted(), path)
    expected = load(path).predict(X).tolist()
    # A copy with another name is the same model.
    shutil.copy(path, tmp_path / "copy")
    assert load(tmp_path / "copy").predict(X).tolist() == expected
    (remembered,) = [file for file in mine.rglob("*") if file.is_file()]
    assert remembered.name == load_manifest(path)["payload_sha256"]
    elsewhere("theirs")
    with pytest.raises(UntrustedModelError) as caught:
        load(path)
    said = str(caught.value)
    for part in (str(path), "run any code", "--trust", "trust=True", "--format skops"):
        assert part in said
    assert "\n" not in said
    assert load(path, trust=True).predict(X).tolist() == expected
    with pytest.raises(UntrustedModelError):  # trust is not remembered
        load(path)


def test_a_plain_joblib_file_needs_trust(tmp_path):
    path = tmp_path / "m.joblib"
    joblib.dump(fitted(), path)
    with pytest.raises(UntrustedModelError, match="no manifest"):
        load(path)
    assert load(path, trust=True).predict(X).tolist()


def test_a_home_folder_that_cannot_be_written(tmp_path, elsewhere):
    (tmp_path / "home").write_text("no folder")
    elsewhere("home")
    path = tmp_path / "m.joblib"
    with pytest.warns(UserWarning, match=r"m\.joblib: .*load it with --trust") as caught:
        save(fitted(), path)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with pytest.raises(UntrustedModelError):
        load(path)
    assert load(path, trust=True).predict(X).tolist()


@pytest.fixture
def homeless(monkeypatch):
    """Simulate a user without HOME and without an entry in the user database."""
    pwd = pytest.importorskip("pwd")

    def no_entry(uid):
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", no_entry)
    for variable in (*HOMES, "HOME"):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.usefixtures("homeless")
@pytest.mark.parametrize("given", [{}, {"HOME": ""}, {"HOME": "home"}, {"XDG_DATA_HOME": "data"}])
@pytest.mark.parametrize("version", ["this", "4.2"])
def test_without_a_home_the_current_folder_is_not_used(tmp_path, monkeypatch, given, version):
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    if version == "4.2":
        relative = Path(*given.values() or ["~"], "skcaptcha")
        monkeypatch.setattr(platformdirs, "user_data_path", lambda *_, **__: relative)
    with pytest.warns(UserWarning, match=r"^m\.joblib: the model is saved, but .* no home"):
        save(fitted(), "m.joblib")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.joblib", "m.json"]
    # A downloaded folder may contain these files.
    sha256 = load_manifest("m.joblib")["payload_sha256"]
    for home in ("~/.local/share", "~", "", "home/.local/share", "home", "data"):
        (tmp_path / home / "skcaptcha" / "models").mkdir(parents=True)
        (tmp_path / home / "skcaptcha" / "models" / sha256).touch()
    with pytest.raises(UntrustedModelError):
        load("m.joblib")
    assert load("m.joblib", trust=True).predict(X).tolist()


def test_an_unknown_format(tmp_path):
    with pytest.raises(ModelError, match=r"'pickle'; use one of: joblib, skops"):
        save(fitted(), tmp_path / "m.pickle", format="pickle")


@pytest.mark.parametrize("known", [True, False])
def test_the_error_of_a_missing_model_suggests_an_existing_one(tmp_path, known):
    (tmp_path / "m.skops").touch()
    name = "m.joblib" if known else "n.joblib"
    with pytest.raises(ModelError, match=r"m\.skops" if known else "fit one first"):
        load(tmp_path / name)
