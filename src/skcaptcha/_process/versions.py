"""The versions of all that a model and what it reads depend on."""

import platform
from importlib.metadata import version

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
    "scikit-image": version("scikit-image"),
}
"""Versions by the names that a model's manifest has for them."""

RESULTS_DEPEND_ON = VERSIONS | {"python": ".".join(platform.python_version_tuple()[:2])}
"""What must agree for results to be the same; corrections of Python itself need not."""
