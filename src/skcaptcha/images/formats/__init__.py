"""Image file formats: each module inspects one format before a decoder gets the file."""

from typing import NamedTuple


class DamagedFileError(Exception):
    """The reason why a file violates its format, in a few words."""


class Inspection(NamedTuple):
    """The structure of a file."""

    size: tuple[int, int]
    """Width and height."""
    content: bytes
    """The file without data that a decoder does not need."""
    plain: bool
    """Whether OpenCV decodes it to the same pixels as Pillow, in a third of the time."""
