"""Captchas drawn with a known amount of each defense."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

CHARACTERS = "ACEHLT"
PITCH = 26


def draw(
    labels: list[str],
    *,
    seed: int = 0,
    specks: int = 0,
    lines: int = 0,
    turn: float = 0,
    pitch: int = PITCH,
) -> list[np.ndarray]:
    """Draw strings in dark ink, with the given amount of each defense."""
    rng = np.random.default_rng(seed)
    images = []
    for label in labels:
        width = pitch * len(label) + 20
        image = np.full((40, width), 255, dtype=np.uint8)
        for k, character in enumerate(label):
            glyph = np.zeros((40, 40), dtype=np.uint8)
            cv2.putText(glyph, character, (10, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 255, 4)
            angle = rng.uniform(-turn, turn)
            matrix = cv2.getRotationMatrix2D((19, 20), angle, 1)
            ink = cv2.warpAffine(glyph, matrix, (40, 40)) > 127
            place = image[:, k * pitch : k * pitch + 40]
            place[ink[:, : place.shape[1]]] = 0
        for _ in range(lines):
            top, bottom = rng.integers(8, 32, size=2).tolist()
            cv2.line(image, (0, top), (width - 1, bottom), 0, 1)
        rows, columns = rng.integers(0, (40, width), size=(specks, 2)).T
        image[rows, columns] = 0
        images.append(image)
    return images


def strings(n: int, *, length: int = 3, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list(CHARACTERS), length)) for _ in range(n)]


@pytest.fixture(scope="session")
def drawn() -> Callable[..., list[np.ndarray]]:
    return draw


@pytest.fixture(scope="session")
def labels() -> list[str]:
    return strings(120)
