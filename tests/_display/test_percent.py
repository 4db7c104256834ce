"""Percentages have as many decimals as the number of items supports, everywhere."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import skcaptcha
from skcaptcha._display.percent import percent, percent_confidence, percent_interval
from skcaptcha.metrics import wilson_interval

COUNTS = st.integers(1, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def numbers_in(text):
    return [float(number) for number in re.findall(r"[\d.]+", text)]


@given(COUNTS)
def test_neighboring_counts_differ_and_only_all_are_100_percent(counts):
    k, n = counts
    written = percent(k / n, n)
    if k < n:
        assert written != percent((k + 1) / n, n)
    assert (written == "100 %") == (k == n)
    assert (written == "0 %") == (k == 0)
    assert numbers_in(written) == [pytest.approx(100 * k / n, abs=50 / n)]


@pytest.mark.parametrize(
    ("n", "decimals"), [(1, 0), (50, 0), (100, 0), (101, 1), (1000, 1), (1001, 2), (10_000, 2)]
)
def test_number_of_decimals(n, decimals):
    assert len(percent(0.5, n).removesuffix(" %").partition(".")[2]) == decimals


@given(COUNTS)
def test_a_formatted_interval_covers_the_interval(counts):
    k, n = counts
    low, high = wilson_interval(k, n)
    written_low, written_high = numbers_in(percent_interval(low, high, n))
    assert written_low <= 100 * low + 1e-6
    assert written_high >= 100 * high - 1e-6
    assert written_low <= numbers_in(percent(k / n, n))[0] <= written_high


@given(st.floats(0, 1))
def test_only_certainty_is_100_percent_confident(probability):
    assert (percent_confidence(probability) == "100 %") == (probability == 1)
    assert (percent_confidence(probability) == "0 %") == (probability == 0)


def test_no_other_module_formats_percentages():
    folder = Path(skcaptcha.__file__).parent
    found = [
        f"{file.relative_to(folder)}: {line}"
        for file in folder.rglob("*.py")
        if file.name != "_percent.py"
        for line in re.findall(r".*\{[^{}]*:\.\d%\}.*", file.read_text("utf-8"))
    ]
    assert found == []
