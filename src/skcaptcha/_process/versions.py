"""The versions of the software that a model and its predictions depend on."""

import platform

import cv2
import numpy as np
import sklearn

from skcaptcha import __version__

VERSIONS = {
    "skcaptcha": __version__,
    "python": platform.python_version(),
    "scikit-learn": sklearn.__version__,
    "numpy": np.__version__,
    "opencv": cv2.getVersionString(),
}
"""Versions, by their names in a model's manifest."""

RESULTS_DEPEND_ON = VERSIONS | {"python": ".".join(platform.python_version_tuple()[:2])}
"""Versions that must be equal for equal results. Patch releases of Python may differ."""
