"""Windows slide evenly over the whole image."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skcaptcha.segment import SlidingWindow


@given(w=st.integers(1, 80), width=st.integers(1, 30), step=st.integers(1, 40))
def test_windows_are_evenly_spaced_and_reach_both_ends(w: int, width: int, step: int) -> None:
    image = np.zeros((3, w), dtype=np.uint8)
    x, y, widths, heights = SlidingWindow(width, step=step).fit_transform([image]).boxes.T
    assert set(y) == {0}
    assert set(heights) == {3}
    assert set(widths) == {min(width, w)}
    assert x[0] == 0
    assert x[-1] + widths[-1] == w
    assert (np.diff(x)[:-1] == step).all()
    assert (np.diff(x) <= step).all()
    if step <= width:
        covered = np.zeros(w, dtype=bool)
        for start in x:
            covered[start : start + width] = True
        assert covered.all()
