import csv
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline

from skcaptcha import load, save
from skcaptcha.denoise import Binarizer
from skcaptcha.exceptions import ModelError
from skcaptcha.features import RawPixels
from skcaptcha.model_selection import SharedGridSearchCV
from skcaptcha.persistence import FORMATS, load_manifest
from skcaptcha.read import CharacterReader, read_captchas
from skcaptcha.segment import FixedBoxes


def captchas():
    """Return captchas of two characters: a vertical and a horizontal bar."""
    rng = np.random.default_rng(0)
    images, labels = [], []
    for _ in range(20):
        image = rng.integers(180, 256, (10, 20), dtype=np.uint8)
        bits = rng.integers(0, 2, 2)
        for k, bit in enumerate(bits):
            image[(slice(4, 6), slice(1, 9))[bit], :][:, 10 * k + 1 : 10 * k + 9] = 20
        images.append(image)
        labels.append("".join("-#"[bit] for bit in bits))
    return images, labels


def pipeline():
    cut = FixedBoxes([[0, 0, 10, 10], [10, 0, 10, 10]])
    return make_pipeline(Binarizer(), cut, RawPixels(), CharacterReader(KNeighborsClassifier(1)))


@pytest.fixture
def model():
    return pipeline().fit(*captchas())


READ_AGAIN = """
import pickle, sys
import joblib
from skcaptcha import load
from skcaptcha.read import read_captchas
path, captchas = sys.argv[1], pickle.load(open(sys.argv[2], "rb"))
texts = joblib.load(path).predict(captchas).tolist()
sure = [reading.confidence for reading in read_captchas(load(path), captchas)]
pickle.dump((texts, sure), open(sys.argv[3], "wb"))
"""


def test_an_unfitted_model_is_not_saved(tmp_path):
    model = pipeline()
    for name in FORMATS:
        with pytest.raises(NotFittedError, match=r"m: the pipeline is not fitted; call its fit"):
            save(model, tmp_path / "m", format=name)
    assert list(tmp_path.iterdir()) == []


def test_a_new_process_gives_the_same_readings(model, tmp_path):
    images, labels = captchas()
    save(model, tmp_path / "m.joblib")
    (tmp_path / "in").write_bytes(pickle.dumps(images))
    subprocess.run(
        [sys.executable, "-c", READ_AGAIN, "m.joblib", "in", "out"], cwd=tmp_path, check=True
    )
    texts, sure = pickle.loads((tmp_path / "out").read_bytes())
    assert texts == model.predict(images).tolist() == labels
    assert sure == [reading.confidence for reading in read_captchas(model, images)]


def test_missing_folders_are_created_without_other_files(model, tmp_path):
    save(model, tmp_path / "a" / "b" / "m.joblib")
    names = sorted(path.name for path in (tmp_path / "a" / "b").iterdir())
    assert names == ["m.joblib", "m.json"]


def test_files_have_the_usual_permissions(model, tmp_path):
    save(model, tmp_path / "m.joblib")
    (tmp_path / "plain").touch()
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1


@pytest.mark.parametrize("suffix", [".csv", ".yaml"])
def test_all_old_files_are_kept_if_one_cannot_be_written(model, tmp_path, suffix):
    path = tmp_path / "m.joblib"
    save(model, path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    (tmp_path / f"m{suffix}").mkdir()
    with pytest.raises(OSError, match=rf"m\{suffix}"):
        save(model, path, manifest={"new": 1}, results={"rank_test_score": [1]}, recipe="steps:")
    (tmp_path / f"m{suffix}").rmdir()
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_the_old_model_is_kept_if_the_new_one_cannot_be_pickled(model, tmp_path):
    path = tmp_path / "m.joblib"
    save(model, path)
    before = path.read_bytes()
    model.unpicklable_ = lambda: None
    with pytest.raises((pickle.PicklingError, AttributeError)):
        save(model, path)
    assert path.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["m.joblib", "m.json"]


@pytest.mark.parametrize("suffix", [".json", ".csv", ".yaml"])
def test_suffixes_of_files_next_to_a_model_are_refused(model, tmp_path, suffix):
    with pytest.raises(ModelError, match=rf"m\{suffix}: .*\.joblib"):
        save(model, tmp_path / f"m{suffix}", results={"rank_test_score": [1]}, recipe="steps:")
    assert os.listdir(tmp_path) == []


def test_file_names_that_are_not_utf8_are_kept(model, tmp_path):
    path = tmp_path / "m.joblib"
    name = os.fsdecode(b"caf\xe9")
    results = {"rank_test_score": [1], "param_file": [name]}
    save(model, path, manifest={"data": name}, results=results, recipe=name)
    for suffix in (".csv", ".yaml"):
        assert b"caf\xe9" in path.with_suffix(suffix).read_bytes()
    assert json.loads(path.with_suffix(".json").read_text("utf-8"))["data"] == name
    assert load_manifest(path)["data"] == name


def test_the_manifest(model, tmp_path):
    path = tmp_path / "m.joblib"
    given = {"recipe": "my.yaml", "score": np.float64(0.5), "places": np.arange(2), "at": Path("x")}
    save(model, path, manifest=given)
    found = load_manifest(path)
    assert {"saved", "versions"} <= set(found)
    assert found["versions"]["numpy"] == np.__version__
    assert {key: found[key] for key in given} == {
        "recipe": "my.yaml", "score": 0.5, "places": [0, 1], "at": "x",
    }  # fmt: skip
    assert json.loads((tmp_path / "m.json").read_text()) == found


def test_the_table_of_results_lists_the_best_candidate_first(tmp_path):
    grid = {
        "binarizer__threshold": [0, 100],
        "binarizer__method": ["fixed"],
        "characterreader__estimator": [KNeighborsClassifier(1), KNeighborsClassifier(3)],
    }
    search = SharedGridSearchCV(pipeline(), grid, cv=2).fit(*captchas())
    save(search.best_estimator_, tmp_path / "m.joblib", results=search.cv_results_)
    with open(tmp_path / "m.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["rank_test_score"]) for row in rows] == sorted(
        search.cv_results_["rank_test_score"]
    )
    assert rows[0]["param_binarizer__threshold"] == "100"
    assert {row["param_characterreader__estimator"] for row in rows} == {
        "KNeighborsClassifier(n_neighbors=1)",
        "KNeighborsClassifier(n_neighbors=3)",
    }
    scores = [float(row["mean_test_score"]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > scores[-1]
    columns = list(rows[0])
    assert columns[0] == "rank_test_score"
    assert all(name.startswith("param_") for name in columns[1:4])
    assert set(columns) == set(search.cv_results_) - {"params"}


def write_text(path):
    path.write_text("no model at all\n" * 20)


def write_nothing(path):
    path.touch()


def write_half(path):
    save(pipeline().fit(*captchas()), path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def write_other_code(path):
    path.write_bytes(b"\x80\x04cno_such_module\nThing\n.")


def write_array(path):
    joblib.dump(np.arange(3), path)


def write_other_pipeline(path):
    joblib.dump(make_pipeline(KNeighborsClassifier()), path)


def write_unfitted(path):
    joblib.dump(pipeline(), path)


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path: None, "no such model; fit one first, as in: skcaptcha fit DIR"),
        (Path.mkdir, "it is a folder"),
        (write_text, "not a model that can be loaded; fit one, as in: skcaptcha fit DIR"),
        (write_nothing, "not a model that can be loaded"),
        (write_half, "not a model that can be loaded"),
        (write_other_code, r"not a model .*ModuleNotFoundError: .*no_such_module"),
        (write_array, "contains ndarray, not a pipeline that ends in a reader"),
        (write_other_pipeline, "not a pipeline that ends in a reader"),
        (write_unfitted, "not fitted"),
    ],
)
def test_files_without_a_model_are_refused(write, said, tmp_path):
    path = tmp_path / "m.joblib"
    write(path)
    with pytest.raises(ModelError, match=rf"m\.joblib: .*{said}") as caught:
        load(path, trust=True)
    assert "\n" not in str(caught.value)


def test_load_returns_the_pipeline(model, tmp_path):
    save(model, tmp_path / "m.joblib")
    loaded = load(str(tmp_path / "m.joblib"))
    assert isinstance(loaded, Pipeline)
    assert repr(loaded) == repr(model)


def test_the_manifest_of_a_missing_model_or_a_plain_joblib_file(model, tmp_path):
    with pytest.raises(ModelError, match=r"m\.joblib: no such model"):
        load_manifest(tmp_path / "m.joblib")
    joblib.dump(model, tmp_path / "m.joblib")
    assert load_manifest(tmp_path / "m.joblib") == {}
