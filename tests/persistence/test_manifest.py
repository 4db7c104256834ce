"""The description of the training captchas in a manifest."""

from io import BytesIO

import numpy as np
from PIL import Image

from skcaptcha.persistence import describe_training

IMAGES = list(np.random.default_rng(0).integers(0, 256, (6, 4, 8), dtype=np.uint8))
LABELS = ["AB", "BA", "AA", "BB", "AB", "BA"]


def test_many_image_sizes_are_described_as_a_range():
    images = [np.zeros((20 + i, 50), np.uint8) for i in range(21)]
    about = describe_training(images, ["A"] * 21)
    assert "image_sizes" not in about
    assert (about["image_widths"], about["image_heights"]) == ([50, 50], [20, 40])


def test_the_hash_depends_on_labels_and_images_in_their_order(tmp_path):
    def hashed(images, labels):
        return describe_training(images, labels)["training_sha256"]

    first = hashed(IMAGES, LABELS)
    assert hashed([image.copy() for image in IMAGES], list(LABELS)) == first
    others = [
        (IMAGES[::-1], LABELS[::-1]),
        (IMAGES, ["A", "BBA", *LABELS[2:]]),
        ([IMAGES[0].reshape(8, 4), *IMAGES[1:]], LABELS),
        ([IMAGES[0] ^ 1, *IMAGES[1:]], LABELS),
    ]
    assert len({first, *(hashed(*other) for other in others)}) == 5
    png = BytesIO()
    Image.fromarray(IMAGES[0]).save(png, "PNG")
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(png.getvalue())
    of_files = [hashed([source], ["AB"]) for source in
                (tmp_path / "a.png", str(tmp_path / "b.png"), png.getvalue())]  # fmt: skip
    assert len(set(of_files)) == 1
