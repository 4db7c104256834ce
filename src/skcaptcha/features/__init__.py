"""Segments to vectors."""

from skcaptcha.features._base import BaseFeatures, CropFeatures
from skcaptcha.features._gradients import OrientedGradients
from skcaptcha.features._hog import HOG
from skcaptcha.features._raw import RawPixels

__all__ = ["HOG", "BaseFeatures", "CropFeatures", "OrientedGradients", "RawPixels"]
