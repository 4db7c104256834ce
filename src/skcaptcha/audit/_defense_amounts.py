"""The amount of each defense in each captcha, measured from its image and its label."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from skcaptcha.denoise import Binarizer, Grayscale
from skcaptcha.denoise._morphological_opening import opening
from skcaptcha.measure import pitch
from skcaptcha.segments import ink_mask

Image = NDArray[np.uint8]
Amounts = NDArray[np.float64]

# In pitches, the distance from one character to the next.
_MAX_SPECK, _MIN_LINE, _MAX_GAP, _MIN_CHARACTER = 0.3, 0.6, 0.4, 0.4
# In stroke widths.
_THIN, _LINE_WIDTH = 0.6, 0.75
_THICK = 2.0  # thicker than anything drawn on the background
_MIN_LINE_PIXELS = 16
_MIN_VOTES, _ERASED_WIDTH, _FRAME = 8, 5, 2  # pixels
# Difference to the background, in the channel with the largest one.
_MIN_LINE_CONTRAST = 40
_MIN_INKED = 0.95  # fraction of a line
_MAX_LINES = 30
_LOOK_ALIKES = (
    *("0OoQD", "1IlLi|7", "5Ss", "2Zz", "8B", "6G"),
    *("9gq", "uvy", "ce", "hn", "mnrw", "VY"),
)
_SAME_IN_BOTH_CASES = "cCkKoOpPsSuUvVwWxXyYzZ"
_SIDE = 16  # pixels of the pictures that are compared
_MIN_SEEN = 3  # times that a character must occur for its variation to be measured
_QUARTILE_DISTANCE = 1.349  # of a normal distribution, in standard deviations


def measure_ink(images: Sequence[Image], labels: Sequence[str]) -> dict[str, Amounts]:
    """Return the amount, of shape (n,), of each defense that shows without locating characters.

    The images have shape (h, w) or (h, w, 3) and dtype uint8. Ink is found by Otsu's threshold.

    - ``noise``: pieces of ink that are smaller than 0.3 pitches in both directions and not part of
      a thin line.
    - ``lines``: straight lines of any color, at most 30, that are thinner than 0.75 strokes and at
      least 0.6 pitches and 16 pixels long.
    - ``touching``: number of characters minus number of pieces of thick ink that are large enough
      to be one.
    - ``background``: standard deviation of the background, estimated from its quartiles to exclude
      thin pale lines and the edges of characters, divided by its contrast with the ink.
    - ``length``: length of the label.
    - ``look_alikes``: characters of the label that resemble another character of the labels.
    """
    shades = Grayscale().fit_transform(list(images))
    inks = [ink_mask(ink).view(np.uint8) for ink in Binarizer(ink="auto").fit_transform(shades)]
    distance = pitch(shades, labels)
    stroke = _stroke_width(inks)
    measured = [
        _measure_one(image, shade, ink, len(label), distance=distance, stroke=stroke)
        for image, shade, ink, label in zip(images, shades, inks, labels, strict=True)
    ]
    noise, touching, background, lines = np.array(measured, dtype=float).T
    ambiguous = _ambiguous_characters("".join(labels))
    return {
        "noise": noise,
        "lines": lines,
        "touching": touching,
        "length": np.array([len(label) for label in labels], dtype=float),
        "background": background,
        "look_alikes": np.array([sum(c in ambiguous for c in y) for y in labels], dtype=float),
    }


def measure_characters(
    images: Sequence[Image], boxes: Sequence[NDArray[np.intp]], labels: Sequence[str]
) -> dict[str, Amounts]:
    """Return how much instances of the same character differ, of shape (n,) for each defense.

    The images are denoised, with bright ink, of shape (h, w); boxes of shape (k, 4) are those that
    a reader found. The amounts are NaN if the number of boxes differs from the number of
    characters, or if no character of the label occurs at least three times.

    - ``rotation``: tilt of the characters against the mean tilt of the same character, in degrees
      (root mean square).
    - ``shape``: distance of their pictures, scaled to one size, from the mean picture of the other
      instances, divided by the mean distance between the mean pictures of different characters.
    """
    seen: dict[str, list[tuple[int, float, Amounts]]] = defaultdict(list)
    for i, (image, own, label) in enumerate(zip(images, boxes, labels, strict=True)):
        if len(own) != len(label):
            continue
        for (x, y, w, h), character in zip(own.tolist(), label, strict=True):
            crop = image[y : y + h, x : x + w]
            if ink_mask(crop).any():
                seen[character].append((i, _tilt(crop), _picture(crop)))
    usual = [found for found in seen.values() if len(found) >= _MIN_SEEN]
    between = _mean_distance([np.mean([p for *_, p in found], axis=0) for found in usual])
    tilts: dict[int, list[float]] = defaultdict(list)
    shapes: dict[int, list[float]] = defaultdict(list)
    for found in usual:
        mean_tilt = float(np.mean([tilt for _, tilt, _ in found]))
        total = np.sum([picture for *_, picture in found], axis=0)
        for i, tilt, picture in found:
            others = (total - picture) / (len(found) - 1)
            tilts[i].append((tilt - mean_tilt) ** 2)
            shapes[i].append(float(np.linalg.norm(picture - others)))
    rotation, shape = np.full((2, len(labels)), np.nan)
    for i, squares in tilts.items():
        rotation[i] = np.sqrt(np.mean(squares))
        if between:
            shape[i] = np.mean(shapes[i]) / between
    return {"rotation": rotation, "shape": shape}


def _measure_one(
    image: Image, shade: Image, ink: Image, length: int, *, distance: float, stroke: float
) -> tuple[float, float, float, float]:
    """Return the amounts of noise, touching characters, background and lines."""
    drawn = _drawn(image)
    thick = opening(ink, max(2, round(_THIN * stroke)))
    # A threshold breaks thin lines into pieces, which their paler parts join again.
    joined = ink | _thin_parts(drawn, _THICK * stroke)
    pieces, sizes = _pieces(joined)
    small = np.all(sizes < _MAX_SPECK * distance, axis=1)
    specks = np.count_nonzero(np.take(small, np.unique(pieces[ink > 0]) - 1))
    large = (_pieces(thick)[1] >= _MIN_CHARACTER * distance).any(axis=1).sum()
    lines = _count_lines(drawn, distance, stroke)
    return float(specks), max(0.0, float(length - large)), _unevenness(shade, ink), lines


def _unevenness(shade: Image, ink: Image) -> float:
    """Return the deviation of the background's shades, divided by its contrast with the ink."""
    # The edges of the ink belong to neither.
    background = shade[cv2.dilate(ink, np.ones((3, 3), dtype=np.uint8)) == 0]
    inked = shade[ink > 0]
    if not (background.size and inked.size):
        return 0.0
    contrast = abs(shade[ink == 0].mean() - inked.mean())
    first, third = np.quantile(background, (0.25, 0.75))
    return float((third - first) / _QUARTILE_DISTANCE / contrast) if contrast else 0.0


def _drawn(image: Image) -> Image:
    """Mark what differs from the background, in the channel with the largest difference."""
    channels = image.reshape(*image.shape[:2], -1)
    background = np.median(channels.reshape(-1, channels.shape[2]), axis=0)
    return (np.abs(channels - background).max(axis=2) > _MIN_LINE_CONTRAST).astype(np.uint8)


def _thin_parts(drawn: Image, thickness: float) -> Image:
    return drawn & ~opening(drawn, max(2, round(thickness)))


def _count_lines(drawn: Image, distance: float, stroke: float) -> int:
    """Count thin straight lines, which characters may interrupt.

    The longest line that a Hough transform finds is counted and erased, until none is left.
    """
    # A frame does not cross characters.
    drawn[:_FRAME] = drawn[-_FRAME:] = drawn[:, :_FRAME] = drawn[:, -_FRAME:] = 0
    thin = _thin_parts(drawn, _LINE_WIDTH * stroke)
    # Pixels next to the straight line are not gaps, but spaces between dots and dashes are.
    wide = {
        is_upright: cv2.dilate(drawn, np.ones((1, 3) if is_upright else (3, 1), dtype=np.uint8)) > 0
        for is_upright in (False, True)
    }
    shortest = max(_MIN_LINE_PIXELS, _MIN_LINE * distance)
    for n in range(_MAX_LINES):
        found = cv2.HoughLinesP(
            thin,
            rho=1,
            theta=np.pi / 180,
            threshold=max(_MIN_VOTES, round(0.5 * shortest)),
            minLineLength=shortest,
            maxLineGap=_MAX_GAP * distance,
        )
        ends = np.empty((0, 4)) if found is None else found.reshape(-1, 4)
        lengths = np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1])
        for k in np.argsort(-lengths):
            x, y, right, bottom = ends[k].tolist()
            line = cv2.line(np.zeros_like(thin), (x, y), (right, bottom), 1) > 0
            # Rows of dots or dashes are inked only in part.
            if wide[abs(bottom - y) > abs(right - x)][line].mean() >= _MIN_INKED:
                # The line continues beyond a character that hides part of it.
                beyond = distance / lengths[k]
                dx, dy = round(beyond * (right - x)), round(beyond * (bottom - y))
                cv2.line(thin, (x - dx, y - dy), (right + dx, bottom + dy), 0, _ERASED_WIDTH)
                break
        else:
            return n
    return _MAX_LINES


def _pieces(ink: Image) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return each pixel's connected piece of ink, from 1, and width and height of each piece."""
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    return pieces, stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]


def _stroke_width(inks: Sequence[Image]) -> float:
    """Estimate the stroke width: bars of w pixels have a mean distance transform of (w + 2) / 4."""
    distances = [cv2.distanceTransform(ink, cv2.DIST_L2, 5)[ink > 0] for ink in inks]
    inked = np.concatenate([np.empty(0, np.float32), *distances])
    return max(1.0, 4 * float(inked.mean()) - 2) if len(inked) else 1.0


def _ambiguous_characters(labels: str) -> set[str]:
    """Return the characters of labels that are easily mistaken for another one of them."""
    present = set(labels)
    groups = [present.intersection(group) for group in _LOOK_ALIKES]
    both_cases = {c for c in present.intersection(_SAME_IN_BOTH_CASES) if c.swapcase() in present}
    return both_cases.union(*(group for group in groups if len(group) > 1))


def _tilt(crop: Image) -> float:
    """Return the angle, in degrees, by which ink moves right as it goes down."""
    moments = cv2.moments(crop)
    return float(np.degrees(np.arctan2(moments["mu11"], max(moments["mu02"], 1e-9))))


def _picture(crop: Image) -> Amounts:
    """Return the ink of a crop, scaled to 16 x 16 pixels, blurred and normalized."""
    rows, columns = np.nonzero(ink_mask(crop))
    tight = crop[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    resized = cv2.resize(tight, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    picture = cv2.GaussianBlur(resized, (0, 0), 1).astype(float).ravel()
    return picture / max(float(np.linalg.norm(picture)), 1e-9)


def _mean_distance(pictures: Sequence[Amounts]) -> float:
    distances = [float(np.linalg.norm(a - b)) for i, a in enumerate(pictures) for b in pictures[:i]]
    return float(np.mean(distances)) if distances else 0.0
