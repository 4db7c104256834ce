"""Bright ink on a dark background."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils._param_validation import StrOptions

from skcaptcha.denoise._base import BaseDenoiser, Images
from skcaptcha.measure._polarity import has_dark_ink


class PolarityNormalizer(BaseDenoiser):
    """Invert gray images if needed, so that ink is bright on a dark background.

    Parameters
    ----------
    ink : {"auto", "dark", "bright"}, default="auto"
        Polarity of the ink in the input. ``"auto"`` decides for each image: after the slope
        of the background is removed, ink is the side of Otsu's threshold with fewer pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.denoise import PolarityNormalizer
    >>> PolarityNormalizer().fit_transform([np.array([[250, 5, 250]], dtype=np.uint8)])[0]
    array([[  5, 250,   5]], dtype=uint8)
    """

    _parameter_constraints: dict[str, Any] = {"ink": [StrOptions({"auto", "dark", "bright"})]}

    def __init__(self, ink: str = "auto") -> None:
        self.ink = ink

    def _denoise(self, images: Images) -> Images:
        if self.ink == "bright":
            return images
        if self.ink == "dark":
            return ~images
        dark = has_dark_ink(images)
        return images ^ np.where(dark, np.uint8(255), np.uint8(0))[:, None, None]
