"""How many of the last images are unlike the training images, in a file for a monitor."""

from __future__ import annotations

import os
import time
from collections import deque
from datetime import UTC, datetime
from pathlib import Path

from skcaptcha._files.atomic import write_atomically
from skcaptcha._files.json_text import to_json
from skcaptcha.base import Model, pipeline_of
from skcaptcha.exceptions import ModelError, SkcaptchaError
from skcaptcha.novelty import MIN_IMAGES
from skcaptcha.read import Reading

_N_RECENT = 1000
_SECONDS = 1.0  # between two writes


class OutlierWatch:
    """Count the last thousand images that are unlike the training images of a model.

    The file is JSON with ``n_read``, the number of images that were read so far, ``n_recent``, at
    most the last 1000 of them, ``n_out_of_distribution``, how many of these are unlike the training
    images, and ``updated``, the time. It is replaced at once, at most once a second, so that a
    monitor can read it at any moment.

    Parameters
    ----------
    model : Pipeline, or fitted search over one
        Fitted model.
    file : path-like
        File to write.

    Raises
    ------
    ModelError
        If the model cannot detect such images, because it was fitted to too few.

    Examples
    --------
    >>> import json, tempfile
    >>> import numpy as np
    >>> from pathlib import Path
    >>> from skcaptcha import load_recipe
    >>> from skcaptcha.datasets import make_line_captchas
    >>> from skcaptcha.prediction import OutlierWatch, read_images
    >>> X, y = make_line_captchas(60, random_state=0)
    >>> model = load_recipe("grid").pipeline().fit(X, y)
    >>> noise = np.random.default_rng(0).integers(0, 256, X[0].shape, dtype=np.uint8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     watch = OutlierWatch(model, Path(folder, "watch.json"))
    ...     for _, result in read_images(model, [X[0], noise]):
    ...         watch.add(result)
    ...     watch.write()
    ...     found = json.loads(Path(folder, "watch.json").read_text())
    >>> found["n_read"], found["n_recent"], found["n_out_of_distribution"]
    (2, 2, 1)
    """

    def __init__(self, model: Model, file: str | os.PathLike[str]) -> None:
        if getattr(pipeline_of(model)[0], "novelty_", None) is None:
            raise ModelError(
                "the model cannot detect images that are unlike its training images, because it "
                f"was fitted to fewer than {MIN_IMAGES}; fit it to more"
            )
        self._file = Path(file)
        self._n_read = 0
        self._recent: deque[bool] = deque(maxlen=_N_RECENT)
        self._written = -_SECONDS

    def add(self, result: Reading | SkcaptchaError) -> None:
        """Count a result, and write the file if it was not written for a second.

        Parameters
        ----------
        result : Reading or SkcaptchaError
            Result of `read_images`. Images that cannot be read are not counted.
        """
        if isinstance(result, SkcaptchaError):
            return
        self._n_read += 1
        self._recent.append(result.out_of_distribution is True)
        if time.monotonic() - self._written >= _SECONDS:
            self.write()

    def write(self) -> None:
        """Write the file now.

        Raises
        ------
        OutputError
            If there is no space or no permission to write it.
        """
        self._written = time.monotonic()
        content = {
            "n_read": self._n_read,
            "n_recent": len(self._recent),
            "n_out_of_distribution": sum(self._recent),
            "updated": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        write_atomically(self._file, to_json(content))
