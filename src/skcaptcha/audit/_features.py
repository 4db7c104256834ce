"""How much of each defense every captcha has, in numbers taken from its image and its label."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from skcaptcha.denoise import Binarizer, Grayscale
from skcaptcha.denoise._morphological_opening import opened
from skcaptcha.measure import pitch
from skcaptcha.segments import ink_mask

Image = NDArray[np.uint8]
Amounts = NDArray[np.float64]

# Of the distance from one character to the next.
_SPECK, _LINE, _GAP, _CHARACTER = 0.25, 0.6, 0.4, 0.4
# Of the thickness of strokes.
_THIN = 0.6
_FEWEST_VOTES, _LINE_WIDTH, _FRAME = 8, 5, 2  # pixels
_SHORTEST_LINE = 16  # pixels
# How far a pixel of a line is from the ground, in the channel that shows it best.
_LINE_CONTRAST = 40
_LINE_THICKNESS = 0.75  # of that of strokes
_BULK = 2.0  # of that of strokes: thicker than anything that is drawn on the ground
_LEAST_INKED = 0.95  # of a line's length
_MOST_LINES = 30
_LOOK_ALIKE = ("0OoQD", "1IlLi|7", "5Ss", "2Zz", "8B", "6G", "9gq", "uvy", "ce", "hn", "mnrw", "VY")
_SIDE = 16  # pixels of a character's picture when shapes are compared
_FEWEST = 3  # of one character, to say how much they differ
_QUARTILES_OF_NORMAL = 1.349  # their distance, in standard deviations


def amounts_of_ink(images: Sequence[Image], labels: Sequence[str]) -> dict[str, Amounts]:
    """Measure what can be told from the ink alone.

    Ink is what Otsu's threshold tells from the ground.

    Parameters
    ----------
    images : sequence of n ndarrays of shape (h, w) or (h, w, 3), dtype uint8
    labels : sequence of n str

    Returns
    -------
    amounts : dict of str to ndarray of shape (n,)
        ``noise``: pieces of ink of less than a quarter of the pitch, across and down, that are no
        part of a thin line, which may be paler than ink. ``lines``:
        straight lines that are thinner than 0.75 of a stroke, of any color that differs from the
        ground, and as long as 0.6 of the pitch and 16 pixels; 30 at most.
        ``touching``: by how many the characters outnumber the pieces of thicker ink that are large
        enough to be one. ``ground``: the standard deviation of the ground's shades, estimated from
        their quartiles so that thin pale lines and edges of characters do not count, divided by
        how far the ink's mean shade is from the ground's. ``length``: characters of the label.
        ``alphabet``: characters of the label that others, which occur in the labels, look like.

    Examples
    --------
    >>> from skcaptcha.audit._features import amounts_of_ink
    >>> from skcaptcha.datasets import make_line_captchas
    >>> amounts = amounts_of_ink(*make_line_captchas(5, random_state=0))
    >>> sorted(amounts)
    ['alphabet', 'ground', 'length', 'lines', 'noise', 'touching']
    """
    shades = Grayscale().fit_transform(list(images))
    inks = [ink_mask(ink).view(np.uint8) for ink in Binarizer(ink="auto").fit_transform(shades)]
    distance = pitch(shades, labels)
    thickness = _stroke(inks)
    rows = [
        _of_one(image, shade, ink, len(label), distance=distance, thickness=thickness)
        for image, shade, ink, label in zip(images, shades, inks, labels, strict=True)
    ]
    names = ("noise", "touching", "ground")
    amounts = {
        name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }
    alike = _with_doubles("".join(labels))
    return amounts | {
        "lines": np.array(
            [_count_lines(image, distance, thickness) for image in images], dtype=float
        ),
        "length": np.array([len(label) for label in labels], dtype=float),
        "alphabet": np.array([sum(c in alike for c in label) for label in labels], dtype=float),
    }


def amounts_of_characters(
    images: Sequence[Image], boxes: Sequence[NDArray[np.intp]], labels: Sequence[str]
) -> dict[str, Amounts]:
    """Measure how much characters of one kind differ from each other.

    Parameters
    ----------
    images : sequence of n ndarrays of shape (h, w), dtype uint8
        Denoised: ink bright on a dark ground.
    boxes : sequence of n ndarrays of shape (k, 4)
        Where a reader found the characters.
    labels : sequence of n str

    Returns
    -------
    amounts : dict of str to ndarray of shape (n,)
        ``rotation``: how many degrees the characters lean more or less than the mean of their kind
        (root of the mean square). ``shape``: how far their pictures, brought to one size, are from
        the mean picture of the others of their kind, divided by how far mean pictures of different
        kinds are from each other. nan where as many boxes as characters were not found, or where
        all characters of the label are seen less than three times.
    """
    kinds: dict[str, list[tuple[int, float, Amounts]]] = defaultdict(list)
    for i, (image, places, label) in enumerate(zip(images, boxes, labels, strict=True)):
        if len(places) != len(label):
            continue
        for (x, y, w, h), character in zip(places.tolist(), label, strict=True):
            crop = image[y : y + h, x : x + w]
            if ink_mask(crop).any():
                kinds[character].append((i, _lean(crop), _picture(crop)))
    usual = {c: found for c, found in kinds.items() if len(found) >= _FEWEST}
    between = _mean_distance(
        [np.mean([picture for *_, picture in found], axis=0) for found in usual.values()]
    )
    leans: dict[int, list[float]] = defaultdict(list)
    shapes: dict[int, list[float]] = defaultdict(list)
    for found in usual.values():
        mean_lean = float(np.mean([lean for _, lean, _ in found]))
        total = np.sum([picture for *_, picture in found], axis=0)
        for i, lean, picture in found:
            others = (total - picture) / (len(found) - 1)
            leans[i].append((lean - mean_lean) ** 2)
            shapes[i].append(float(np.linalg.norm(picture - others)))
    n = len(labels)
    return {
        "rotation": np.array(
            [np.sqrt(np.mean(leans[i])) if i in leans else np.nan for i in range(n)]
        ),
        "shape": np.array(
            [np.mean(shapes[i]) / between if i in shapes and between else np.nan for i in range(n)]
        ),
    }


def _of_one(
    image: Image, shade: Image, ink: Image, length: int, *, distance: float, thickness: float
) -> tuple[float, float, float]:
    thick = opened(ink, max(2, round(_THIN * thickness)))
    # One threshold breaks a thin line into pieces, which its paler parts join again.
    joined = ink | _without_thick(_drawn(image), _BULK * thickness)
    pieces = cv2.connectedComponents(joined, connectivity=8)[1]
    small = np.all(_sizes(joined) < _SPECK * distance, axis=1)
    specks = np.count_nonzero(np.take(small, np.unique(pieces[ink > 0]) - 1))
    large = (_sizes(thick) >= _CHARACTER * distance).any(axis=1).sum()
    return float(specks), float(max(0, length - large)), _unevenness(shade, ink)


def _unevenness(shade: Image, ink: Image) -> float:
    """Divide how much the shades of the ground vary by their mean distance from ink."""
    # Edges of ink are between both.
    ground = shade[cv2.dilate(ink, np.ones((3, 3), dtype=np.uint8)) == 0]
    inked = shade[ink > 0]
    contrast = abs(shade[ink == 0].mean() - inked.mean()) if ground.size and inked.size else 0.0
    if not contrast:
        return 0.0
    first, third = np.quantile(ground, (0.25, 0.75))
    return float((third - first) / _QUARTILES_OF_NORMAL / contrast)


def _drawn(image: Image) -> Image:
    """Mark what differs from the ground in the channel that shows it best."""
    channels = image.reshape(*image.shape[:2], -1)
    ground = np.median(channels.reshape(-1, channels.shape[2]), axis=0)
    return (np.abs(channels - ground).max(axis=2) > _LINE_CONTRAST).astype(np.uint8)


def _without_thick(drawn: Image, thickness: float) -> Image:
    return drawn & ~opened(drawn, max(2, round(thickness)))


def _count_lines(image: Image, distance: float, thickness: float) -> int:
    """Count thin straight lines, which characters may interrupt.

    The longest one that a Hough transform finds is counted and erased, until none is left.
    """
    drawn = _drawn(image)
    # A frame is no line that crosses characters.
    drawn[:_FRAME] = drawn[-_FRAME:] = drawn[:, :_FRAME] = drawn[:, -_FRAME:] = 0
    thin = _without_thick(drawn, _LINE_THICKNESS * thickness)
    # A pixel off the straight line is no gap in it, but what lies between dots and dashes is.
    wide = {
        upright: cv2.dilate(drawn, np.ones((1, 3) if upright else (3, 1), dtype=np.uint8)) > 0
        for upright in (False, True)
    }
    shortest = max(_SHORTEST_LINE, _LINE * distance)
    for n in range(_MOST_LINES):
        found = cv2.HoughLinesP(
            thin,
            rho=1,
            theta=np.pi / 180,
            threshold=max(_FEWEST_VOTES, round(0.5 * shortest)),
            minLineLength=shortest,
            maxLineGap=_GAP * distance,
        )
        ends = np.empty((0, 4)) if found is None else found.reshape(-1, 4)
        lengths = np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1])
        for k in np.argsort(-lengths):
            x, y, right, bottom = ends[k].tolist()
            line = cv2.line(np.zeros_like(thin), (x, y), (right, bottom), 1) > 0
            # Rows of dots or dashes have ink here and there only.
            if wide[abs(bottom - y) > abs(right - x)][line].mean() >= _LEAST_INKED:
                # Beyond a character that hides a part of it, it goes on.
                beyond = distance / lengths[k]
                dx, dy = round(beyond * (right - x)), round(beyond * (bottom - y))
                cv2.line(thin, (x - dx, y - dy), (right + dx, bottom + dy), 0, _LINE_WIDTH)
                break
        else:
            return n
    return _MOST_LINES


def _sizes(ink: Image) -> NDArray[np.intp]:
    """Give width and height of every connected piece of ink."""
    stats = cv2.connectedComponentsWithStats(ink, connectivity=8)[2]
    return stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].astype(np.intp)


def _stroke(inks: Sequence[Image]) -> float:
    """Estimate how thick strokes are: bars of w pixels have a mean distance of (w + 2) / 4."""
    distances = [cv2.distanceTransform(ink, cv2.DIST_L2, 5)[ink > 0] for ink in inks]
    inked = np.concatenate([np.empty(0, np.float32), *distances])
    return max(1.0, 4 * float(inked.mean()) - 2) if len(inked) else 1.0


def _with_doubles(labels: str) -> set[str]:
    """Find the characters of labels for which another one is easily taken."""
    there = set(labels)
    groups = [there.intersection(group) for group in _LOOK_ALIKE]
    pairs = {
        c
        for c in there
        if c.swapcase() != c and c.swapcase() in there and c in "cCkKoOpPsSuUvVwWxXyYzZ"
    }
    return pairs.union(*(group for group in groups if len(group) > 1))


def _lean(crop: Image) -> float:
    """Give the angle, in degrees, by which ink moves right as it goes down."""
    moments = cv2.moments(crop)
    return float(np.degrees(np.arctan2(moments["mu11"], max(moments["mu02"], 1e-9))))


def _picture(crop: Image) -> Amounts:
    rows, columns = np.nonzero(ink_mask(crop))
    tight = crop[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    resized = cv2.resize(tight, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    picture = cv2.GaussianBlur(resized, (0, 0), 1).astype(float).ravel()
    return picture / max(float(np.linalg.norm(picture)), 1e-9)


def _mean_distance(pictures: Sequence[Amounts]) -> float:
    distances = [float(np.linalg.norm(a - b)) for i, a in enumerate(pictures) for b in pictures[:i]]
    return float(np.mean(distances)) if distances else 0.0
