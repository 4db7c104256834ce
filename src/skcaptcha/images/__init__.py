"""Decoding image files: the one place that opens them, with limits on what it accepts."""

from skcaptcha.images._decoder import WHY_BLANK, ImageDecoder, Source, decode, single_color

__all__ = ["WHY_BLANK", "ImageDecoder", "Source", "decode", "single_color"]
