"""Box of the text in an image: its rows and its columns."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from skcaptcha.measure._text_extent import range_of_greatest_sum

# Larger images are shrunk: strokes are then still visible, and lines are found in little time.
_MAX_HEIGHT = 80
_THICKNESS = 3  # of lines
# Strokes of characters are shorter than lines, in images of one line of text.
_LINE_OF_HEIGHT, _MIN_LINE = 0.9, 36
# Votes of the Hough transform, as a fraction of the length, because characters interrupt lines; and
# the longest gap, in pixels, which characters next to each other do not bridge.
_VOTES_OF_LINE, _GAP_IN_LINE = 0.6, 3
# The limit is a fraction of a high percentile, because the largest change may be a single speck.
_CAP_PERCENTILE, _CAP = 95, 0.3
# Rows depend on the columns that they are summed over; the third round usually changes nothing.
_N_ROUNDS = 3
# Relative to the height of the image and of the text. Gaps between characters are wider than gaps
# between their strokes in a row.
_ROW_SMOOTHING, _COLUMN_SMOOTHING = 0.02, 0.1
# Low, so that the ends of letters such as p or l belong to the text.
_ROW_EXCESS, _COLUMN_EXCESS = 0.25, 0.3
_SPACE_OF_HEIGHT = 2
_MIN_ROWS, _MIN_OF_HEIGHT = 6, 0.1  # of a text
# If the rest of the image changes more, in relation to the text, it may be text as well.
_MAX_OUTSIDE = 0.35


def text_box(image: NDArray[np.uint8]) -> tuple[int, int, int, int] | None:
    """Find the rows and columns that the text spans, if it stands out from the rest of the image.

    Long thin straight lines are removed first (Hough transform of what a morphological opening
    removes): they may reach far beyond the text. Text is where gray values change most. Changes
    above a limit count the same, so that pale characters count as much as dark ones. The sum of
    changes from left to right over each row, which lines and edges along the text hardly add to,
    gives the rows; the sum of all changes over each column within these rows gives the columns.
    Spaces of up to twice the height of the text belong to it. Rows and columns are the ranges with
    the greatest total excess over a fraction of the largest sum, found in turn.

    Parameters
    ----------
    image : ndarray of shape (h, w), dtype uint8
        Bright ink on a dark background, in gray.

    Returns
    -------
    box : tuple of 4 int (x, y, width, height), or None
        None: there is no text, or the rest of the image changes too much for the box to be trusted.

    References
    ----------
    J. Matas, C. Galambos, J. Kittler, "Robust detection of lines using the progressive
    probabilistic Hough transform", Computer Vision and Image Understanding 78 (2000), 119-137.

    J. Bentley, "Programming pearls: algorithm design techniques", Communications of the ACM 27
    (1984), 865-873 (the range with the greatest sum, in one pass).

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.measure import text_box
    >>> image = np.zeros((60, 200), dtype=np.uint8)
    >>> image[20:40, 60:140:8] = 255
    >>> image[50] = 255
    >>> text_box(image)
    (56, 19, 80, 22)
    >>> text_box(image[:20])
    """
    height, width = image.shape
    scale = min(_MAX_HEIGHT / height, 1.0)
    if scale < 1:
        size = max(1, round(width * scale)), _MAX_HEIGHT
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    limit = _limit_of_change(image)
    if not limit:
        return None
    across, down = (
        np.minimum(change, limit) for change in _changes(_without_straight_lines(image, limit))
    )
    lowest = max(_MIN_ROWS, _MIN_OF_HEIGHT * len(image))
    left, right = 0, image.shape[1]
    for _ in range(_N_ROUNDS):
        rows = _smooth(across[:, left:right].sum(axis=1), _ROW_SMOOTHING * len(image))
        top, bottom = _range_of_greatest_excess(rows, _ROW_EXCESS)
        columns = (across[top:bottom] + down[top:bottom]).sum(axis=0)
        columns = _smooth(columns, _COLUMN_SMOOTHING * (bottom - top))
        columns = _close(columns, _SPACE_OF_HEIGHT * (bottom - top))
        left, right = _range_of_greatest_excess(columns, _COLUMN_EXCESS)
        if bottom - top < lowest or left == right:
            return None
    inside = across[top:bottom, left:right]
    if across.size > inside.size:
        outside = (across.sum() - inside.sum()) / (across.size - inside.size)
        if outside > _MAX_OUTSIDE * inside.mean():
            return None
    x, y = int(left / scale), int(top / scale)
    return x, y, min(round(right / scale), width) - x, min(round(bottom / scale), height) - y


def _changes(image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the absolute differences of each pixel to the ones on the right and below."""
    shades = image.astype(np.float32)
    across = np.abs(np.diff(shades, axis=1, append=shades[:, -1:]))
    down = np.abs(np.diff(shades, axis=0, append=shades[-1:]))
    return across, down


def _limit_of_change(image: NDArray[np.uint8]) -> float:
    """Return the change from which on all changes count the same; 0 if there is no change."""
    change = np.maximum(*_changes(image))
    positive = change[change > 0]
    return _CAP * float(np.percentile(positive, _CAP_PERCENTILE)) if len(positive) else 0.0


def _without_straight_lines(image: NDArray[np.uint8], contrast: float) -> NDArray[np.uint8]:
    """Remove thin straight lines about as long as the image is high, or longer.

    Where a line crosses a thick stroke, the stroke remains.
    """
    # Opposite anchors: the opening of an even size would be shifted otherwise.
    square = np.ones((_THICKNESS + 1, _THICKNESS + 1), dtype=np.uint8)
    eroded = cv2.erode(image, square, anchor=(0, 0))
    opened = cv2.dilate(eroded, square, anchor=(_THICKNESS, _THICKNESS))
    thin = np.where(image - opened > contrast, np.uint8(255), np.uint8(0))
    # Pixels of a line are up to one pixel beside the ones of the transform's angle.
    thin = cv2.dilate(thin, np.ones((3, 3), dtype=np.uint8))
    length = max(round(_LINE_OF_HEIGHT * len(image)), _MIN_LINE)
    lines = cv2.HoughLinesP(
        thin,
        1,
        np.pi / 180,
        threshold=round(_VOTES_OF_LINE * length),
        minLineLength=length,
        maxLineGap=_GAP_IN_LINE,
    )
    if lines is None:
        return image
    drawn = np.zeros_like(image)
    for x0, y0, x1, y1 in lines.reshape(-1, 4).tolist():
        cv2.line(drawn, (x0, y0), (x1, y1), 255, _THICKNESS)
    return np.where(drawn > 0, opened, image)


def _smooth(sums: NDArray[np.float32], deviation: float) -> NDArray[np.float32]:
    return cv2.GaussianBlur(sums[None], (0, 0), max(deviation, 0.6))[0]


def _close(sums: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Fill gaps of up to a width between columns of text, after limiting the largest sums."""
    high = sums[sums > 0.1 * sums.max(initial=0)]
    limited = np.minimum(sums, np.percentile(high, 60)) if len(high) else sums
    # Odd, so that the closing is centered.
    kernel = np.ones((1, width | 1), dtype=np.uint8)
    padded = np.pad(limited, width)[None]
    return cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)[0, width : width + len(sums)]


def _range_of_greatest_excess(sums: NDArray[np.float32], fraction: float) -> tuple[int, int]:
    """Find the range whose sums exceed a level between the lowest and the highest by most."""
    low, high = np.percentile(sums, 4), sums.max()
    return range_of_greatest_sum(sums - (low + fraction * (high - low)))
