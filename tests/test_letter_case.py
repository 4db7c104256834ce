"""Texts in one case: the same number of characters, and the same text for each spelling."""

# ruff: noqa: RUF001 - letters that look alike

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skcaptcha._letter_case import fold_case, usual_case

TEXTS = st.lists(st.text(max_size=8), max_size=5)


@given(TEXTS, st.sampled_from([None, "upper", "lower"]))
def test_folded_texts_keep_their_lengths_and_do_not_change_again(texts, case):
    folded = fold_case(texts, case)
    assert list(map(len, folded)) == list(map(len, texts))
    assert fold_case(folded, case) == folded


@pytest.mark.parametrize("case", ["upper", "lower"])
def test_both_cases_of_a_letter_are_one_character(case):
    letters = [c for c in map(chr, range(sys.maxunicode + 1)) if c.lower() != c.upper()]
    for other_case in (str.upper, str.lower, str.title):
        others = list(map(other_case, letters))
        pairs = zip(fold_case(letters, case), fold_case(others, case), letters, others, strict=True)
        # The other case of some letters is several characters, or shared with another letter.
        assert all(
            folded == other_folded
            for folded, other_folded, letter, other in pairs
            if len(other) == 1 and other.casefold() == letter.casefold()
        )


@pytest.mark.parametrize(
    ("texts", "case", "folded"),
    [
        (["XUD2"] * 98 + ["xud2", "jlpk"], "upper", ["XUD2"] * 99 + ["JLPK"]),
        (["xud2", "jlPK", "abcd"], "lower", ["xud2", "jlpk", "abcd"]),
        (["aB", "12"], "upper", ["AB", "12"]),
        (["12", "+-", "日本"], None, ["12", "+-", "日本"]),
        ([], None, []),
        (["STRAß", "STRAẞ"], "upper", ["STRAß", "STRAß"]),
        (["Σας", "σασ"], "lower", ["σασ", "σασ"]),
        (["Iı", "Iİ", "i"], "upper", ["Iı", "Iİ", "I"]),
        (["İ", "ﬁ", "ŉ"], None, ["İ", "ﬁ", "ŉ"]),
    ],
)
def test_most_letters_decide(texts, case, folded):
    assert usual_case(texts) == case
    assert fold_case(texts) == folded
