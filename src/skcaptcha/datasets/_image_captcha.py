"""Scheme "image": captchas of the ``captcha`` package, made reproducible."""

from collections.abc import Sequence
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

import numpy as np

from skcaptcha.datasets._drawing import check_charset, draw_captchas, random_text


class _SeededSecrets:
    """The functions of the module ``secrets`` that the package uses, with a seeded generator."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def randbelow(self, exclusive_upper_bound: int) -> int:
        return int(self._rng.integers(exclusive_upper_bound))

    def randbits(self, k: int) -> int:
        return int(self._rng.integers(2**k))

    def choice(self, sequence: Sequence[Any]) -> Any:
        return sequence[self.randbelow(len(sequence))]


def _private_captcha_module() -> ModuleType:
    """Load a private copy of the module ``captcha.image``.

    The package uses ``secrets``, which has no seed. Replacing it in the module itself would make
    the captchas of all other users of the module in this process predictable.
    """
    spec = find_spec("captcha.image")
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError("the package captcha is not installed; run pip install captcha")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_image_captchas(
    n_samples: int = 100,
    *,
    charset: str = "0123456789",
    n_characters: int = 4,
    width: int = 160,
    height: int = 60,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw captchas with the ``captcha`` package: warped, overlapping characters, an arc, dots.

    Parameters
    ----------
    n_samples : int, default=100
        Number of captchas.
    charset : str, default="0123456789"
        Characters to draw from; a repeated character is drawn more often.
    n_characters : int, default=4
        Number of characters in each captcha.
    width, height : int, default=160 and 60
        Size of each image in pixels.
    random_state : int, RandomState or None, default=None
        Seed. Captcha i depends only on the seed and on i, not on `n_samples`.

    Returns
    -------
    images : ndarray of shape (n_samples, height, width, 3), dtype uint8
        RGB images.
    labels : ndarray of shape (n_samples,), dtype str
        Their strings.

    Raises
    ------
    ValueError
        If `charset` is empty.

    References
    ----------
    .. [1] `captcha <https://captcha.lepture.com>`_, whose ``ImageCaptcha`` draws them.

    Examples
    --------
    >>> from skcaptcha.datasets import make_image_captchas
    >>> images, labels = make_image_captchas(2, charset="AB", random_state=0)
    >>> images.shape, images.dtype
    ((2, 60, 160, 3), dtype('uint8'))
    >>> set("".join(labels)) <= set("AB")
    True
    """
    check_charset(charset)
    module = _private_captcha_module()
    drawer = module.ImageCaptcha(width=width, height=height)

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, str]:
        text = random_text(charset, n_characters, rng)
        vars(module)["secrets"] = _SeededSecrets(rng)
        return np.asarray(drawer.generate_image(text)), text

    return draw_captchas(draw, n_samples, (height, width), n_characters, random_state)
