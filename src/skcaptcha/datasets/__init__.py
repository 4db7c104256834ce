"""Loading and saving labeled captchas, and generators of synthetic captchas."""

from collections.abc import Callable

import numpy as np

from skcaptcha.datasets._captchas import Captchas
from skcaptcha.datasets._convert_labels import ConvertedLabels, convert_labels
from skcaptcha.datasets._display import make_display_captchas
from skcaptcha.datasets._dots import make_dot_captchas
from skcaptcha.datasets._image_captcha import make_image_captchas
from skcaptcha.datasets._lines import make_line_captchas
from skcaptcha.datasets._load import load_captchas
from skcaptcha.datasets._split import split_captchas
from skcaptcha.datasets._write import write_captchas, write_characters

SCHEMES: dict[str, Callable[..., tuple[np.ndarray, np.ndarray]]] = {
    "lines": make_line_captchas,
    "dots": make_dot_captchas,
    "image": make_image_captchas,
    "display": make_display_captchas,
}
"""Generators by the name of their scheme; all have ``n_samples`` and ``random_state``."""

__all__ = [
    "SCHEMES",
    "Captchas",
    "ConvertedLabels",
    "convert_labels",
    "load_captchas",
    "make_display_captchas",
    "make_dot_captchas",
    "make_image_captchas",
    "make_line_captchas",
    "split_captchas",
    "write_captchas",
    "write_characters",
]
