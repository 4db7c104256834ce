"""Whatever a file of labels contains, it is loaded or refused in one sentence."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skcaptcha.datasets import load_captchas
from skcaptcha.exceptions import DatasetError

KEYS = [
    "images", "annotations", "categories", "id", "image_id", "category_id", "bbox", "name", "data",
    "file_name", "text", "label", "result", "type", "value", "x", "image", "was_cancelled", "1.png",
]  # fmt: skip
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-1, 3)
    | st.floats()
    | st.sampled_from(["1.png", "A", "", "textarea", "http://[", "a/?d=", "\0", "\ud800", 10**400])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=12,
)
objects = st.dictionaries(st.sampled_from(KEYS), values, max_size=4)
lists = st.lists(objects | values, max_size=3)
coco = st.fixed_dictionaries(dict.fromkeys(("images", "annotations", "categories"), lists))
result = st.fixed_dictionaries(
    {
        "type": st.just("textarea"),
        "value": st.fixed_dictionaries({"text": values}, optional={"x": values}),
    }
)
annotation = st.fixed_dictionaries({"result": st.lists(result | values, max_size=3) | values})
task = st.fixed_dictionaries(
    {"data": objects | values, "annotations": st.lists(annotation | values) | values}
)
label_studio = st.lists(task, min_size=1, max_size=3)


@pytest.fixture(scope="module")
def folder(make_folder):
    return make_folder("1.png", "A.png")


def load(folder, name, content):
    (folder / name).write_bytes(content)
    try:
        labels = load_captchas(folder, labels=folder / name).target.tolist()
    except DatasetError as refused:
        error = str(refused)
        assert name in error
    else:
        assert labels
        assert all(labels)


@pytest.mark.filterwarnings("ignore::skcaptcha.exceptions.LabelWarning")
@given(values | objects | coco | label_studio)
def test_json(folder, value):
    load(folder, "labels.json", json.dumps(value).encode())


@pytest.mark.filterwarnings("ignore::skcaptcha.exceptions.LabelWarning")
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "gt.txt", "labels.txt", "a.json", "a.jsonl"])
@given(
    st.binary(max_size=30)
    | st.lists(
        st.sampled_from(
            ["filename", "label", "1.png", "A.png", "A", ",", ";", "\t", "\n", "\r", '"', "{"]
        )
    ).map(lambda parts: "".join(parts).encode())
)
def test_text(folder, name, content):
    load(folder, name, content)
