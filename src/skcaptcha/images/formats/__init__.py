"""Image file formats: each module inspects one format before a decoder gets the file."""

from skcaptcha.images.formats.decode_bytes import decode_bytes, is_jpeg, pixels_of

__all__ = ["decode_bytes", "is_jpeg", "pixels_of"]
