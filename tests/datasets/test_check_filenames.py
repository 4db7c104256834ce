"""Image names are labels unless they are numbers, words, times or hashes."""

import random
import warnings

import pytest

from skcaptcha.datasets import load_captchas
from skcaptcha.exceptions import DatasetError, LabelWarning

rng = random.Random(0)


MIXED = ["".join(rng.choices("ABCDEFGHJK2345", k=4)) for _ in range(30)]


DIGITS = ["".join(rng.choices("0123456789", k=4)) for _ in range(30)]


@pytest.mark.parametrize(
    ("names", "what"),
    [
        (["00001", "00002", "00004", "00006"], "numbers"),
        ([f"{k:05}" for k in range(17, 900, 31)], "numbers"),
        (["7", "8", "10", "11"], "numbers"),
        (["img0", "img1", "img2"], "words and numbers"),
        (["a01", "a02", "a04"], "numbers"),
        (["captcha_0", "captcha_1", "captcha_2"], "words and numbers"),
        (["captcha", "captcha (1)", "captcha (2)"], "words and numbers"),
        ([f"{k:032x}" for k in range(3)], "hashes"),
        ([f"{k}f2a9c11-5b7e-4c1a-9d2f-0123456789ab" for k in range(3)], "hashes"),
        (["00001_JLHE", "00002_48UW", "00004_M2AF"], "names that begin with numbers"),
        (["8-4821", "9-0193", "10-7740", "11-9921"], "names that begin with numbers"),
        (["captcha_JLHE", "captcha_48UW", "captcha_M2AF"], "names that all begin with a word"),
        (
            [f"Screenshot 2024-05-0{k} at 10.00.00" for k in range(1, 5)],
            "names that all begin with a word",
        ),
        ([f"{k:032x}_{k}JLH" for k in range(3)], "names that begin with hashes"),
        (["1695403213123", "1695403977005", "1695404100481"], "timestamps"),
        (["1695403213.77", "1695403977.1", "1695404100.923"], "timestamps"),
        (["20231005_101530", "20231005_101642", "20231006_090000"], "timestamps"),
        (
            ["1695403213123_JLHE", "1695403977005_48UW", "1695404100481_M2AF"],
            "names that begin with timestamps",
        ),
        (["verifycode0", "verifycode1", "verifycode17"], "words and numbers"),
        (["getcaptcha", "getcaptcha (0)", "getcaptcha(1)"], "words and numbers"),
        ([f"{k:02}" for k in range(100)], "numbers"),
    ],
)
def test_names_that_are_not_labels(make_folder, names, what):
    folder = make_folder(*(f"{name}.png" for name in names))
    with pytest.raises(DatasetError, match=f"its images have {what} .*, not labels; .*name each"):
        load_captchas(folder)
    (folder.parent / "labels.csv").touch()
    try:
        with pytest.raises(DatasetError, match=r"labels\.csv, which is not read there, into the"):
            load_captchas(folder)
    finally:
        (folder.parent / "labels.csv").unlink()


@pytest.mark.parametrize(
    ("others", "some", "what"),
    [
        (
            MIXED,
            [f"{k:05}" for k in range(31, 61)],
            "30 of its 60 .* have numbers .00031.png to 00060",
        ),
        (MIXED, [f"{k:04}" for k in range(31, 61)], "30 of its 60 .* have numbers"),
        (MIXED, ["58", "59", "60"], "3 of its 33 .* have numbers"),
        (DIGITS, [str(k) for k in range(31, 61)], "30 of its 60 .* have numbers"),
        (MIXED, ["captcha_8", "captcha_31", "captcha_7"], "3 of its 33 .* have words and numbers"),
        (MIXED, ["1695403213123", "1695403977005", "1695404100481"], "3 of .* have timestamps"),
        (MIXED, [f"{k:032x}" for k in range(3)], "3 of .* have hashes"),
    ],
)
def test_some_names_that_are_not_labels(make_folder, others, some, what):
    folder = make_folder(*(f"{name}.png" for name in [*others, *some]))
    with pytest.raises(DatasetError, match=f"{what}.*, not labels; name each by its label"):
        load_captchas(folder)


@pytest.mark.parametrize(
    "labels",
    [
        ["1", "2", "3"],
        [*MIXED, "4217", "0031", "9963"],
        [*MIXED, "CODE_1", "CODE_2"],
        [*DIGITS, "0031", "0032", "0033"],
        ["4821", "0193", "7740", "9921"],
        [f"{k**5 % 9973:04}" for k in range(1000, 1050)],
        ["SN17", "SN80", "SN55"],
        ["5UFQ_1", "5UFQ_2", "5UFQ_3"],
        ["12_1", "13_1", "14_1", "15_1"],
        [f"{k % 7}_{k}" for k in range(30)],
        [f"{k**5 % 9973:04}_{k}" for k in range(1000, 1050)],
        ["code_1", "data_2", "test_3"],
        ["test", "code", "data"],
    ],
)
def test_names_that_are_labels(make_folder, labels):
    folder = make_folder(*(f"{label}.png" for label in labels))
    expected = sorted(label.partition("_")[0] for label in labels)
    assert sorted(load_captchas(folder).target) == expected


@pytest.mark.parametrize(
    ("endings", "in_doubt"),
    [
        (["0019", "7204", "3651", "8810"], True),
        (["A1", "B7", "C3", "K9"], True),
        (["1", "2", "3", "4"], False),
        (["0001", "0002", "0003", "0005"], False),
        (["a", "b", "c", "d"], False),
        (["train", "train", "val", "test"], False),
        (["1695403213123", "1695403977005", "1695404100481", "1695404107310"], False),
    ],
)
def test_text_after_a_dash_may_belong_to_the_label(make_folder, endings, in_doubt):
    folder = make_folder(*(f"5UF{k}-{end}.png" for k, end in zip("QRST", endings, strict=True)))
    with warnings.catch_warnings(record=True, action="always") as caught:
        assert load_captchas(folder).target.tolist() == ["5UFQ", "5UFR", "5UFS", "5UFT"]
    assert [warning.category for warning in caught] == [LabelWarning] * in_doubt
    if in_doubt:
        assert f"the first dash ends a label: 5UFQ-{endings[0]}.png" in str(caught[0].message)


@pytest.mark.parametrize(("n_digits", "n"), [(2, 100), (3, 900)])
def test_numbers_that_fill_most_of_their_range_may_be_labels(make_folder, n_digits, n):
    labels = sorted({f"{k**5 % 10007 % 10**n_digits:0{n_digits}}" for k in range(n)})
    folder = make_folder(*(f"{label}.png" for label in labels))
    assert 0.5 * 10**n_digits < len(labels) < 0.95 * 10**n_digits
    with pytest.warns(LabelWarning, match="named by numbers .* which are used as labels; if they"):
        assert load_captchas(folder).target.tolist() == labels


@pytest.mark.real
def test_real_labels_as_names_are_labels(real_data, make_folder):
    parts = [p for p in real_data.glob("*/*") if p.name in ("train", "dev")]
    assert parts
    for part in parts:
        for n in (30, None):
            labels = load_captchas(part).target.tolist()[:n]
            load_captchas(make_folder(*(f"{label}.png" for label in labels)))
            load_captchas(make_folder(*(f"{label}-{k}.png" for k, label in enumerate(labels))))
