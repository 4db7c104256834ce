"""Image files: one module looks into each format, before a decoder sees the file."""

from skcaptcha._image_files.decoding import decode_bytes, pixels_of

__all__ = ["decode_bytes", "pixels_of"]
