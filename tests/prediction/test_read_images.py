"""Streams of readings are complete, in order and bounded; tables can be resumed."""

import time
from collections.abc import Iterator
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.pipeline import Pipeline

from skcaptcha import load_recipe, save
from skcaptcha.datasets import make_line_captchas, write_captchas
from skcaptcha.exceptions import ImageError, SkcaptchaError
from skcaptcha.prediction import connect_to_cluster, find_images, read_images, write_readings
from skcaptcha.read import Reading


@pytest.fixture(scope="module")
def model() -> Pipeline:
    X, y = make_line_captchas(60, random_state=0)
    return load_recipe("grid").pipeline().fit(X, y)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("captchas")
    X, y = make_line_captchas(600, random_state=1)
    write_captchas(folder, X, y)
    (folder / "00100a.png").write_bytes(b"not an image")
    return folder


def summary(result: Reading | SkcaptchaError) -> tuple[object, ...]:
    if isinstance(result, SkcaptchaError):
        return (str(result),)
    return result.text, result.confidence, result.boxes.tolist(), result.runners_up


@pytest.mark.slow
def test_results_are_in_order_with_each_number_of_processes(model, folder):
    images = list(find_images(folder))
    one = list(read_images(model, images))
    two = list(read_images(model, iter(images), n_jobs=2))
    assert [image for image, _ in one] == [image for image, _ in two] == images
    assert [summary(result) for _, result in one] == [summary(result) for _, result in two]
    errors = {image for image, result in one if isinstance(result, ImageError)}
    assert errors == {str(folder / "00100a.png")}


@pytest.mark.parametrize(
    ("n_jobs", "limit"), [(1, 3 * 256), pytest.param(2, 9 * 256, marks=pytest.mark.slow)]
)
def test_images_are_taken_while_they_are_read(model, n_jobs, limit):
    """Otherwise, memory would grow with the number of images if readings are used slowly."""
    n_taken = 0

    def images() -> Iterator[np.ndarray]:
        nonlocal n_taken
        while True:
            n_taken += 1
            yield np.zeros((2, 2), np.uint8)

    readings = read_images(model, images(), n_jobs=n_jobs)
    for _ in range(300):
        next(readings)
    assert n_taken <= limit
    readings.close()


def test_images_of_a_live_stream_are_read_about_once_a_second(model):
    n_taken = 0

    def images() -> Iterator[np.ndarray]:
        nonlocal n_taken
        while n_taken < 20:
            n_taken += 1
            yield np.zeros((2, 2), np.uint8)
            time.sleep(0.4)

    readings = read_images(model, images())
    next(readings)
    assert n_taken <= 4
    readings.close()


def test_an_interrupted_table_is_resumed_with_the_same_model_only(model, folder, tmp_path):
    save(model, tmp_path / "model.joblib")
    whole, table = tmp_path / "whole.csv", tmp_path / "a.csv"
    written = write_readings(model, find_images(folder), whole)
    assert (written.n_read, written.n_failed, written.n_skipped) == (600, 1, 0)

    def interrupt(image: str, result: object) -> None:
        if image.endswith("00300.png"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match=rf"interrupted; \d+ images are in {table}.part"):
        write_readings(model, find_images(folder), table, on_result=interrupt)
    other = load_recipe("grid").pipeline().fit(*make_line_captchas(60, random_state=2))
    with pytest.raises(SkcaptchaError, match="its rows were read with another model"):
        write_readings(other, find_images(folder), table, resume=True)
    same = joblib.load(tmp_path / "model.joblib")
    written = write_readings(same, find_images(folder), table, resume=True)
    assert written.n_skipped > 256
    assert table.read_bytes() == whole.read_bytes()


def test_texts_with_low_confidence_are_left_empty(model, folder, tmp_path):
    results = {}
    write_readings(
        model, find_images(folder), tmp_path / "a.csv",
        min_confidence=0.9, on_result=results.__setitem__,
    )  # fmt: skip
    header, *lines = (tmp_path / "a.csv").read_text().splitlines()
    assert header == "filename,text,confidence,reason"
    rows = {line.split(",")[0]: line.split(",")[1:] for line in lines}
    assert rows.keys() == {k for k, result in results.items() if isinstance(result, Reading)}
    for image, (text, _, *reason) in rows.items():
        confident = results[image].confidence >= 0.9
        assert text == (results[image].text if confident else "")
        assert (reason == [""]) == confident


@pytest.mark.slow
def test_a_cluster_returns_the_same(model, folder, tmp_path):
    distributed = pytest.importorskip("distributed")
    write_readings(model, find_images(folder), tmp_path / "one.csv")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=":0"
        ) as local,
        connect_to_cluster(local.scheduler_address) as client,
    ):
        write_readings(model, find_images(folder), tmp_path / "cluster.csv", client=client)
    assert (tmp_path / "cluster.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()
