import numpy as np
import pytest

from skcaptcha.audit._proportions import Difference, proportion
from skcaptcha.report.audit._number_text import in_points, minutes, rounded, times, with_interval


@pytest.mark.parametrize(
    ("attempts", "text"),
    [
        ((2.5, 2.0, 1234.0), "2.5 (2.0 to 1,234)"),
        ((np.inf, 12.0, np.inf), "unknown (12.0 or more)"),
    ],
)
def test_attempts_as_text(attempts, text):
    assert times(*attempts) == text


def test_numbers_as_text():
    assert with_interval(proportion(8, 10)) == "80 % (49 to 95)"
    assert in_points(Difference(0.2, 0.05, 0.33), 50) == "+20 (+5 to +33)"
    assert [minutes(seconds) for seconds in (3, 100, 6000)] == ["0.05", "1.7", "100"]
    assert rounded(6806246.4) == "6,810,000"
