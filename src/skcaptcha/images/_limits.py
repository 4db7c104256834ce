"""Limits on the size of images."""

# A row of a million pixels would need a hundred times the memory of a square image.
_MAX_SIDE = 2**14


class UnusableError(Exception):
    """The reason why a source cannot be decoded; `decode` adds the name of the source."""


def check_bytes(size: int, max_bytes: int) -> None:
    """Raise UnusableError if a file is empty or has more than `max_bytes` bytes."""
    if size == 0:
        raise UnusableError("the file is empty")
    if size > max_bytes:
        raise UnusableError(f"it has {size} bytes, more than the limit max_bytes={max_bytes}")


def check_pixels(width: int, height: int, max_pixels: int) -> None:
    """Raise UnusableError if an image is empty, has more than `max_pixels`, or a side too long."""
    if width * height == 0:
        raise UnusableError(f"it has no pixels ({width} x {height})")
    if width * height > max_pixels:
        raise UnusableError(
            f"it has {width} x {height} pixels, more than the limit max_pixels={max_pixels}; "
            "resize it, or fit with --set steps.images.max_pixels=N"
        )
    if max(width, height) > _MAX_SIDE:
        raise UnusableError(
            f"it has {width} x {height} pixels; the maximum side length is {_MAX_SIDE}; crop it"
        )


def check_pixels_of_frames(n: int, width: int, height: int, max_pixels: int) -> None:
    """Raise UnusableError if n frames have more than `max_pixels` together."""
    if n * width * height > max_pixels:
        raise UnusableError(
            f"its first {n} frames have {n} x {width} x {height} pixels, more than the limit "
            f"max_pixels={max_pixels}; merge fewer frames, or fit with "
            "--set steps.images.max_pixels=N"
        )
