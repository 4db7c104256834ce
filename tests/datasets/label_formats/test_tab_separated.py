"""gt.txt and TSV."""

import pytest

from skcaptcha.datasets import load_captchas
from skcaptcha.exceptions import DatasetError


@pytest.mark.parametrize("name", ["gt.txt", "labels.txt", "labels.tsv", "rec_gt_train.txt"])
@pytest.mark.parametrize("header", ["", "filename\tlabel\r"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_of_name_tab_and_label(make_folder, name, header, end):
    folder = make_folder("1.png", "2.png", "10.png", "unlabeled.png")
    lines = ["train/10.png\t00 42", "2.png\ta,b", "1.png\tÄß"]
    text = "\ufeff" + header.replace("\r", end) + end.join(lines) + end
    (folder / name).write_bytes(text.encode())
    captchas = load_captchas(folder)
    assert captchas.filenames == ["1.png", "2.png", "10.png"]
    assert captchas.target.tolist() == ["Äß", "a,b", "00 42"]


def test_quotes_belong_to_a_label(make_folder):
    folder = make_folder("1.png", gt_txt='1.png\t"A"\n')
    assert load_captchas(folder).target.tolist() == ['"A"']


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1.png\tAB\n\n2.png AB\n", "line 3, '2.png AB', has no tab"),
        ("1.png\tAB\n2.png\tA\tB\n", "line 2, .*, has more than one tab"),
        ("1.png\tAB\n2.png\t\n", "line 2: the label of 2.png is empty"),
        ("1.png\tAB\n\tCD\n", "line 2 does not name an image"),
        ("1.png\tAB\n9.png\tCD\n", r"1 of the 2 files .*, first 9\.png \(line 2\)"),
        ("1.png\tAB\nx/1.png\tCD\n", "line 2: x/1.png occurs more than once, first in line 1"),
        ('1.png\t[{"transcription": "AB", "points": []}]\n', "line 1 contains boxes"),
    ],
)
def test_what_does_not_fit_is_named_with_its_line(make_folder, text, message):
    with pytest.raises(DatasetError, match=message):
        load_captchas(make_folder("1.png", "2.png", gt_txt=text))
