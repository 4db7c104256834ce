"""Images for the browser, decoded within limits and encoded again as PNG."""

from __future__ import annotations

from pathlib import Path

import cv2

from skcaptcha.exceptions import ImageError
from skcaptcha.images import decode


def as_png(path: Path, folder: Path) -> bytes:
    """Decode an image of a folder and encode it as PNG.

    Sending the file itself would let the browser decode any content, such as an SVG drawing that
    contains scripts. Raises ImageError if the file is outside the folder, after links are
    followed, or cannot be decoded.
    """
    try:
        target = path.resolve()
    except (OSError, RuntimeError) as error:
        raise ImageError(path.name, "it is a broken link") from error
    if not target.is_relative_to(folder.resolve()):
        raise ImageError(
            path.name, "it is a link to a file outside the folder; replace it with the image itself"
        )
    image = decode(target)
    colors = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    return cv2.imencode(".png", colors)[1].tobytes()
