"""How many of some images a model was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.persistence import LoadedModel
from skcaptcha.persistence._manifest import count_training_images as count_decoded
from skcaptcha.prediction._read_images import decoded_images, process_images


def count_training_images(
    loaded: LoadedModel, images: Sequence[Any], *, verbose: int = 0
) -> int | None:
    """Count how many of some images a model was trained on, and may have memorized.

    Parameters
    ----------
    loaded : LoadedModel
        Model with its manifest, as `skcaptcha.persistence.read_model` returns it.
    images : sequence of paths, bytes or arrays
        Images. They are recognized by their pixels, whatever their file names. Images that cannot
        be decoded are not counted.
    verbose : int, default=0
        1 shows progress on standard error if there are more than 256 images.

    Returns
    -------
    n : int or None
        None if the manifest does not describe the training images.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from skcaptcha import load_recipe, save
    >>> from skcaptcha.datasets import make_line_captchas
    >>> from skcaptcha.persistence import describe_training, read_model
    >>> from skcaptcha.prediction import count_training_images
    >>> X, y = make_line_captchas(40, random_state=0)
    >>> model = load_recipe("grid").pipeline().fit(X[:30], y[:30])
    >>> with TemporaryDirectory() as folder:
    ...     about = describe_training(X[:30], y[:30], model.named_steps["images"])
    ...     save(model, f"{folder}/m.joblib", manifest=about)
    ...     loaded = read_model(f"{folder}/m.joblib")
    >>> count_training_images(loaded, X[20:])
    10
    """
    title = "looking for training captchas"
    decoded = process_images(loaded.model, images, decoded_images, title=title, verbose=verbose)
    return count_decoded(
        loaded.manifest, (image for image in decoded if not isinstance(image, SkcaptchaError))
    )
