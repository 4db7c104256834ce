"""Images that show a single color: no model can learn anything from them."""

import warnings
from collections import Counter
from collections.abc import Sequence

import numpy as np

from skcaptcha.exceptions import ImageWarning

_MIN_TO_WARN = 10

WHY_BLANK = (
    "is the ink transparent, of the color of its background, or missing from the first frame of "
    "an animation, the only one that is decoded?"
)


def single_color(image: np.ndarray) -> str:
    """Return the name of an image's color if it has only one.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w) or (h, w, 3)

    Returns
    -------
    color : str
        For example ``"white"``, ``"gray level 7"`` or ``"RGB (0, 9, 9)"``; empty if the image has
        several colors.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.images._single_color import single_color
    >>> single_color(np.zeros((3, 4, 3), np.uint8))
    'black'
    """
    if (image != image[0, 0]).any():
        return ""
    color = image[0, 0].ravel().tolist()
    if len(set(color)) == 1:
        return {0: "black", 255: "white"}.get(color[0], f"gray level {color[0]}")
    return f"RGB {tuple(color)}"


def warn_if_blank(images: Sequence[np.ndarray], stacklevel: int) -> None:
    """Warn if more than half of ten or more images show a single color."""
    colors = Counter(filter(None, map(single_color, images)))
    if len(images) >= _MIN_TO_WARN and 2 * colors.total() > len(images):
        most_common = colors.most_common(1)[0][0]
        warnings.warn(
            f"{colors.total()} of {len(images)} images show a single color (mostly {most_common}), "
            f"so that nothing in them can be read; {WHY_BLANK}",
            ImageWarning,
            stacklevel=stacklevel + 1,
        )
