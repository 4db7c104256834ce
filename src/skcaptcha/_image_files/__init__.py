"""What image files hold, found out before a decoder sees them: one module for each format."""

from skcaptcha._image_files.gif import inspect_gif
from skcaptcha._image_files.inspected import DamagedFileError, Inspected
from skcaptcha._image_files.jpeg import inspect_jpeg, jpeg_is_whole
from skcaptcha._image_files.png import inspect_png, png_has_grey_and_alpha, png_is_whole
from skcaptcha._image_files.webp import inspect_webp

__all__ = [
    "DamagedFileError",
    "Inspected",
    "inspect_gif",
    "inspect_jpeg",
    "inspect_png",
    "inspect_webp",
    "jpeg_is_whole",
    "png_has_grey_and_alpha",
    "png_is_whole",
]
