"""A model, images, and a service that reads them."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest

from serving_clients import MAX_BYTES, MAX_IMAGES, N_TRAIN, Client, save_model
from skcaptcha.datasets import make_line_captchas
from skcaptcha.serve import Limits, PredictionServer


@pytest.fixture(scope="session")
def captchas() -> tuple[list[bytes], list[str]]:
    """Twelve PNG files that no model was trained on, and their labels."""
    images, labels = make_line_captchas(N_TRAIN + 12, random_state=0)
    files = [cv2.imencode(".png", image)[1].tobytes() for image in images[N_TRAIN:]]
    return files, labels[N_TRAIN:].tolist()


@pytest.fixture(scope="session")
def images(captchas) -> list[bytes]:
    return captchas[0]


@pytest.fixture(scope="session")
def labels(captchas) -> list[str]:
    return captchas[1]


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model") / "lines.joblib", N_TRAIN)


@pytest.fixture(scope="session")
def server(model_file: Path) -> Iterator[PredictionServer]:
    limits = Limits(max_bytes=MAX_BYTES, max_images=MAX_IMAGES)
    models = {"lines": model_file, "again": model_file}
    with PredictionServer(models, limits=limits) as server:
        yield server


@pytest.fixture(scope="session")
def client(server: PredictionServer) -> Client:
    return Client(server.url)
