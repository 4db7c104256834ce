"""Measurements of binary images: connected components, extent of the text, pitch."""

from skcaptcha.measure._extent import pitch, text_extent

__all__ = ["pitch", "text_extent"]
