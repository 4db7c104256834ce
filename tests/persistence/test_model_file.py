"""joblib loads model files, unzip extracts their manifest, and damage is detected."""

import json
import os
import pickle
import shutil
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from hashlib import sha256

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

import skcaptcha
from skcaptcha import load, save
from skcaptcha.exceptions import ModelError, UntrustedModelError
from skcaptcha.features import RawPixels
from skcaptcha.persistence import describe_training, load_manifest
from skcaptcha.persistence._model_file import add_manifest
from skcaptcha.read import CharacterReader
from skcaptcha.segment import FixedBoxes

RNG = np.random.default_rng(0)
IMAGES = list(RNG.integers(0, 256, (6, 4, 8), dtype=np.uint8))
LABELS = ["AB", "BA", "AA", "BB", "AB", "BA"]
# Checking a skops file is slow.
STEPS = {"joblib": 1, "skops": 11}
BOTH = pytest.mark.parametrize("kind", ["joblib", "skops"])


@pytest.fixture(scope="module")
def model():
    reader = CharacterReader(KNeighborsClassifier(1, algorithm="brute"))
    return make_pipeline(FixedBoxes([[0, 0, 4, 4], [4, 0, 4, 4]]), RawPixels(), reader).fit(
        IMAGES, LABELS
    )


LOAD_IN_EVERY_WAY = """
import io, pickle, sys, warnings
import joblib, numpy
warnings.simplefilter("ignore")
path, images = sys.argv[1], pickle.loads(sys.stdin.buffer.read())
texts = [joblib.load(path), joblib.load(io.BytesIO(open(path, "rb").read()))]
with open(path, "rb") as file:
    texts.append(joblib.load(file))
try:
    texts.append(joblib.load(path, mmap_mode="r"))
except ValueError:  # joblib 1.4.0 cannot map what is compressed
    joblib.dump(numpy.arange(1000), path + "z", compress=3)
    try:
        joblib.load(path + "z", mmap_mode="r")
    except ValueError:
        texts.append(texts[0])
sys.stdout.buffer.write(pickle.dumps([model.predict(images).tolist() for model in texts]))
"""


def test_joblib_loads_a_model_in_every_way(model, tmp_path):
    save(model, tmp_path / "m.joblib")
    # In a separate process, because joblib never returns for some damaged files.
    done = subprocess.run(
        [sys.executable, "-c", LOAD_IN_EVERY_WAY, tmp_path / "m.joblib"],
        input=pickle.dumps(IMAGES), stdout=subprocess.PIPE, check=True, timeout=60,
    )  # fmt: skip
    assert pickle.loads(done.stdout) == [LABELS] * 4


@BOTH
def test_the_manifest_is_read_without_loading(model, tmp_path, kind):
    path = tmp_path / f"m.{kind}"
    about = {"recipe": "my.yaml", "n": np.int64(3), **describe_training(IMAGES, LABELS)}
    save(model, path, format=kind, manifest=about)
    manifest = load_manifest(path)
    assert {name: manifest[name] for name in about} == {
        "recipe": "my.yaml", "n": 3, "n_train": 6, "lengths": {"2": 6},
        "image_sizes": {"8 x 4": 6}, "image_widths": [8, 8], "image_heights": [4, 4],
        "training_sha256": about["training_sha256"],
        "training_images": about["training_images"],
    }  # fmt: skip
    assert manifest["format_version"] == 1
    assert manifest["characters"] == "AB"
    assert set(manifest["versions"]) == {
        "skcaptcha", "python", "scikit-learn", "numpy", "opencv",
    }  # fmt: skip
    assert manifest["versions"]["skcaptcha"] == skcaptcha.__version__
    assert json.loads(path.with_suffix(".json").read_text()) == manifest
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert json.loads(archive.read("manifest.json")) == manifest
        place = archive.getinfo("manifest.json").header_offset
    assert sha256(path.read_bytes()[:place]).hexdigest() == manifest["payload_sha256"]


@BOTH
@pytest.mark.skipif(shutil.which("unzip") is None, reason="needs unzip")
def test_unzip_prints_the_manifest(model, tmp_path, kind):
    path = tmp_path / f"m.{kind}"
    save(model, path, format=kind)
    done = subprocess.run(["unzip", "-p", path, "manifest.json"], capture_output=True, check=True)
    assert json.loads(done.stdout) == load_manifest(path)
    assert not done.stderr


def test_a_manifest_may_be_long(model, tmp_path):
    path = tmp_path / "m.joblib"
    long = RNG.bytes(100_000).hex()
    save(model, path, manifest={"long": long})
    assert load_manifest(path)["long"] == long
    assert load(path).predict(IMAGES).tolist() == joblib.load(path).predict(IMAGES).tolist()


@BOTH
def test_a_truncated_model_is_refused(model, tmp_path, kind):
    path = tmp_path / "m"
    save(model, path, format=kind)
    content = path.read_bytes()
    for n in range(0, len(content), STEPS[kind]):
        path.write_bytes(content[:n])
        with pytest.raises(ModelError, match=r"m: not a model") as caught:
            load(path, trust=True)
        assert "\n" not in str(caught.value)


@BOTH
def test_a_changed_byte_is_detected(model, tmp_path, kind):
    path = tmp_path / "m"
    save(model, path, format=kind)
    content = path.read_bytes()
    for i in range(0, len(content), STEPS[kind] + 2):
        path.write_bytes(content[:i] + bytes([content[i] ^ 0x55]) + content[i + 1 :])
        with pytest.raises(ModelError):
            load(path, trust=True)


class Bomb:
    """Creates a folder when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def with_bomb(tmp_path, **about):
    path = tmp_path / "m.joblib"
    payload = pickle.dumps(Bomb(tmp_path / "exploded"))
    manifest = {
        "format_version": 1,
        "versions": {"skcaptcha": "9.8.7", "scikit-learn": sklearn.__version__},
        "payload_sha256": sha256(payload).hexdigest(),
    }
    path.write_bytes(add_manifest(payload, json.dumps(manifest | about).encode()))
    return path


def test_the_bomb_runs(tmp_path):
    # Otherwise, tests of the checks before loading would pass without checking anything.
    with pytest.raises(ModelError, match="contains NoneType"):
        load(with_bomb(tmp_path), trust=True)
    assert (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"format_version": 2}, r"newer format.* 9\.8\.7; this is .*update"),
        ({"format_version": 2, "versions": ["\x1b"]}, "newer format.* later version"),
        ({"format_version": "2"}, "damaged"),
        ({"format_version": None}, "damaged"),
        ({"payload_sha256": "0" * 64}, "SHA-256 .* differs"),
        ({"payload_sha256": None}, "SHA-256 .* differs"),
    ],
)
def test_the_manifest_is_checked_before_anything_is_loaded(tmp_path, about, said):
    with pytest.raises(ModelError, match=said):
        load(with_bomb(tmp_path, **about), trust=True)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("manifest", [b"[]", b"{", b"\xff", b"[" * 100_000])
def test_an_invalid_manifest_is_refused(tmp_path, manifest):
    path = tmp_path / "m.joblib"
    payload = pickle.dumps(Bomb(tmp_path / "exploded"))
    path.write_bytes(add_manifest(payload, manifest))
    for read in (load, load_manifest):
        with pytest.raises(ModelError, match="damaged"):
            read(path)


@BOTH
def test_bytes_after_the_archive_are_refused(model, tmp_path, kind):
    path = tmp_path / f"m.{kind}"
    save(model, path, format=kind)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ModelError, match="damaged"):
        load(path, trust=True)


def test_a_loading_error_contains_both_versions(tmp_path):
    path = tmp_path / "m.joblib"
    payload = b"\x80\x04cno_such_module\nThing\n."
    manifest = {
        "format_version": 1,
        "versions": {"scikit-learn": "0.1.2"},
        "payload_sha256": sha256(payload).hexdigest(),
    }
    path.write_bytes(add_manifest(payload, json.dumps(manifest).encode()))
    with pytest.raises(ModelError, match=r"no_such_module.*scikit-learn 0\.1\.2, this is \d"):
        load(path, trust=True)


def test_another_archive_is_refused(tmp_path):
    path = tmp_path / "m.joblib"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(ModelError, match="not a model"):
        load(path)


def test_a_compressed_file_of_joblib_is_checked(model, tmp_path):
    path = tmp_path / "m.joblib"
    joblib.dump(model, path, compress=3)
    assert load(path, trust=True).predict(IMAGES).tolist() == LABELS
    content = path.read_bytes()
    for broken in (content[:-1], content[:-4] + zlib.adler32(b"x").to_bytes(4, "big")):
        path.write_bytes(broken)
        with pytest.raises(ModelError, match="truncated or damaged"):
            load(path, trust=True)


def test_an_untrusted_decompression_bomb_needs_no_memory(tmp_path):
    path = tmp_path / "m.joblib"
    bomb = zlib.compressobj(1)
    path.write_bytes(b"".join(bomb.compress(bytes(2**24)) for _ in range(24)) + bomb.flush())
    tracemalloc.start()
    try:
        with pytest.raises(UntrustedModelError):
            load(path)
        assert tracemalloc.get_traced_memory()[1] < 100 * 2**20
    finally:
        tracemalloc.stop()
