"""How large an image may be."""

# A row of a million pixels would be cut, scaled and searched in a hundred times the memory.
_MAX_SIDE = 2**14


class UnusableError(Exception):
    """Why a source is no image; `decode` adds which source it was."""


def check_bytes(size: int, max_bytes: int) -> None:
    """Refuse what is empty or too large.

    Parameters
    ----------
    size : int
        Of a file, in bytes.
    max_bytes : int

    Raises
    ------
    UnusableError
    """
    if size == 0:
        raise UnusableError("it is empty")
    if size > max_bytes:
        raise UnusableError(f"it has {size} bytes, more than the limit max_bytes={max_bytes}")


def check_pixels(width: int, height: int, max_pixels: int) -> None:
    """Refuse an image that is empty or too large.

    Parameters
    ----------
    width, height : int
    max_pixels : int

    Raises
    ------
    UnusableError
    """
    if width * height == 0:
        raise UnusableError(f"it has no pixels ({width} x {height})")
    if width * height > max_pixels:
        raise UnusableError(
            f"it has {width} x {height} pixels, more than the limit max_pixels={max_pixels}; "
            "scale it, or fit with --set steps.images.max_pixels=N"
        )
    if max(width, height) > _MAX_SIDE:
        raise UnusableError(
            f"it has {width} x {height} pixels, and {_MAX_SIDE} are the most for a side; cut it"
        )
