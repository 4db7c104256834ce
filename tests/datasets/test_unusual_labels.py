"""Warnings about labels that differ from the others; ordinary labels cause none."""

import numpy as np
import pytest

from skcaptcha.datasets import load_captchas, make_image_captchas, make_line_captchas
from skcaptcha.datasets._unusual_labels import describe_unusual_label, describe_unusual_labels
from skcaptcha.exceptions import LabelWarning

USUAL = ["5UFQ"] * 30
FOLD = "If case does not matter, label --fold-case stores all labels in one case."


@pytest.mark.parametrize(
    ("odd", "sentence"),
    [
        (
            ["xud2", "jlPk"],
            "30 labels are upper case, 2 are not (xud2, jlPk); if they are mistyped, correct them; "
            "if case does not matter, fit with --fold-case (in Python: load_captchas(..., "
            "fold_case=True))",
        ),
        (
            ["HOTSHOTS"],
            "30 labels have 4 characters, 1 does not (HOTSHOTS); if it is mistyped, correct it",
        ),
        (["\u0410B12"], "30 labels are written in Latin letters, 1 is not ('\\u0410B12');"),
        (
            ["\uff21\uff2212"],
            "30 labels have ordinary letters and digits, 1 does not (\uff21\uff2212);",
        ),
        (
            [" AB1"],
            "1 label begins or ends with a space, or contains an invisible character "
            "(' AB1'); remove it",
        ),
        (
            ["AB1\u200b", "A\u00a01B"],
            "2 labels begin or end with a space, or contain an invisible character "
            "('AB1\\u200b', 'A\\xa01B'); remove it",
        ),
        (["AB\n1"], "invisible character ('AB\\n1'); remove it"),
    ],
)
def test_unusual_labels_are_described(odd, sentence):
    (found,) = describe_unusual_labels(USUAL + odd)
    assert sentence in found


@pytest.mark.parametrize(
    "labels",
    [
        USUAL,
        ["5UFQ", "hots"],
        [*["ABCD"] * 18, "ab"],  # too few labels to decide
        [*["ABCD"] * 17, *["ab"] * 3],
        ["aBcD", "ABCD", "abcd"] * 20,
        [*["aBcD"] * 95, "ABCD", "abcd"],  # by chance
        [*["AB12"] * 60, "1234"],
        ["12.5", "7", "123.45"] * 20,
        ["AB 12"] * 30,
        ["\uff21\uff22"] * 30,
        ["жыл1", "abc1"] * 20,
        ["日本語", "かな文"] * 20,
    ],
)
def test_ordinary_labels_are_not_described(labels):
    assert describe_unusual_labels(labels) == []


@pytest.mark.parametrize("make", [make_line_captchas, make_image_captchas])
def test_generated_labels_are_ordinary(make):
    _, labels = make(120, random_state=0)
    assert describe_unusual_labels(labels.tolist()) == []
    assert not any(
        describe_unusual_label(label, labels[:80].tolist()) for label in labels[80:].tolist()
    )


@pytest.mark.parametrize("label", ["שלום", "سلام"])
def test_letters_written_from_right_to_left(label):
    (sentence,) = describe_unusual_labels([label] * 5)
    assert "must begin with the leftmost character of its image" in sentence


@pytest.mark.parametrize(
    ("label", "doubt"),
    [
        ("5UFQHOTS", "5UFQHOTS is unusual: 30 labels have 4 characters."),
        ("xud2", f"xud2 is unusual: 30 labels are upper case. {FOLD}"),
        (
            "xud",
            f"xud is unusual: 30 labels are upper case, and 30 labels have 4 characters. {FOLD}",
        ),
        ("HOTS", None),
        ("1234", None),
    ],
)
def test_one_unusual_label(label, doubt):
    assert describe_unusual_label(label, USUAL) == doubt
    assert describe_unusual_label(label, USUAL[:15]) is None


def test_a_length_that_no_other_label_has_is_unusual():
    others = ["12.5", "7", "123.45"] * 20
    doubt = "12345 is unusual: none of 60 labels have 5 characters."
    assert describe_unusual_label("12345", others) == doubt
    assert describe_unusual_label("1234", others) is None
    assert describe_unusual_label("12345", others[:19]) is None  # too few labels to decide


def test_loading_a_folder_warns(tmp_path):
    labels = [*("".join(text) for text in np.array(list("ABCDEFGHIJKLMNOPQRSTUVWX")).reshape(6, 4))]
    names = [f"{label}_{k}.png" for k in range(5) for label in labels]
    for name in [*names, "xud2.png", "jlpk.png"]:
        (tmp_path / name).touch()
    with pytest.warns(LabelWarning, match=r"30 labels are upper case, 2 are not \(jlpk, xud2\)"):
        load_captchas(tmp_path)


@pytest.mark.real
@pytest.mark.parametrize("part", ["train", "dev"])
def test_real_folders_are_ordinary(real_data, part):
    for scheme in sorted(real_data.iterdir()):
        if (scheme / part).is_dir():
            load_captchas(scheme / part)  # warnings are errors here
