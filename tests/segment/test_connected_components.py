"""Connected components: compared with scikit-image; merging and splitting of drawn strings."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.testing import assert_array_equal
from skimage.measure import label, regionprops

from skcaptcha.exceptions import ImageError
from skcaptcha.segment import ConnectedComponents

small = npst.arrays(np.bool_, npst.array_shapes(min_dims=2, max_dims=2, max_side=16))


def picture(*rectangles: tuple[int, int, int, int], size: tuple[int, int] = (20, 60)) -> np.ndarray:
    image = np.zeros(size, dtype=np.uint8)
    for x, y, w, h in rectangles:
        image[y : y + h, x : x + w] = 255
    return image


def boxes(segmenter: ConnectedComponents, image: np.ndarray) -> list[list[int]]:
    return segmenter.fit_transform([image]).boxes.tolist()


def stacked(a: np.ndarray, b: np.ndarray, share: float) -> bool:
    """Whether the columns of two components overlap by this fraction of the narrower one."""
    spans = [(columns.min(), columns.max() + 1) for columns in (a[:, 1], b[:, 1])]
    common = min(end for _, end in spans) - max(begin for begin, _ in spans)
    return common >= share * min(end - begin for begin, end in spans)


@given(ink=small, connectivity=st.sampled_from([4, 8]), share=st.sampled_from([0.25, 0.5, 1.0]))
def test_groups_are_components_with_overlapping_columns(
    ink: np.ndarray, connectivity: int, share: float
) -> None:
    """The reference labels with scikit-image and joins groups while any two overlap."""
    groups = [[r.coords] for r in regionprops(label(ink, connectivity=1 + (connectivity == 8)))]
    merged = True
    while merged:
        merged = False
        for i, a in enumerate(groups):
            for b in groups[i + 1 :]:
                if not merged and any(stacked(p, q, share) for p in a for q in b):
                    groups = [g for g in groups if g is not a and g is not b] + [a + b]
                    merged = True
    pixels = [np.concatenate(group) for group in groups]
    pixels.sort(key=lambda own: own[:, 1].min())
    expected = np.zeros(ink.shape, dtype=int)
    for k, own in enumerate(pixels, 1):
        expected[tuple(own.T)] = k
    segmenter = ConnectedComponents(merge_overlap=share, connectivity=connectivity)
    segments = segmenter.fit_transform([ink.astype(np.uint8) * 255])
    assert_array_equal(segments.owners[0], expected)
    for (x, y, w, h), own in zip(segments.boxes, pixels, strict=True):
        assert_array_equal([y, x], own.min(axis=0))
        assert_array_equal([y + h, x + w], own.max(axis=0) + 1)


class TestMerging:
    def test_the_dot_belongs_to_the_i(self) -> None:
        image = picture((10, 2, 2, 2), (10, 6, 2, 10), (20, 6, 8, 10))
        assert boxes(ConnectedComponents(), image) == [[10, 2, 2, 14], [20, 6, 8, 10]]

    def test_overlap_counts_from_the_given_fraction(self) -> None:
        image = picture((10, 2, 4, 4), (12, 10, 8, 4))  # two of the narrower one's four columns
        assert len(boxes(ConnectedComponents(merge_overlap=0.5), image)) == 1
        assert len(boxes(ConnectedComponents(merge_overlap=0.51), image)) == 2

    def test_too_many_groups_are_merged_into_the_narrowest_unions(self) -> None:
        image = picture((2, 4, 8, 10), (20, 4, 2, 10), (23, 4, 3, 10), (40, 4, 8, 10))
        expected = [[2, 4, 8, 10], [20, 4, 6, 10], [40, 4, 8, 10]]
        assert boxes(ConnectedComponents(3), image) == expected
        assert boxes(ConnectedComponents(2), image) == [[2, 4, 24, 10], [40, 4, 8, 10]]
        assert len(boxes(ConnectedComponents(4), image)) == 4

    def test_the_narrowest_union_is_not_the_smallest_gap(self) -> None:
        image = picture((2, 4, 12, 10), (15, 4, 3, 10), (21, 4, 3, 10))
        assert boxes(ConnectedComponents(2), image) == [[2, 4, 12, 10], [15, 4, 9, 10]]

    def test_connectivity(self) -> None:
        image = picture((2, 2, 4, 4), (6, 6, 4, 4))  # touch at a corner
        assert len(boxes(ConnectedComponents(), image)) == 1
        assert len(boxes(ConnectedComponents(connectivity=4), image)) == 2


class TestCutting:
    def test_cut_at_the_thinnest_ink(self) -> None:
        image = picture((5, 4, 10, 12), (15, 9, 2, 2), (17, 4, 10, 12), (40, 4, 10, 12))
        first, second, third = boxes(ConnectedComponents(3), image)
        assert first[0] == 5
        assert 15 <= second[0] <= 17
        assert second[0] + second[2] == 27
        assert third == [40, 4, 10, 12]

    def test_the_widest_group_if_the_ink_is_equal(self) -> None:
        image = picture((2, 4, 10, 12), (16, 4, 30, 12))
        expected = [[2, 4, 10, 12]] + [[x, 4, 10, 12] for x in (16, 26, 36)]
        assert boxes(ConnectedComponents(4), image) == expected

    def test_splitting_one_group_leaves_the_others_unchanged(self) -> None:
        """Slanted strokes in the same columns: each segment is part of one of them."""
        image = np.zeros((30, 60), dtype=np.uint8)
        cv2.line(image, (5, 25), (30, 5), 255, 2)
        cv2.line(image, (18, 28), (43, 8), 255, 2)
        segments = ConnectedComponents(4, merge_overlap=1.0).fit_transform([image])
        whole = ConnectedComponents(merge_overlap=1.0).fit_transform([image]).owners[0]
        for k in range(1, 5):
            assert len(np.unique(whole[segments.owners[0] == k])) == 1

    @pytest.mark.parametrize("flip", [slice(None), slice(None, None, -1)])
    def test_diagonal_neighbors_are_disconnected_too(self, flip: slice) -> None:
        """Each cut disconnects one pixel: at the bridge in the middle, at the corner at the end."""
        image = picture((2, 1, 8, 5), (10, 5, 2, 1), (12, 1, 8, 5), (20, 6, 2, 5))[flip]
        segments = ConnectedComponents(2, balance=0.01).fit_transform([image])
        assert 10 <= segments.boxes[1, 0] <= 12

    def test_cut_at_the_expected_starts(self) -> None:
        """Equal ink on both sides of the cut: only the starts distinguish the glyphs."""
        training = [
            picture((x, 4, 12, 12), (x + second, 4, 4, 12), (x + 30, 4, 10, 12))
            for x in (5, 8)
            for second in (15, 18, 20, 22, 20, 25)
        ]
        touching = picture((9, 4, 26, 12), (39, 4, 10, 12))
        segmenter = ConnectedComponents(3)
        assert boxes(segmenter, touching)[1][0] == 9 + 13
        assert segmenter.expected_starts_ is None
        segmenter.fit(training)
        assert_array_equal(segmenter.expected_starts_[0], [0, 20, 30])
        assert segmenter.transform([touching]).boxes[:, 0].tolist() == [9, 9 + 20, 39]

    def test_expected_starts_are_learned_from_ten_images_that_show_them(self) -> None:
        shown, hidden = picture((2, 4, 8, 9), (20, 4, 8, 9)), picture((2, 4, 26, 9))
        segmenter = ConnectedComponents(2)
        assert segmenter.fit([shown] * 9 + [hidden] * 5).expected_starts_ is None
        assert_array_equal(segmenter.fit([shown] * 10 + [hidden]).expected_starts_[0], [0, 18])
        assert ConnectedComponents().fit([shown] * 10).expected_starts_ is None

    def test_touching_digits(self) -> None:
        """The top of a 7 touches the top of a 4; the neighbors on both sides are unchanged."""
        image = np.zeros((30, 90), dtype=np.uint8)
        four = [[(9, 0), (9, 20)], [(0, 0), (0, 10), (12, 10)]]
        seven = [[(0, 0), (12, 0), (5, 20)]]
        for digit, x in ((seven, 4), (four, 26), (seven, 37), (four, 64)):
            cv2.polylines(image, [np.add(line, [x, 5]) for line in digit], False, 255, 2)
        whole = ConnectedComponents().fit_transform([image])
        cut = ConnectedComponents(4).fit_transform([image])
        assert len(whole.boxes) == 3
        assert_array_equal(cut.boxes[[0, 3]], whole.boxes[[0, 2]])
        assert cut.boxes[2, 0] == pytest.approx(37, abs=3)


def test_slanted_neighbors_do_not_appear_in_each_others_crops() -> None:
    image = np.zeros((20, 30), dtype=np.uint8)
    cv2.line(image, (4, 18), (14, 2), 255)
    cv2.line(image, (11, 18), (21, 2), 255)
    segments = ConnectedComponents(2).fit_transform([image])
    (a, _, width, _), (b, *_) = segments.boxes.tolist()
    assert b < a + width
    first, second = segments.crops((17, 11))
    assert_array_equal(first, second)
    assert np.count_nonzero(first) == np.count_nonzero(image) / 2


@pytest.mark.parametrize("n", [None, 3])
def test_blank_image(n: int | None) -> None:
    segments = ConnectedComponents(n).fit_transform([np.zeros((5, 9), np.uint8)])
    assert segments.boxes.tolist() == ([[0, 0, 3, 5], [3, 0, 3, 5], [6, 0, 3, 5]] if n else [])
    assert segments.crops((4, 4)).shape == (n or 0, 4, 4)


@pytest.mark.parametrize("image", [np.zeros((4, 5, 3), np.uint8), np.zeros((0, 5), np.uint8)])
def test_bad_image_is_named_before_anything_is_learned(image: np.ndarray) -> None:
    with pytest.raises(ImageError, match="image 1"):
        ConnectedComponents(2).fit([picture((1, 1, 9, 9)), image])


@pytest.mark.parametrize(("n_clumps", "learned"), [(36, True), (37, False)])
def test_expected_starts_are_not_learned_from_exceptions(n_clumps, learned):
    """Twelve images show two separate characters: at most a quarter of all images."""
    apart, clump = np.zeros((12, 30), np.uint8), np.zeros((12, 30), np.uint8)
    apart[2:10, 4:10] = apart[2:10, 16:22] = 255
    clump[2:10, 4:20] = 255
    segmenter = ConnectedComponents(n_characters=2).fit([apart] * 12 + [clump] * n_clumps)
    assert (segmenter.expected_starts_ is not None) == learned
