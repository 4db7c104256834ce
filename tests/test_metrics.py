"""Metrics, compared with their definitions and with published values."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from skcaptcha.metrics import (
    Confusion,
    character_accuracy,
    confusions,
    coverage_accuracy_curve,
    edit_distance,
    string_accuracy,
    wilson_interval,
)

# With few letters, repeats and equally good alignments are likely.
words = st.text("abC", max_size=6)
pairs = st.lists(st.tuples(words, words), min_size=1, max_size=5)


@cache
def by_recursion(a: str, b: str) -> int:
    """The definition of the edit distance, by trying every edit of the first character."""
    if not a or not b:
        return len(a) + len(b)
    return min(
        by_recursion(a[1:], b[1:]) + (a[0] != b[0]),
        by_recursion(a[1:], b) + 1,
        by_recursion(a, b[1:]) + 1,
    )


class TestEditDistance:
    @given(words, words)
    def test_is_the_definition(self, a: str, b: str) -> None:
        assert edit_distance(a, b) == by_recursion(a, b)

    @given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
    def test_is_a_metric(self, a: str, b: str, c: str) -> None:
        assert (edit_distance(a, b) == 0) == (a == b)
        assert edit_distance(a, b) == edit_distance(b, a)
        assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)
        assert abs(len(a) - len(b)) <= edit_distance(a, b) <= max(len(a), len(b))


class TestStringAccuracy:
    def test_counts_whole_strings(self) -> None:
        assert string_accuracy(["AB", "CD", "EF", ""], ["AB", "CE", "E", ""]) == 0.5

    def test_case(self) -> None:
        labels, read = np.array(["Ab", "cD", "x"]), ["aB", "cD", "y"]
        assert string_accuracy(labels, read) == 1 / 3
        assert string_accuracy(labels, read, ignore_case=True) == 2 / 3

    @given(pairs)
    def test_is_the_accuracy_score_of_scikit_learn(self, pairs: list[tuple[str, str]]) -> None:
        labels, read = zip(*pairs, strict=True)
        assert string_accuracy(labels, read) == accuracy_score(labels, read)

    @given(pairs)
    def test_is_the_fraction_of_zero_distances(self, pairs: list[tuple[str, str]]) -> None:
        labels, read = zip(*pairs, strict=True)
        assert string_accuracy(labels, read) == np.mean(
            [by_recursion(*pair) == 0 for pair in pairs]
        )


class TestCharacterAccuracy:
    @given(pairs.filter(lambda pairs: any(true for true, _ in pairs)))
    def test_is_the_definition(self, pairs: list[tuple[str, str]]) -> None:
        labels, read = zip(*pairs, strict=True)
        errors = sum(by_recursion(true, read) for true, read in pairs)
        expected = max(0, 1 - errors / sum(map(len, labels)))
        assert character_accuracy(labels, read) == pytest.approx(expected)

    def test_never_negative(self) -> None:
        assert character_accuracy(["A"], ["BCDEF"]) == 0

    def test_no_characters(self) -> None:
        with pytest.raises(ValueError, match="every label is empty"):
            character_accuracy(["", ""], ["", "A"])


class TestConfusions:
    def test_worst_first_then_alphabetical(self) -> None:
        found = confusions(["O0", "O1", "S", "B", "A"], ["00", "01", "5", "8", "A"])
        assert found == [Confusion("O", "0", 2), Confusion("B", "8", 1), Confusion("S", "5", 1)]

    @pytest.mark.parametrize(
        ("true", "read", "expected"),
        [
            ("ABC", "AC", [("B", "", 1)]),
            ("AC", "ABC", [("", "B", 1)]),
            ("", "A", [("", "A", 1)]),
            ("A", "", [("A", "", 1)]),
            ("ABCDE", "BCDEF", [("", "F", 1), ("A", "", 1)]),
            ("AB", "BA", [("A", "B", 1), ("B", "A", 1)]),
            ("AB", "AB", []),
        ],
    )
    def test_alignment(self, true: str, read: str, expected: list[tuple[str, str, int]]) -> None:
        assert confusions([true], [read]) == expected

    @given(pairs)
    def test_are_an_optimal_set_of_edits(self, pairs: list[tuple[str, str]]) -> None:
        labels, read = zip(*pairs, strict=True)
        found = confusions(labels, read)
        assert sum(count for *_, count in found) == sum(by_recursion(*pair) for pair in pairs)
        assert all(true != read for true, read, _ in found)
        # Undoing the confusions restores the character counts of the labels.
        for letter in "abC":
            missed = sum(count for true, _, count in found if true == letter)
            added = sum(count for _, read, count in found if read == letter)
            assert "".join(read).count(letter) == "".join(labels).count(letter) - missed + added

    @given(pairs, st.randoms())
    def test_order_of_strings_does_not_matter(
        self, pairs: list[tuple[str, str]], random: Any
    ) -> None:
        before = confusions(*zip(*pairs, strict=True))
        random.shuffle(pairs)
        assert confusions(*zip(*pairs, strict=True)) == before


class TestWilsonInterval:
    @pytest.mark.parametrize(
        ("successes", "n", "low", "high"),
        [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0000, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ],
    )
    def test_published(self, successes: int, n: int, low: float, high: float) -> None:
        """R. G. Newcombe, Statistics in Medicine 17 (1998), p. 861, table I, method 3."""
        assert wilson_interval(successes, n) == pytest.approx((low, high), abs=5e-5)

    @given(st.data(), st.integers(1, 10_000))
    def test_contains_the_proportion_and_is_symmetric(self, data: st.DataObject, n: int) -> None:
        successes = data.draw(st.integers(0, n))
        low, high = wilson_interval(successes, n)
        assert 0 <= low <= successes / n <= high <= 1
        assert wilson_interval(n - successes, n) == pytest.approx((1 - high, 1 - low))

    def test_is_wider_for_higher_confidence(self) -> None:
        low, high = wilson_interval(45, 50, confidence=0.9)
        wider_low, wider_high = wilson_interval(45, 50, confidence=0.99)
        assert wider_low < low < high < wider_high

    @pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 5), (6, 5), (0, -1)])
    def test_impossible_counts(self, successes: int, n: int) -> None:
        with pytest.raises(ValueError, match=f"found {successes} of {n}"):
            wilson_interval(successes, n)

    @pytest.mark.parametrize("confidence", [0, 1, 95, float("nan")])
    def test_impossible_confidence(self, confidence: float) -> None:
        with pytest.raises(ValueError, match="confidence must lie strictly between 0 and 1"):
            wilson_interval(1, 2, confidence=confidence)


@pytest.mark.parametrize("metric", [string_accuracy, character_accuracy, confusions])
@pytest.mark.parametrize(
    ("y_true", "y_pred", "message"),
    [
        (["A", "B"], ["A"], "must have the same length, found 2 and 1"),
        ([], [], "are empty"),
        ("AB", ["A", "B"], "y_true is a single string; wrap it in a list"),
        (["A"], "A", "y_pred is a single string"),
        (["A", "B"], ["A", None], r"y_pred must hold strings, found None \(NoneType\) at 1"),
        ([12], ["12"], r"y_true must hold strings, found 12 \(int\) at 0"),
    ],
)
def test_bad_input(metric: Any, y_true: Any, y_pred: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        metric(y_true, y_pred)


class TestCoverage:
    @given(
        st.lists(
            st.tuples(words, words, st.sampled_from([0.0, 0.25, 0.5, 1.0])), min_size=1, max_size=9
        )
    )
    def test_is_the_definition(self, rows: list[tuple[str, str, float]]) -> None:
        true, read, sure = zip(*rows, strict=True)
        coverage, accuracy, thresholds = coverage_accuracy_curve(true, read, sure)
        assert thresholds.tolist() == sorted(set(sure), reverse=True)
        for share, right, threshold in zip(coverage, accuracy, thresholds, strict=True):
            accepted = [t == r for t, r, s in rows if s >= threshold]
            assert share == len(accepted) / len(rows)
            assert right == sum(accepted) / len(accepted)

    @pytest.mark.parametrize("confidences", [[0.5], [0.5, float("nan")], [[0.5, 0.5]]])
    def test_wrong_confidences(self, confidences: Any) -> None:
        with pytest.raises(ValueError, match="confidences must be 2 numbers, one for each string"):
            coverage_accuracy_curve(["A", "B"], ["A", "B"], confidences)
