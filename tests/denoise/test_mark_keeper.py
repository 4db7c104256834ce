"""Small marks of the labels survive the removal of specks and lines, specks do not."""

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.ndimage import binary_dilation, label
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from skcaptcha.datasets import make_display_captchas
from skcaptcha.datasets._drawing import load_font
from skcaptcha.denoise import (
    Binarizer,
    Grayscale,
    MorphologicalOpening,
    SmallComponentRemover,
    ThinLineRemover,
)
from skcaptcha.features import HOG
from skcaptcha.read import CharacterReader
from skcaptcha.segment import ConnectedComponents

N = 60
KEEPERS = [
    SmallComponentRemover(24, keep_marks=True),
    ThinLineRemover(3, min_length=2, keep_marks=True),
    MorphologicalOpening(4, keep_marks=True),
]


def with_specks(ink, rng, side, n=12):
    """Add squares that touch neither ink nor each other; return the image and their mask."""
    specks = np.zeros(ink.shape, dtype=bool)
    taken = ink > 0
    for top, left in rng.integers((ink.shape[0] - side, ink.shape[1] - side), size=(n, 2)):
        square = (slice(top, top + side), slice(left, left + side))
        if not binary_dilation(taken, np.ones((5, 5)))[square].any():
            specks[square] = taken[square] = True
    return ink | np.where(specks, np.uint8(255), np.uint8(0)), specks


@pytest.fixture(scope="module", params=[1, 2], ids="specks of {} pixels".format)
def displays(request):
    """Binary displays with specks smaller than a point: images, labels, marks, and specks."""
    rng = np.random.default_rng(0)
    images, labels, boxes = make_display_captchas(
        N, marks=".-", height=48, glare=0, gradient=20, return_boxes=True, random_state=0
    )
    ink = make_pipeline(Grayscale(), Binarizer(ink="auto")).fit_transform(list(images))
    noisy, specks = zip(*(with_specks(one, rng, request.param) for one in ink), strict=True)
    marks = []
    for one, text, own in zip(ink, labels, boxes, strict=True):
        of_marks = np.zeros(one.shape, dtype=bool)
        components, _ = label(one, np.ones((3, 3)))
        for character, (x, y, w, h) in zip(text, own, strict=True):
            if character in ".-":
                inside = components[y : y + h, x : x + w]
                largest = np.bincount(inside[inside > 0]).argmax()
                # A point that touches a digit is not a component of its own.
                if (components == largest).sum() < 1.3 * w * h:
                    of_marks |= components == largest
        marks.append(of_marks)
    return list(noisy), labels.tolist(), marks, specks


@pytest.mark.parametrize("keeper", KEEPERS, ids=str)
def test_marks_survive_and_specks_do_not(displays, keeper):
    images, labels, marks, specks = displays
    half = N // 2
    cleaned = keeper.fit(images[:half], labels[:half]).transform(images[half:])
    forgetful = type(keeper)(**{**keeper.get_params(), "keep_marks": False})
    without = forgetful.fit_transform(images[half:])

    def kept(found, masks):
        return np.mean(
            [(one > 0)[mask].mean() for one, mask in zip(found, masks, strict=True) if mask.any()]
        )

    assert kept(cleaned, marks[half:]) > 0.9
    assert kept(without, marks[half:]) < 0.7
    assert kept(cleaned, specks[half:]) < kept(without, specks[half:]) + 0.12
    for one, other, given in zip(cleaned, without, images[half:], strict=True):
        assert (one >= other).all()
        assert (one <= given).all()


@pytest.mark.parametrize("keeper", KEEPERS, ids=str)
def test_labels_without_marks_keep_nothing(displays, keeper):
    images, labels, *_ = displays
    digits = ["".join(c for c in text if c.isdigit()) for text in labels]
    cleaned = keeper.fit(images, digits).transform(images)
    assert keeper.marks_.shape == (0, 2, 3)
    without = type(keeper)(**{**keeper.get_params(), "keep_marks": False}).transform(images)
    for one, other in zip(cleaned, without, strict=True):
        np.testing.assert_array_equal(one, other)


def test_marks_that_are_not_in_the_images_are_not_learned(displays):
    """Labels with points at random say nothing about specks."""
    images, labels, *_ = displays
    rng = np.random.default_rng(1)
    wrong = [text.strip("-").replace(".", "") + rng.choice(["", "'"]) for text in labels]
    assert len(KEEPERS[0].fit(images, wrong).marks_) == 0


def test_each_image_by_itself(displays):
    images, labels, *_ = displays
    keeper = KEEPERS[0].fit(images, labels)
    together = keeper.transform([*images, images[0][:30, :90]])
    np.testing.assert_array_equal(together[3], keeper.transform(images[3:4])[0])
    np.testing.assert_array_equal(together[-1], keeper.transform([images[0][:30, :90]])[0])


def test_images_without_ink():
    empty = [np.zeros((20, 30), dtype=np.uint8)] * 3
    for keeper in KEEPERS:
        cleaned = keeper.fit(empty, ["1.2", "34", ".5"]).transform(empty)
        assert not np.any(cleaned)


def test_missing_labels_keep_nothing(displays):
    assert len(SmallComponentRemover(keep_marks=True).fit(displays[0]).marks_) == 0


def test_as_many_labels_as_images(displays):
    with pytest.raises(ValueError, match="expected 60 labels, one for each image; got 59"):
        KEEPERS[0].fit(displays[0], displays[1][1:])


def test_dots_on_i():
    """The dots of printed letters are kept, those in other places are not."""
    rng = np.random.default_rng(0)
    font = load_font("DejaVuSans.ttf", 22)
    images, labels, dots, n_specks = [], [], [], []
    for _ in range(N):
        text = "".join(rng.choice(list("abdhiilo"), 4))
        drawing = Image.new("L", (80, 36))
        ImageDraw.Draw(drawing).text((8, 4), text, font=font, fill=255)
        ink = np.where(np.asarray(drawing) > 127, np.uint8(255), np.uint8(0))
        components, n = label(ink)
        dots.append(sum((components == k).sum() < 12 for k in range(1, n + 1)))
        noisy, specks = with_specks(ink, rng, 2, n=8)
        images.append(noisy)
        n_specks.append(label(specks)[1])
        labels.append(text)
    assert dots == [text.count("i") for text in labels]
    remover = SmallComponentRemover(12, keep_marks=True).fit(images[:40], labels[:40])
    left = [
        np.count_nonzero(np.bincount(label(one)[0].ravel()) < 12)
        for one in remover.transform(images[40:])
    ]
    assert (np.subtract(left, dots[40:]) >= 0).mean() > 0.9
    assert sum(left) - sum(dots[40:]) < 0.4 * sum(n_specks[40:])


def test_a_recipe_reads_numbers_with_points(displays):
    images, labels = displays[:2]
    half = N // 2

    def accuracy(keep_marks):
        model = make_pipeline(
            SmallComponentRemover(24, keep_marks=keep_marks),
            ConnectedComponents(merge_overlap=0.3),
            HOG(shape=(20, 20), pixels_per_cell=(5, 5)),
            CharacterReader(SVC(C=10)),
        )
        return model.fit(images[:half], labels[:half]).score(images[half:], labels[half:])

    assert accuracy(keep_marks=True) > accuracy(keep_marks=False) + 0.2
