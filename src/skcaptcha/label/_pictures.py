"""Images as the browser gets them: decoded here, within limits, and sent as PNG."""

from __future__ import annotations

from pathlib import Path

import cv2

from skcaptcha.exceptions import ImageError
from skcaptcha.images import decode


def as_png(path: Path, folder: Path) -> bytes:
    """Decode an image of a folder and encode it as PNG.

    A browser would decode whatever a file holds, up to an SVG drawing with scripts in it.

    Parameters
    ----------
    path : Path
        The image.
    folder : Path
        The folder that must hold it, after all links are followed.

    Returns
    -------
    png : bytes

    Raises
    ------
    ImageError
        If it lies outside, or cannot be decoded.

    Examples
    --------
    >>> from pathlib import Path
    >>> from skcaptcha.label._pictures import as_png
    >>> as_png(Path("configs/../README.md"), Path("configs"))
    Traceback (most recent call last):
        ...
    skcaptcha.exceptions.ImageError: README.md: it is a link to a file outside the folder; put the
    image itself there
    """
    try:
        target = path.resolve()
    except (OSError, RuntimeError) as error:
        raise ImageError(path.name, "it is a link that leads nowhere") from error
    if not target.is_relative_to(folder.resolve()):
        raise ImageError(
            path.name, "it is a link to a file outside the folder; put the image itself there"
        )
    image = decode(target)
    colors = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    return cv2.imencode(".png", colors)[1].tobytes()
