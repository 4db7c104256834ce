"""What the generators of captchas share: random generators, text, fonts and compression."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import ImageFont
from sklearn.utils import check_random_state

from skcaptcha.datasets._progress import advance_progress
from skcaptcha.exceptions import MissingExtraError


def draw_captchas(
    draw: Callable[[np.random.Generator], tuple[np.ndarray, str]],
    n_samples: int,
    shape: tuple[int, int],
    n_characters: int,
    random_state: int | np.random.RandomState | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return n RGB images of height and width `shape`, and their labels.

    `draw` draws one of each. Captcha i depends on the seed and on i only.
    """
    images = np.empty((n_samples, *shape, 3), np.uint8)
    labels = np.empty(n_samples, f"U{n_characters}")
    seed = int(check_random_state(random_state).randint(2**31))
    for i in range(n_samples):
        images[i], labels[i] = draw(np.random.default_rng((seed, i)))
        advance_progress()
    return images, labels


def random_text(charset: str, n_characters: int, rng: np.random.Generator) -> str:
    """Return characters that are drawn from a charset."""
    return "".join(charset[j] for j in rng.integers(len(charset), size=n_characters))


def check_charset(charset: str) -> None:
    """Raise ValueError if there are no characters to draw."""
    if not charset:
        raise ValueError("charset is empty; pass the characters to draw, such as 'ABC123'")


def load_font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """Return a font that comes with Matplotlib."""
    try:
        import matplotlib  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise missing_generators() from error
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", name), size)


def missing_generators() -> MissingExtraError:
    """Return the error that is raised if a package of the extra ``generate`` is not installed."""
    return MissingExtraError(
        "to generate captchas, install the extra generate: pip install 'skcaptcha[generate]'"
    )


def add_jpeg_artifacts(image: np.ndarray, *qualities: int) -> np.ndarray:
    """Compress and decompress an image with each of the given JPEG qualities (0 to 100) in turn.

    The image is uint8 of shape (h, w) or (h, w, 3), gray or RGB; it is not modified.
    """
    color = image.ndim == 3
    flag = cv2.IMREAD_COLOR if color else cv2.IMREAD_GRAYSCALE
    # OpenCV uses BGR; reversing the channels once at each end is enough for all qualities.
    current = np.ascontiguousarray(image[..., ::-1]) if color else image
    for quality in qualities:
        _, encoded = cv2.imencode(".jpg", current, [cv2.IMWRITE_JPEG_QUALITY, quality])
        current = cv2.imdecode(encoded, flag)
    return np.ascontiguousarray(current[..., ::-1]) if color else current
