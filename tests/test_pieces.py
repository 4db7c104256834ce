"""Pieces of ink of a batch are those of each image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.measure import label, regionprops

from skcaptcha._pieces import label_pieces

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 12))


@given(arrays(bool, SHAPES), st.sampled_from([4, 8]))
def test_they_are_those_of_scikit_image(ink, connectivity):
    pieces = label_pieces(ink * np.uint8(255), connectivity)
    assert pieces.labels.shape == ink.shape
    assert (np.diff(pieces.image) >= 0).all()
    found = set()
    for i, own in enumerate(pieces.labels):
        numbers = np.unique(own[own > 0])
        assert pieces.image[numbers - 1].tolist() == [i] * len(numbers)
        for number in numbers:
            (left, top), (right, bottom) = pieces.least[number - 1], pieces.most[number - 1]
            area = pieces.area[number - 1]
            assert area == np.count_nonzero(own == number)
            found.add((i, top, left, bottom, right, area, (own == number).tobytes()))
    expected = set()
    for i, image in enumerate(ink):
        own = label(image, connectivity=1 if connectivity == 4 else 2)
        for region in regionprops(own):
            mask = (own == region.label).tobytes()
            expected.add((i, *region.bbox, region.area, mask))
    assert found == expected
    assert len(pieces.image) == len(expected)


@pytest.mark.parametrize("height", [5, 6])
def test_they_are_numbered_alike_wherever_the_image_stands(height):
    image = np.random.default_rng(0).integers(0, 2, (height, 30), dtype=np.uint8) * 255
    other = np.zeros_like(image)
    alone = label_pieces(image[None], 8).labels[0]
    for place in range(3):
        batch = np.stack([other] * 3)
        batch[place] = image
        assert (label_pieces(batch, 8).labels[place] == alone).all()
