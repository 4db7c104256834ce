"""Image files: one module looks into each format, before a decoder sees the file."""

from skcaptcha.images.formats.decoding import decode_bytes, is_jpeg, pixels_of

__all__ = ["decode_bytes", "is_jpeg", "pixels_of"]
