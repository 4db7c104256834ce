"""Oversegmentation: positions of the cuts, and a candidate for every glyph and column."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline

from skcaptcha.datasets import SCHEMES
from skcaptcha.denoise import Binarizer, Grayscale
from skcaptcha.exceptions import SegmentationError
from skcaptcha.measure import pitch
from skcaptcha.segment import Oversegmentation

quick = settings(max_examples=60)
Box = list[int]


def candidates(image: np.ndarray, **parameters: int) -> list[Box]:
    segmenter = Oversegmentation(**parameters)
    return segmenter.fit_transform([image]).boxes.tolist()


def starts(image: np.ndarray, **parameters: int) -> list[int]:
    return [x for x, _, _, _ in candidates(image, max_pieces=1, **parameters)]


def is_tight(box: Box, image: np.ndarray) -> bool:
    x, y, w, h = box
    rows, columns = np.nonzero(image[:, x : x + w] > 127)
    ends = [columns.min(), columns.max() + 1, rows.min(), rows.max() + 1]
    return ends == [0, w, y, y + h]


def spans(image: np.ndarray) -> list[tuple[int, int]]:
    """The runs of columns with ink."""
    inked = np.pad((image > 127).any(axis=0), 1)
    edges = np.flatnonzero(np.diff(inked))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


@st.composite
def captchas(draw: st.DrawFn) -> np.ndarray:
    """Strokes, specks, gray noise, or almost empty images."""
    h, w = draw(st.integers(1, 30)), draw(st.integers(1, 90))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    image = np.zeros((h, w), dtype=np.uint8)
    if draw(st.booleans()):
        image[:] = rng.integers(0, 256, (h, w)) * (rng.random((h, w)) < draw(st.floats(0, 1)))
    for _ in range(draw(st.integers(0, 8))):
        a, b = rng.integers(-3, [w + 3, h + 3], (2, 2)).tolist()
        cv2.line(image, a, b, int(rng.integers(100, 256)), int(rng.integers(1, 5)))
    return image


widths = st.tuples(st.integers(1, 12), st.integers(0, 30)).map(
    lambda drawn: {"min_width": drawn[0], "max_width": sum(drawn)}
)


@quick
@given(image=captchas(), parameters=widths, max_pieces=st.integers(1, 6) | st.just(10**9))
def test_candidates_are_sorted_tight_and_contain_all_ink(
    image: np.ndarray, parameters: dict[str, int], max_pieces: int
) -> None:
    boxes = candidates(image, max_pieces=max_pieces, **parameters)
    assert boxes == sorted(boxes, key=lambda box: (box[0], box[2]))
    assert len({(x, w) for x, _, w, _ in boxes}) == len(boxes)
    assert all(is_tight(box, image) for box in boxes)
    assert all(w <= parameters["max_width"] for _, _, w, _ in boxes)
    covered = {column for x, _, w, _ in boxes for column in range(x, x + w)}
    assert covered >= set(np.flatnonzero((image > 127).any(axis=0)).tolist())


@quick
@given(image=captchas(), parameters=widths)
def test_pieces_divide_the_ink_and_narrow_ones_are_isolated(
    image: np.ndarray, parameters: dict[str, int]
) -> None:
    pieces = [(x, x + w) for x, _, w, _ in candidates(image, max_pieces=1, **parameters)]
    runs = spans(image)
    assert all(end <= begin for (_, end), (begin, _) in pairwise(pieces))
    assert sum(end - begin for begin, end in pieces) == sum(end - begin for begin, end in runs)
    if 2 * parameters["min_width"] <= parameters["max_width"]:  # or even cuts may be narrower
        short = [p for p in pieces if p[1] - p[0] < parameters["min_width"]]
        assert set(short) <= set(runs)


@quick
@given(image=captchas(), parameters=widths, max_pieces=st.integers(2, 6))
def test_candidates_are_all_unions_of_neighboring_pieces(
    image: np.ndarray, parameters: dict[str, int], max_pieces: int
) -> None:
    pieces = candidates(image, max_pieces=1, **parameters)
    unions = []
    for i in range(len(pieces)):
        for j in range(i, min(i + max_pieces, len(pieces))):
            parts = pieces[i : j + 1]
            x, top = parts[0][0], min(y for _, y, _, _ in parts)
            right, bottom = parts[-1][0] + parts[-1][2], max(y + h for _, y, _, h in parts)
            if right - x <= parameters["max_width"]:
                unions.append([x, top, right - x, bottom - top])
    assert candidates(image, max_pieces=max_pieces, **parameters) == unions


@quick
@given(data=st.data(), margin=st.integers(1, 9), parameters=widths)
def test_moving_the_image_moves_the_boxes(
    data: st.DataObject, margin: int, parameters: dict[str, int]
) -> None:
    image = np.pad(data.draw(captchas()), margin)
    dx, dy = data.draw(st.tuples(*[st.integers(-margin, margin)] * 2))
    moved = np.roll(image, (dy, dx), axis=(0, 1))
    expected = [[x + dx, y + dy, w, h] for x, y, w, h in candidates(image, **parameters)]
    assert candidates(moved, **parameters) == expected


@quick
@given(data=st.data())
def test_separate_glyphs_have_their_boxes(data: st.DataObject) -> None:
    """Glyphs of any shape, from the width of a stroke to four times the minimum width."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    drawn, x = [], 2
    image = np.zeros((30, 200), dtype=np.uint8)
    for _ in range(data.draw(st.integers(1, 6))):
        w, h, y = *rng.integers(1, [25, 21]), rng.integers(0, 10)
        glyph = rng.random((h, w)) < 0.5
        glyph[0], glyph[-1, rng.integers(w)] = True, True
        image[y : y + h, x : x + w] = 255 * glyph
        drawn.append([x, y, w, h])
        x += w + rng.integers(1, 6)
    found = candidates(image, min_width=6, max_width=30)
    assert all(box in found for box in drawn)


@quick
@given(
    sizes=st.lists(st.tuples(st.integers(8, 16), st.integers(12, 20)), min_size=2, max_size=5),
    neck=st.integers(1, 5),
    thickness=st.integers(1, 4),
)
def test_touching_glyphs_have_candidates(
    sizes: list[tuple[int, int]], neck: int, thickness: int
) -> None:
    """The connection may be assigned to either glyph."""
    image = np.zeros((24, 120), dtype=np.uint8)
    begins = 3 + np.cumsum([0, *(w + neck for w, _ in sizes)])[:-1]
    image[12 : 12 + thickness, 3 : begins[-1] + 1] = 255
    for x, (w, h) in zip(begins, sizes, strict=True):
        image[22 - h : 22, x : x + w] = 255
    found = {(x, x + w) for x, _, w, _ in candidates(image, min_width=5, max_width=24)}
    for x, (w, _) in zip(begins, sizes, strict=True):
        assert any(x - neck <= a <= x and x + w <= b <= x + w + neck for a, b in found)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_generated_captchas_are_covered(scheme: str) -> None:
    images, y = SCHEMES[scheme](8, random_state=0)
    inks = make_pipeline(Grayscale(), Binarizer(ink="auto")).fit_transform(images)
    segmenter = Oversegmentation()
    segments = segmenter.fit_transform(inks, y)
    for i, ink in enumerate(inks):
        boxes = segments[i].boxes
        assert all(is_tight(box, ink) for box in boxes.tolist())
        covered = np.zeros(ink.shape[1], dtype=bool)
        for x, _, w, _ in boxes:
            covered[x : x + w] = True
        assert_array_equal(covered | (ink > 127).any(axis=0), covered)
        assert boxes[:, 2].max() <= segmenter.max_width_


class TestCuts:
    def test_cut_in_the_middle_of_a_plateau(self) -> None:
        image = np.zeros((12, 30), dtype=np.uint8)
        image[1:11, 2:27] = 255
        image[1:8, 12:17] = 0
        assert starts(image, min_width=3, max_width=30) == [2, 14]

    def test_a_valley_of_shades(self) -> None:
        image = np.zeros((12, 30), dtype=np.uint8)
        image[1:11, 2:27] = 230
        image[1:11, 13:15] = 140
        assert starts(image, min_width=3, max_width=30) == [2, 14]

    def test_the_deeper_of_two_close_valleys(self) -> None:
        image = np.zeros((12, 40), dtype=np.uint8)
        image[1:11, 2:38] = 255
        image[1:6, 14:16] = image[1:9, 20:22] = 0
        assert starts(image, min_width=6, max_width=40) == [2, 15, 21]
        assert starts(image, min_width=7, max_width=40) == [2, 21]
        assert starts(image[:, ::-1], min_width=6, max_width=40) == [2, 19, 25]
        assert starts(image[:, ::-1], min_width=7, max_width=40) == [2, 19]

    def test_where_connected_components_begin_and_end(self) -> None:
        """The lower component has no valley at its ends: the upper one continues above it."""
        image = np.zeros((20, 40), dtype=np.uint8)
        image[1:5, 2:30] = image[8:18, 22:38] = 255
        assert starts(image, min_width=4, max_width=40) == [2, 22, 30]

    def test_ink_without_a_valley_is_cut_evenly(self) -> None:
        image = np.zeros((12, 60), dtype=np.uint8)
        image[1:11, 5:55] = 255
        boxes = candidates(image, max_pieces=1, min_width=4, max_width=20)
        assert boxes == [[5, 1, 16, 10], [21, 1, 17, 10], [38, 1, 17, 10]]

    def test_images_without_ink_have_no_candidates(self) -> None:
        image = np.zeros((12, 60), dtype=np.uint8)
        fitted = Oversegmentation().fit([image])
        assert fitted.transform([image, image + 255, image]).counts[[0, 2]].tolist() == [0, 0]


class TestWidths:
    images = [np.pad(np.full((20, n), 255, dtype=np.uint8), 10) for n in (40, 60)]

    def test_learned_from_the_labels(self) -> None:
        apart = pitch(self.images, ["ab", "abc"])
        for fit in (Oversegmentation.fit, Oversegmentation.fit_transform):
            segmenter = Oversegmentation()
            fit(segmenter, self.images, np.array(["ab", "abc"]))
            assert segmenter.min_width_ == round(apart / 4)
            assert segmenter.max_width_ == round(1.8 * apart)

    def test_without_labels_learned_from_the_height(self) -> None:
        segmenter = Oversegmentation().fit(self.images)
        assert (segmenter.min_width_, segmenter.max_width_) == (5, 36)

    def test_given_widths_are_used(self) -> None:
        segmenter = Oversegmentation(min_width=3).fit(self.images)
        assert (segmenter.min_width_, segmenter.max_width_) == (3, 36)
        segmenter = Oversegmentation(min_width=2, max_width=7).fit(self.images, ["a", "b"])
        assert (segmenter.min_width_, segmenter.max_width_) == (2, 7)

    def test_tiny_images_have_widths(self) -> None:
        segmenter = Oversegmentation().fit([np.full((1, 3), 255, dtype=np.uint8)], ["abcd"])
        assert segmenter.min_width_ == segmenter.max_width_ == 1

    def test_wrong(self) -> None:
        with pytest.raises(ValueError, match=r"min_width \(9\) .* max_width \(4\)"):
            Oversegmentation(min_width=9, max_width=4).fit(self.images)
        with pytest.raises(ValueError, match="expected 2 labels"):
            Oversegmentation().fit(self.images, ["abcd"])
        with pytest.raises(SegmentationError, match="no training images"):
            Oversegmentation().fit([])
