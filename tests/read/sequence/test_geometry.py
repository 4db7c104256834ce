"""Centers of characters."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skcaptcha.read.sequence._geometry import character_centers
from skcaptcha.segments import Segments


@given(
    seed=st.integers(0, 10_000),
    counts=st.lists(st.integers(1, 12), min_size=1, max_size=4),
    step=st.integers(1, 4),
    reach=st.floats(0, 12),
    spread=st.sampled_from([1.0, 30.0, 2000.0]),
)
def test_character_centers_by_brute_force(seed, counts, step, reach, spread):
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    x = np.concatenate([step * np.arange(count) for count in counts])
    boxes = np.stack([x, 0 * x, 0 * x + 7, 0 * x + 5], axis=1)
    scores = rng.normal(scale=spread, size=(len(x), 3))
    rows, classes = rng.integers(len(x), size=6), rng.integers(3, size=6)
    found = character_centers(Segments(boxes, offsets), scores, rows, classes, reach)
    for row, k, center in zip(rows, classes, found, strict=True):
        captcha = np.searchsorted(offsets, row, side="right") - 1
        near = [
            j for j in range(offsets[captcha], offsets[captcha + 1]) if abs(x[j] - x[row]) <= reach
        ]
        best = max(scores[j, k] for j in near)
        weights = [np.exp(scores[j, k] - best) for j in near]
        np.testing.assert_allclose(center, np.average(x[near] + 3.5, weights=weights))
