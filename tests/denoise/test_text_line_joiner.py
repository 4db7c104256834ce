from itertools import combinations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skcaptcha.denoise import TextLineJoiner

INK = arrays(np.bool_, st.tuples(st.integers(1, 14), st.integers(1, 7)))


def join(image, n_lines=2, *, separator=False):
    return TextLineJoiner(n_lines, separator=separator).fit_transform([image])[0]


def parts(joined, n_lines, width):
    """The lines of a joined image, without the gaps between them."""
    gap = (joined.shape[1] - n_lines * width) // (n_lines - 1)
    return [joined[:, k * (width + gap) :][:, :width] for k in range(n_lines)]


def trimmed(line):
    rows = np.flatnonzero(line.any(axis=1))
    return line[rows[0] : rows[-1] + 1] if len(rows) else line[:0]


@example(ink=np.array([[0], [0], [1], [1], [1]], dtype=bool), n_lines=4)
@example(ink=np.array([[1], [0], [0], [1], [0], [1]], dtype=bool), n_lines=5)
@given(ink=INK, n_lines=st.integers(2, 7))
def test_all_ink_stays_in_its_column_and_in_order(ink, n_lines):
    image = np.where(ink, np.uint8(255), np.uint8(0))
    lines = parts(join(image, n_lines), n_lines, image.shape[1])
    stacked = [line.sum(axis=0, dtype=int) for line in lines]
    np.testing.assert_array_equal(np.sum(stacked, axis=0), image.sum(axis=0, dtype=int))
    rows = np.concatenate([line[line.any(axis=1)] for line in lines])
    np.testing.assert_array_equal(rows, image[image.any(axis=1)])


@given(ink=INK)
def test_the_cut_is_the_best_of_all(ink):
    rows = np.flatnonzero(ink.any(axis=1))
    ink = ink[rows[0] : rows[-1] + 1] if len(rows) else ink[:0]
    height, per_row = len(ink), ink.sum(axis=1)
    if height < 3:
        return

    def cost(cut):
        if max(cut, height - cut) > 0.75 * height:
            return np.inf
        balance = 2 * 0.3 * (2 * cut / height - 1) ** 2
        return min(per_row[cut - 1], per_row[cut]) / per_row.max() + balance

    costs = [cost(cut) for cut in range(1, height)]
    image = np.where(ink, np.uint8(255), np.uint8(0))
    upper, _ = parts(join(image), 2, image.shape[1])
    found = [
        cut for cut in range(1, height) if np.array_equal(trimmed(upper), trimmed(image[:cut]))
    ]
    assert min(cost(cut) for cut in found) == pytest.approx(min(costs))


@given(ink=INK, above=st.integers(0, 5), below=st.integers(0, 5))
def test_rows_of_background_around_the_text_only_change_the_height(ink, above, below):
    image = np.where(ink, np.uint8(255), np.uint8(0))
    padded = np.pad(image, ((above, below), (0, 0)))
    width = image.shape[1]
    lines, others = parts(join(image), 2, width), parts(join(padded), 2, width)
    for line, other in zip(lines, others, strict=True):
        np.testing.assert_array_equal(trimmed(line), trimmed(other))


@pytest.mark.parametrize("n_lines", [2, 3])
def test_lines_are_split_at_empty_rows(n_lines):
    rng = np.random.default_rng(0)
    lines = [np.where(rng.random((9 + k, 30)) < 0.9, 255, 0) for k in range(n_lines)]
    image = np.vstack([np.pad(line, ((2, 1), (3, 3))) for line in lines]).astype(np.uint8)
    found = parts(join(image, n_lines), n_lines, 36)
    for line, expected in zip(found, lines, strict=True):
        np.testing.assert_array_equal(trimmed(line)[:, 3:-3], expected)
        rows = np.flatnonzero(line.any(axis=1))
        assert abs((rows[0] + rows[-1]) / 2 - (len(line) - 1) / 2) <= 0.5


def test_soft_edges_belong_to_the_line():
    image = np.zeros((20, 6), dtype=np.uint8)
    image[2:8] = image[11:17] = 255
    image[[1, 8, 10, 17]] = 90
    for line in parts(join(image), 2, 6):
        assert trimmed(line)[:, 0].tolist() == [90, *[255] * 6, 90]


def test_the_separator_is_a_bar_in_the_middle_of_the_gap():
    image = np.full((24, 40), 255, dtype=np.uint8)
    plain, joined = join(image), join(image, separator=True)
    assert plain.shape == joined.shape
    gap = joined[:, 40:-40]
    columns = np.flatnonzero(gap.any(axis=0))
    assert (gap[:, columns] == 255).all()
    assert columns[0] > 2
    assert abs(columns[0] + columns[-1] - (gap.shape[1] - 1)) <= 1
    np.testing.assert_array_equal(
        np.delete(joined, 40 + columns, 1), np.delete(plain, 40 + columns, 1)
    )


@given(shapes=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=2, max_size=4))
def test_images_of_one_shape_get_one_shape(shapes):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, shape, dtype=np.uint8) for shape in [*shapes, *shapes]]
    joined = TextLineJoiner().fit_transform(images)
    for i, k in combinations(range(len(images)), 2):
        if images[i].shape == images[k].shape:
            assert joined[i].shape == joined[k].shape
