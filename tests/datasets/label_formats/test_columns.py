"""Columns of names and labels."""

import pytest

from skcaptcha.datasets.label_formats.columns import find_columns


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        (["filename", "words"], ("filename", "words")),  # EasyOCR
        (["file_name", "text"], ("file_name", "text")),  # Hugging Face
        (["image_path", "Ground Truth", "width"], ("image_path", "Ground Truth")),
        (["id", "image", "text", "annotator", "lead_time"], ("image", "text")),  # Label Studio
        (["text", "label", "image", "filename"], ("filename", "label")),
        (["image", "width"], None),
        (["image", "text", "word"], None),
        ([], None),
    ],
)
def test_columns_have_usual_names(header, columns):
    found = find_columns(header)
    assert (found and tuple(header[i] for i in found)) == columns
