"""write_captchas and write_characters: round trips, and existing files stay unchanged."""

import os
from unicodedata import normalize

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from skcaptcha.datasets import load_captchas, make_line_captchas, write_captchas, write_characters
from skcaptcha.exceptions import DatasetError

label_text = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=8
)
CROP = np.arange(12, dtype=np.uint8).reshape(3, 4)


def files(folder):
    return sorted(
        os.path.relpath(os.path.join(where, name), folder).replace(os.sep, "/")
        for where, _, names in os.walk(folder)
        for name in names
    )


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_images_are_unchanged(tmp_path, shape):
    images = np.random.default_rng(0).integers(0, 256, (11, *shape)).astype(np.uint8)
    labels = [str(i) for i in range(11)]
    write_captchas(tmp_path / "new" / "folder", images, labels)
    bunch = load_captchas(tmp_path / "new" / "folder")
    assert bunch.target.tolist() == labels
    for path, image in zip(bunch.data, images, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(path)), image)


@pytest.mark.filterwarnings("ignore::skcaptcha.exceptions.LabelWarning")
@given(st.lists(label_text, max_size=4, min_size=1))
def test_labels_are_unchanged(tmp_path_factory, labels):
    folder = tmp_path_factory.mktemp("captchas")
    write_captchas(folder, [CROP] * len(labels), labels)
    assert load_captchas(folder).target.tolist() == [normalize("NFC", label) for label in labels]


def test_equal_captchas_give_equal_bytes(tmp_path):
    for name in "ab":
        write_captchas(tmp_path / name, *make_line_captchas(3, random_state=0))
    assert files(tmp_path / "a") == ["00001.png", "00002.png", "00003.png", "labels.csv"]
    for name in files(tmp_path / "a"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize(
    ("write", "content"),
    [(write_captchas, ([CROP], ["a"])), (write_characters, ([CROP], ["a"], ["x.png"]))],
)
@pytest.mark.parametrize(
    ("name", "message"), [("full", "is not empty"), ("full/notes.txt", "is a file; pass a folder")]
)
def test_nothing_is_overwritten(tmp_path, write, content, name, message):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("kept")
    with pytest.raises(DatasetError, match=message):
        write(tmp_path / name, *content)
    assert files(tmp_path) == ["full/notes.txt"]


@pytest.mark.parametrize(
    "bad",
    [CROP.astype(float), CROP[0], np.zeros((2, 2, 4), np.uint8), np.zeros((0, 3), np.uint8)],
)
def test_a_bad_image_leaves_nothing_behind(tmp_path, bad):
    with pytest.raises(DatasetError, match="image 1: expected uint8 of shape"):
        write_captchas(tmp_path, [CROP, bad], ["a", "b"])
    assert not list(tmp_path.iterdir())
    with pytest.raises(DatasetError, match="crop 1: expected uint8 of shape"):
        write_characters(tmp_path, [CROP, bad], "ab", ["x", "x"])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a"], "there are 2 images and 1 labels"),
        (["a", ""], "label 1 must be a non-empty string; found ''"),
        (["a", 7], "label 1 must be a non-empty string; found 7"),
    ],
)
def test_bad_labels(tmp_path, labels, message):
    with pytest.raises(DatasetError, match=message):
        write_captchas(tmp_path, [CROP, CROP], labels)
    assert not list(tmp_path.iterdir())


def test_hidden_files_do_not_count_as_content(tmp_path):
    (tmp_path / ".DS_Store").touch()
    write_captchas(tmp_path, [CROP], ["a"])
    assert load_captchas(tmp_path).filenames == ["00001.png"]


def test_equal_characters_never_overwrite_each_other(tmp_path):
    characters = "4444" + "44" + "4"
    names = ["x.png"] * 4 + ["folder/y.jpg"] * 2 + ["x.png"]
    crops = np.arange(7 * 6).astype(np.uint8).reshape(7, 2, 3)
    write_characters(tmp_path, crops, list(characters), names)
    written = [f"4/{name}.png" for name in ("x_1", "x_2", "x_3", "x_4", "y_1", "y_2", "x_5")]
    assert files(tmp_path) == sorted(written)
    for name, crop in zip(written, crops, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / name)), crop)


@given(
    st.lists(
        st.tuples(
            st.characters(exclude_categories=["Cs"]), st.sampled_from(["a.png", "A.png", "b"])
        ),
        max_size=8,
    )
)
def test_every_crop_is_written_if_case_is_ignored(tmp_path_factory, pairs):
    folder = tmp_path_factory.mktemp("characters")
    write_characters(folder, [CROP] * len(pairs), [c for c, _ in pairs], [n for _, n in pairs])
    written = files(folder)
    assert len({name.casefold() for name in written}) == len(pairs)
    folders = {name.split("/")[0] for name in written}
    assert len({name.casefold() for name in folders}) == len(folders) == len(dict(pairs))


@pytest.mark.parametrize(
    ("characters", "folders"),
    [
        ("7", ["7"]),
        ("a", ["a"]),
        ("aA", ["A", "a_lower"]),
        ("/", ["U+002F"]),
        (".", ["U+002E"]),
        ("\0", ["U+0000"]),
        ("\N{KELVIN SIGN}K", ["K", "U+212A"]),
        ("验ж", ["ж", "验"]),
        (["e\u0301", "e"], ["U+0065_U+0301", "e"]),
    ],
)
def test_folder_of_a_character(tmp_path, characters, folders):
    write_characters(tmp_path, [CROP] * len(characters), characters, ["x"] * len(characters))
    assert sorted(path.name for path in tmp_path.iterdir()) == folders


@pytest.mark.parametrize(
    ("characters", "names", "message"),
    [
        (["a"], ["x", "x"], "there are 2 crops, 1 characters and 2 names"),
        (["a", "b"], ["x"], "there are 2 crops, 2 characters and 1 names"),
        (["a", ""], ["x", "x"], "one of the characters is an empty string"),
    ],
)
def test_crops_that_do_not_match(tmp_path, characters, names, message):
    with pytest.raises(DatasetError, match=message):
        write_characters(tmp_path, [CROP, CROP], characters, names)
    assert not list(tmp_path.iterdir())
