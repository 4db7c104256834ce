"""Measurements of images: the place of the text, pitch, connected components, thresholds."""

from skcaptcha.measure._text_box import text_box
from skcaptcha.measure._text_extent import pitch, text_extent

__all__ = ["pitch", "text_box", "text_extent"]
