"""Image files: one module looks into each format, before a decoder sees the file."""

from skcaptcha.images.formats.decoding import decode_bytes, pixels_of

__all__ = ["decode_bytes", "pixels_of"]
