"""JSON and JSON lines."""

import json

import pytest

from skcaptcha.datasets import load_captchas
from skcaptcha.exceptions import DatasetError

RECORDS = [{"file_name": "img/2.png", "text": "ü,1"}, {"file_name": "1.png", "text": "0042"}]
TEXTS = {
    "labels.json": [
        json.dumps({"1.png": "0042", "img/2.png": "ü,1"}),
        json.dumps({"1": "0042", "2": "ü,1"}, indent=2),
        json.dumps(RECORDS),
        json.dumps(RECORDS, indent=4, ensure_ascii=False),
        json.dumps(  # the short export of Label Studio
            [{"id": k, "image": f"/data/upload/1/0a1b2c3d-{k}.png", "text": text, "annotator": 1}
             for k, text in ((2, "ü,1"), (1, "0042"))]
        ),
    ],
    "metadata.jsonl": [
        "\n".join(map(json.dumps, RECORDS)),
        "\r\n".join(map(json.dumps, RECORDS)) + "\r\n\r\n",
        '{"1.png": "0042"}\n{"2.png": "ü,1"}\n',
    ],
}  # fmt: skip


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in TEXTS.items() for text in texts]
)
def test_labels_are_found(make_folder, name, text, bom):
    folder = make_folder("1.png", "2.png", "3.png")
    (folder / name).write_bytes((bom + text).encode())
    captchas = load_captchas(folder)
    assert captchas.filenames == ["1.png", "2.png"]
    assert captchas.target.tolist() == ["0042", "ü,1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"1.png": "a",\n"2.png": 42}',
            "line 2: the label of 2.png is the number 42; write it in",
        ),
        ('{"1.png": "a",\n"2.png": ["b"]}', "line 2: the label of 2.png is not a string"),
        ('{"1.png": "a",\n"2.png": null}', "line 2: the label of 2.png is empty"),
        ('{"1.png": "a",\n"1.png": "b"}', "line 2: 1.png occurs more than once, first in line 1"),
        ('{"1.png": "a",\n"9.png": "b"}', r"1 of the 2 files .* first 9.png \(line 2\)"),
        ('{"1.png": {"text": "a"}}', "line 1: expected the label of each image .* the key 1.png"),
        ('[{"file": "1.png", "text": "a"},\n{"file": "2.png"}]', "line 2: expected .*; found file"),
        ('[{"file": "1.png", "text": "a"},\n{"file": 2, "text": "a"}]', "line 2 does not name an"),
        ('{"file": "1.png", "text": "a"}\n\n{"file": "2.png"}\n', "line 3: expected .* found file"),
        ('{"file": "1.png", "text": "a"}\n{"file": \n', "line 2 is not valid JSON"),
        ('[{"1.png": "a",\n"1.png": "b"}]', "line 2: 1.png occurs more than once, first in line 1"),
        ('{"1.png": "a\\u0000"}', r"line 1: .* of '1.png' contains '\\x00', which is not a char"),
        ('{"1.png": "a\\ud800"}', r"line 1: .* of '1.png' contains '\\ud800', which is not"),
        ('{"\\ud800": "a"}', r"line 1: .* of '\\ud800' contains '\\ud800', which is not"),
        ("[1]", "line 1: expected an object .*; found no object"),
        ("[]", "contains no labels"),
        ("7", "line 1: expected an object"),
    ],
)
def test_what_does_not_fit_is_named_with_its_line(make_folder, text, message):
    with pytest.raises(DatasetError, match=message):
        load_captchas(make_folder("1.png", "2.png", labels_json=text))
