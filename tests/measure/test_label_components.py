"""Connected components of a batch equal those of each image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal
from skimage.measure import label, regionprops

from skcaptcha.denoise import SmallComponentRemover
from skcaptcha.measure import _label_components
from skcaptcha.measure._label_components import label_components

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 12))


@given(arrays(bool, SHAPES), st.sampled_from([4, 8]))
def test_components_equal_those_of_scikit_image(ink, connectivity):
    components = label_components(ink * np.uint8(255), connectivity)
    assert components.labels.shape == ink.shape
    assert (np.diff(components.image) >= 0).all()
    found = set()
    for i, own in enumerate(components.labels):
        # Other labels are those of removed components that another test has cached.
        numbers = np.intersect1d(own, components.number)
        places = np.searchsorted(components.number, numbers)
        assert components.image[places].tolist() == [i] * len(numbers)
        for place, number in zip(places, numbers, strict=True):
            (left, top), (right, bottom) = components.first[place], components.end[place]
            area = components.area[place]
            assert area == np.count_nonzero(own == number)
            found.add((i, top, left, bottom, right, area, (own == number).tobytes()))
    expected = set()
    for i, image in enumerate(ink):
        own = label(image, connectivity=1 if connectivity == 4 else 2)
        for region in regionprops(own):
            mask = (own == region.label).tobytes()
            expected.add((i, *region.bbox, region.area, mask))
    assert found == expected
    assert len(components.image) == len(expected)


@pytest.mark.parametrize("height", [5, 6])
def test_numbers_do_not_depend_on_the_position_in_the_batch(height):
    image = np.random.default_rng(0).integers(0, 2, (height, 30), dtype=np.uint8) * 255
    other = np.zeros_like(image)
    _label_components._REMEMBERED.clear()
    alone = label_components(image[None], 8).labels[0]
    for place in range(3):
        batch = np.stack([other] * 3)
        batch[place] = image
        assert (label_components(batch, 8).labels[place] == alone).all()


@given(arrays(bool, SHAPES), st.sampled_from([4, 8]), st.integers(0, 5))
def test_components_after_removal_are_the_same_as_labeled_again(ink, connectivity, min_area):
    images = ink * np.uint8(255)
    step = SmallComponentRemover(min_area, connectivity=connectivity)
    left = np.stack(step.transform(list(images)))
    n_remembered = len(_label_components._REMEMBERED)
    kept = label_components(left, connectivity)
    assert len(_label_components._REMEMBERED) == n_remembered - 1
    found = label_components(left, connectivity)
    for name in ("image", "first", "end", "area"):
        assert_array_equal(getattr(kept, name), getattr(found, name))
    rank = np.zeros(kept.labels.max() + 1, dtype=int)
    rank[kept.number] = found.number
    assert_array_equal(rank[kept.labels], found.labels)


def test_components_of_images_modified_after_removal_are_labeled_again():
    (image,) = SmallComponentRemover(2).transform([np.full((4, 5), 255, dtype=np.uint8)])
    image[:, 2] = 0
    assert label_components(image[None], 8).area.tolist() == [8, 8]


def test_unused_components_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(_label_components, "_REMEMBERED", {})
    monkeypatch.setattr(_label_components, "_MAX_PIXELS_REMEMBERED", 100)
    for k in range(1, 20):
        SmallComponentRemover(2).transform([np.full((4, k), 255, dtype=np.uint8)])
        kept = [components.labels.shape for components in _label_components._REMEMBERED.values()]
        assert sum(map(np.prod, kept)) <= 100
    assert kept == [(1, 4, 19)]
