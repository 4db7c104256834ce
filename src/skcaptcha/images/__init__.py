"""Decoding image files: the only place that opens them, with limits on their size."""

from skcaptcha.images._batch import ImageBatch
from skcaptcha.images._decode import DecodedImage, Source, decode
from skcaptcha.images._decoder import ImageDecoder
from skcaptcha.images._duplicates import find_duplicates
from skcaptcha.images._single_color import WHY_BLANK, single_color

__all__ = [
    "WHY_BLANK",
    "DecodedImage",
    "ImageBatch",
    "ImageDecoder",
    "Source",
    "decode",
    "find_duplicates",
    "single_color",
]
