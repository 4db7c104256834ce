"""Decoding image files: the only place that opens them, with limits on their size."""

from skcaptcha.images._batch import ImageBatch
from skcaptcha.images._decode import DecodedImage, Source, decode
from skcaptcha.images._decoder import ImageDecoder
from skcaptcha.images._duplicates import find_duplicates

__all__ = [
    "DecodedImage",
    "ImageBatch",
    "ImageDecoder",
    "Source",
    "decode",
    "find_duplicates",
]
