"""Segments to vectors."""

from skcaptcha.features._base import BaseFeatures, CropFeatures
from skcaptcha.features._hog import HOG
from skcaptcha.features._oriented_gradients import OrientedGradients
from skcaptcha.features._raw_pixels import RawPixels

__all__ = ["HOG", "BaseFeatures", "CropFeatures", "OrientedGradients", "RawPixels"]
