"""labels.txt: lines that contain more than labels are errors."""

import pytest

from skcaptcha.datasets import load_captchas
from skcaptcha.exceptions import DatasetError


@pytest.mark.parametrize(
    "text",
    [
        "5UFQ\t1.png\nHOTS\t2.png\n",
        "1.png 5UFQ\n2.png HOTS\n",
        "images/1.png,5UFQ\nimages/2.png,HOTS\n",
        "filename,label\n1.png,5UFQ\n2.png,HOTS\n",
        "5UFQ 1.png\nHOTS 2.png\n",
        '5UFQ\t"images/1.png"\nHOTS\t"images/2.png"\n',
        "1 5UFQ\n2 HOTS\n3 AB12\n",
        "00001\t5UFQ\n00003\tHOTS\n00007\tAB12",
    ],
)
def test_lines_of_names_and_labels_are_not_labels(make_folder, text):
    folder = make_folder("1.png", "2.png", "3.png", labels_txt=text)
    with pytest.raises(DatasetError, match=r"labels\.txt: its lines contain names as well as"):
        load_captchas(folder)


def test_labels_with_spaces_are_labels(make_folder):
    labels = ["3 41", "2 70", "1 99"]
    folder = make_folder("1.png", "2.png", "3.png", labels_txt="\n".join(labels))
    assert load_captchas(folder).target.tolist() == labels


@pytest.mark.parametrize("header", ["label", "Labels", "captcha_text", "# text:", "code"])
def test_a_header_is_not_a_label(make_folder, header):
    names = ["1.png", "2.png", "3.png"]
    for text in (f"{header}\n5UFQ\nHOTS\nAB12\n", f"{header}\nabcdefgh\nbcdefghi\n"):
        with pytest.raises(DatasetError, match=r"its first line, .*, seems to be a header"):
            load_captchas(make_folder(*names, labels_txt=text))
    folder = make_folder(*names, labels_txt=text.partition("\n")[2])
    assert load_captchas(folder).target.tolist() == ["abcdefgh", "bcdefghi"]


def test_a_label_may_look_like_a_header(make_folder):
    labels = ["code", "lamp", "text"]
    folder = make_folder("1.png", "2.png", "3.png", labels_txt="\n".join(labels))
    assert load_captchas(folder).target.tolist() == labels
