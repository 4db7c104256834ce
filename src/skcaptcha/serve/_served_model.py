"""The models of the service: loaded once, checked, and replaced when their files change."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from skcaptcha.exceptions import ModelError, SkcaptchaError
from skcaptcha.persistence import LoadedModel, read_model
from skcaptcha.prediction import read_images
from skcaptcha.read import Reading

_logger = logging.getLogger(__name__)

_NAME = re.compile(r"[\w.-]{1,100}")
_USUAL_SIZE = (40, 120)
_MAX_SIDE = 1024

_Stamp = tuple[int, int, int] | None


class ModelFailedError(SkcaptchaError):
    """A model raised an error that is not about the image."""


def named_models(models: Iterable[str]) -> dict[str, Path]:
    """Return the path of each model by its name.

    Parameters
    ----------
    models : iterable of str
        Paths, or names and paths as in ``"plates=artifacts/model.joblib"``. Without a name, it is
        that of the file without its suffix.

    Returns
    -------
    paths : dict of str to Path

    Raises
    ------
    SkcaptchaError
        If two models have the same name, or a name is not allowed in a URL.

    Examples
    --------
    >>> from skcaptcha.serve._served_model import named_models
    >>> list(named_models(["lines.joblib", "plates=artifacts/model.joblib"]))
    ['lines', 'plates']
    """
    paths: dict[str, Path] = {}
    for text in models:
        name, equals, path = text.partition("=")
        if not equals or os.path.exists(text):
            name, path = Path(text).stem, text
        if name in paths:
            raise SkcaptchaError(
                f"{path}: there is another model named {name}, {paths[name]}; name this one, as in "
                f"{name}-2={path}"
            )
        check_name(name, path)
        paths[name] = Path(path)
    return paths


def check_name(name: str, path: str | os.PathLike[str]) -> None:
    """Raise SkcaptchaError unless a name consists of letters, digits, and ``_``, ``-``, ``.``."""
    if not _NAME.fullmatch(name):
        raise SkcaptchaError(
            f"{path}: {name!r} cannot be the name of a model, which has up to 100 letters, digits "
            f"and the signs _ - . only; name it, as in reader={path}"
        )


class ServedModel:
    """A model that answers requests while its file may be replaced.

    Parameters
    ----------
    name : str
        Name of the model in requests.
    path : path-like
        Model file.
    trust : bool, default=False
        Whether to load a model that another user made, although loading it may run code.

    Attributes
    ----------
    loaded : LoadedModel
        The model that answers at present.

    Raises
    ------
    ModelError
        As `skcaptcha.load` does, or if the model cannot read any image.
    """

    def __init__(self, name: str, path: str | os.PathLike[str], *, trust: bool = False) -> None:
        self.name = name
        self._path = Path(path)
        self._trust = trust
        self._stamp = _stamp_of(self._path)
        self.loaded = _load(self._path, trust)

    def read(self, images: Sequence[bytes]) -> list[tuple[str, Reading | SkcaptchaError]]:
        """Return the SHA-256 of the model, and the reading or the error, for each image."""
        # The model may be replaced in the meantime.
        loaded = self.loaded
        return [(loaded.sha256, result) for result in _read(loaded.model, images)]

    def reload_if_changed(self) -> bool:
        """Load the file if it has changed, and return whether the new model answers from now on.

        If the new file cannot be used, the reason is logged once, and the old model still answers.
        """
        stamp = _stamp_of(self._path)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            loaded = _load(self._path, self._trust)
        except SkcaptchaError as error:
            _logger.warning("the old model %s still answers: %s", self.name, error)
            return False
        changed = loaded.sha256 != self.loaded.sha256
        self.loaded = loaded
        return changed


def _stamp_of(path: Path) -> _Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _load(path: Path, trust: bool) -> LoadedModel:
    loaded = read_model(path, trust=trust)
    noise = np.random.default_rng(0).integers(0, 256, _usual_size(loaded.manifest), np.uint8)
    # The first image takes longer than the others, and a damaged model may raise anything.
    try:
        list(read_images(loaded.model, [noise]))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise ModelError(
            f"{path}: the model cannot read an image of noise ({reason}); fit it again"
        ) from error
    return loaded


def _usual_size(manifest: Mapping[str, Any]) -> tuple[int, int]:
    """Return the height and width of an image of the smallest size in a manifest."""
    try:
        size = int(manifest["image_heights"][0]), int(manifest["image_widths"][0])
    except (KeyError, IndexError, TypeError, ValueError):
        return _USUAL_SIZE
    return size if all(0 < side <= _MAX_SIDE for side in size) else _USUAL_SIZE


def _read(model: Any, images: Sequence[bytes]) -> list[Reading | SkcaptchaError]:
    try:
        return [result for _, result in read_images(model, images)]
    except Exception as error:
        if len(images) > 1:
            # Only the images that cause the error may fail, not those of other requests.
            return [result for image in images for result in _read(model, [image])]
        _logger.warning("a model failed: %s: %s", type(error).__name__, error)
        return [ModelFailedError(f"the model failed on this image ({type(error).__name__})")]
