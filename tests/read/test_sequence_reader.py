"""SequenceReader."""

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from skcaptcha.denoise import HeightScaler
from skcaptcha.exceptions import ReadingError
from skcaptcha.features import HOG, OrientedGradients
from skcaptcha.read import SequenceReader
from skcaptcha.segment import Oversegmentation, SlidingWindow

# Shapes of 24 rows and different widths.
GLYPHS = {
    "o": np.array(["011110", "110011", "100001", "100001", "110011", "011110"]),
    "i": np.array(["11", "11", "00", "11", "11", "11"]),
    "m": np.array(["1111111110", "1001001001", "1001001001", "1001001001"] + ["1001001001"] * 2),
    "z": np.array(["111111", "000011", "000110", "001100", "011000", "111111"]),
}
WIDTHS = {name: 2 * len(rows[0]) for name, rows in GLYPHS.items()}


def glyph(name: str) -> np.ndarray:
    pixels = np.array([[int(p) for p in row] for row in GLYPHS[name]], dtype=np.uint8) * 255
    return pixels.repeat(4, axis=0).repeat(2, axis=1)


def drawn(texts, seed=0, gaps=(2, 5), left=None, specks=0.01):
    """Return images of bright glyphs on a dark background with specks, and their left edges."""
    rng = np.random.default_rng(seed)
    images, edges = [], []
    for text in texts:
        image = np.zeros((40, 140), dtype=np.uint8)
        x = int(rng.integers(8, 20)) if left is None else left
        own = []
        for name in text:
            top = int(rng.integers(6, 10))
            image[top : top + 24, x : x + WIDTHS[name]] |= glyph(name)
            own.append(x)
            x += WIDTHS[name] + int(rng.integers(*gaps))
        image[rng.random(image.shape) < specks] = 180
        images.append(image)
        edges.append(own)
    return images, edges


def texts_of(n, seed=0, lengths=(4, 4)):
    rng = np.random.default_rng(seed)
    letters = list(GLYPHS)
    return [
        "".join(rng.choice(letters, rng.integers(lengths[0], lengths[1] + 1))) for _ in range(n)
    ]


def pipeline(estimator=None, **parameters):
    return make_pipeline(
        HeightScaler(40, margin=0.5),
        SlidingWindow(),
        OrientedGradients(),
        SequenceReader(estimator, random_state=0, **parameters),
    )


@pytest.fixture(scope="module")
def varied():
    """Return a model of strings of three to five characters."""
    y = texts_of(120, lengths=(3, 5))
    return pipeline().fit(drawn(y)[0], y)


@pytest.fixture(scope="module")
def oversegmented():
    """Return a model of candidates that depend on the ink, and its captchas."""
    y = [text.replace("m", "z") for text in texts_of(40)]
    images = drawn(y)[0]
    model = make_pipeline(Oversegmentation(), HOG(shape=(24, 24)), SequenceReader())
    return model.fit(images, y), images, y


def test_it_reads_strings_of_all_training_lengths(varied):
    y = texts_of(60, seed=1, lengths=(3, 5))
    assert varied.score(drawn(y, seed=1)[0], y) >= 0.95


@pytest.mark.parametrize(
    "estimator",
    [KNeighborsClassifier(n_neighbors=3), SVC(C=10), SVC(C=10, decision_function_shape="ovo")],
    ids=["KNN", "SVM", "SVM, pairwise"],
)
@pytest.mark.parametrize("n_windows", [None, 800])
def test_any_classifier_reads(estimator, n_windows):
    y = texts_of(60)
    model = pipeline(estimator, n_windows=n_windows).fit(drawn(y)[0], y)
    y = texts_of(30, seed=1)
    assert model.score(drawn(y, seed=1)[0], y) >= 0.85


def test_ensemble_members_average_their_probabilities():
    y = texts_of(20)
    images, _ = drawn(y)
    network = MLPClassifier((20,), max_iter=20, random_state=0)
    model = pipeline(network, n_estimators=3, n_windows=500).fit(images, y)
    classifier = model[-1].classifier_
    values = model[:-1].transform(images[:2]).values
    each = [
        member.estimator.predict_proba((values - member.center) * member.scale)
        for member in classifier.members
    ]
    # Members have their own windows and seeds, even if the estimator has a seed.
    assert not np.allclose(each[0], each[1])
    assert not np.allclose(each[1], each[2])
    clear = np.maximum(each, 1e-6).mean(axis=0)
    expected = np.log(clear[:, 1:]) - np.log(clear[:, :1])
    np.testing.assert_allclose(classifier.emission_scores(values), expected, atol=1e-4)


@pytest.mark.slow
def test_it_reads_oversegmented_captchas():
    y = [text.replace("m", "z") for text in texts_of(80)]
    model = make_pipeline(
        Oversegmentation(), HOG(shape=(24, 24)), SequenceReader(SVC(), random_state=0)
    ).fit(drawn(y)[0], y)
    assert model[-1].geometry_.half_widths is None
    y = [text.replace("m", "z") for text in texts_of(40, seed=1)]
    assert model.score(drawn(y, seed=1)[0], y) >= 0.85


@pytest.mark.parametrize("seed", [0, 1])
def test_forced_alignment_recovers_the_positions(seed):
    """Up to a common shift, because labels do not determine the offset within windows."""
    y = texts_of(60, seed=seed)
    images, edges = drawn(y, seed=seed)
    model = pipeline().fit(images, y)
    off = []
    for image, text, own in zip(images, y, edges, strict=True):
        model.set_params(sequencereader__mask=list(text))
        (reading,) = model[-1].read(model[:-1].transform([image]))
        middles = reading.boxes[:, 0] + reading.boxes[:, 2] / 2
        # The margin of HeightScaler shifts everything to the right.
        off += list(middles - 20 - [x + WIDTHS[n] / 2 for x, n in zip(own, text, strict=True)])
    shift = np.median(off)
    assert abs(shift) <= 2
    assert np.mean(np.abs(off - shift) <= 2) > 0.95


def is_spelled_by_a_reading(model, images, y, boxes):
    """Check the boxes of labels against readings that may only be these labels."""
    reader = clone(model[-1])
    reader.__dict__.update({k: v for k, v in vars(model[-1]).items() if k.endswith("_")})
    segments = model[:-1].transform(images)
    for i, text in enumerate(y):
        (reading,) = reader.set_params(mask=list(text)).read(segments[i])
        assert reading.text == text
        np.testing.assert_array_equal(boxes[i], reading.boxes)


@settings(max_examples=15)
@given(seed=st.integers(0, 1000), n=st.integers(1, 4))
def test_the_boxes_of_labels_are_those_of_a_reading_that_must_spell_them(varied, seed, n):
    """Also of labels that the images do not show."""
    images, _ = drawn(texts_of(n, seed=seed, lengths=(3, 5)), seed=seed)
    y = texts_of(n, seed=seed + 1, lengths=(1, 6))
    boxes = varied[-1].align(varied[:-1].transform(images), y)
    is_spelled_by_a_reading(varied, images, y, boxes)


@settings(max_examples=25)
@given(seed=st.integers(0, 1000))
def test_the_boxes_of_labels_are_where_the_characters_are(varied, seed):
    y = texts_of(5, seed=seed, lengths=(3, 5))
    images, edges = drawn(y, seed=seed)
    off = []
    aligned = varied[-1].align(varied[:-1].transform(images), y)
    for text, own, boxes in zip(y, edges, aligned, strict=True):
        assert boxes.shape == (len(text), 4)
        x, top, width, height = boxes.T
        assert (np.diff(x + width / 2) > 0).all()
        # The margin of HeightScaler, 20 pixels, surrounds the image.
        assert (x >= 0).all()
        assert (x + width <= 140 + 2 * 20).all()
        assert (top >= 0).all()
        assert (top + height <= 40 + 2 * 20).all()
        off += list(
            x + width / 2 - 20 - [e + WIDTHS[n] / 2 for e, n in zip(own, text, strict=True)]
        )
    assert np.abs(off).max() <= 6


def test_labels_without_a_path_have_no_boxes(oversegmented):
    model, images, y = oversegmented
    dark = np.zeros((40, 120), dtype=np.uint8)
    segments = model[:-1].transform([dark, images[0], images[0], images[0], images[0]])
    boxes = model[-1].align(segments, ["oi", y[0], "", "o" * 500, "oxo"])
    assert [own.shape for own in boxes] == [(0, 4), (4, 4), (0, 4), (0, 4), (0, 4)]
    assert [own.dtype for own in boxes] == [np.intp] * 5
    (alone,) = model[-1].align(segments[0], ["oi"])
    assert alone.shape == (0, 4)
    assert model[-1].align(segments[:0], []) == []


def test_labels_align_only_after_the_fit(varied):
    segments = varied[:-1].transform(drawn(["oi"])[0])
    with pytest.raises(NotFittedError):
        SequenceReader().align(segments, ["oi"])
    with pytest.raises(ReadingError, match=r"labels \(2\) differs"):
        varied[-1].align(segments, ["oi", "io"])


def test_wider_characters_have_wider_boxes(varied):
    half = dict(zip(varied[-1].classes_, varied[-1].geometry_.half_widths, strict=True))
    assert half["i"] < half["o"] < half["m"]


@settings(max_examples=15)
@given(n_steps=st.integers(0, 10), seed=st.integers(0, 1000))
def test_shifting_the_text_by_steps_of_the_windows_shifts_the_boxes(varied, n_steps, seed):
    """With other shifts, the windows would contain different parts of the text."""
    shift = n_steps * varied.named_steps["slidingwindow"].step
    text = texts_of(1, seed=seed)
    (here,), _ = drawn(text, left=10)
    there = np.roll(here, shift, axis=1)
    one, other = (varied[-1].read(varied[:-1].transform([image]))[0] for image in (here, there))
    assert one.text == other.text
    moved = other.boxes[:, 0] - one.boxes[:, 0]
    np.testing.assert_array_equal(moved, np.full(len(one.text), shift))


@settings(max_examples=20)
@given(
    mask=st.lists(st.none() | st.sampled_from(["o", "mz", "iz", "oimz"]), min_size=1, max_size=6),
    seed=st.integers(0, 100),
)
def test_texts_and_runners_up_meet_the_mask(varied, mask, seed):
    model = clone(varied[-1]).set_params(mask=mask)
    model.__dict__.update({k: v for k, v in vars(varied[-1]).items() if k.endswith("_")})
    segments = varied[:-1].transform(drawn(texts_of(3, seed=seed))[0])
    for text, reading in zip(model.predict(segments), model.read(segments), strict=True):
        assert reading.text == text
        assert len(text) == len(mask)
        assert all(may is None or c in may for c, may in zip(text, mask, strict=True))
        for other, _ in reading.runners_up:
            assert all(may is None or c in may for c, may in zip(other, mask, strict=True))


@pytest.mark.parametrize("length", [2, (2, 3), "free"])
def test_texts_meet_the_length(varied, length):
    reader = varied[-1]
    segments = varied[:-1].transform(drawn(texts_of(5, seed=3, lengths=(2, 6)))[0])
    reader.set_params(length=length)
    try:
        lengths = {len(text) for text in reader.predict(segments)}
    finally:
        reader.set_params(length=None)
    assert lengths <= {2: {2}, (2, 3): {2, 3}, "free": set(range(1, 15))}[length]


def test_texts_do_not_depend_on_the_other_captchas():
    """With free lengths, the longest string must not depend on the widest image."""
    y = ["".join(text) for text in np.random.default_rng(0).choice(["m", "i", "ii"], (30, 4))]
    model = pipeline().fit(drawn(y, gaps=(2, 3))[0], y)
    narrow, wide = np.zeros((40, 460), np.uint8), np.zeros((40, 900), np.uint8)
    for x in range(10, 450, WIDTHS["i"] + 2):
        narrow[8:32, x : x + WIDTHS["i"]] = glyph("i")
    model.set_params(sequencereader__length="free")
    assert model.predict([narrow])[0] == model.predict([narrow, wide])[0]


def test_free_lengths_exceed_those_of_the_labels(varied):
    y = texts_of(20, seed=5, lengths=(6, 6))
    short = [text.replace("m", "i") for text in y]
    images = drawn(short, seed=5, left=3)[0]
    reader = varied[-1].set_params(length="free")
    try:
        assert np.mean(varied.predict(images) == np.array(short)) >= 0.8
    finally:
        reader.set_params(length=None)


def test_readings_have_runners_up(varied):
    segments = varied[:-1].transform(drawn(texts_of(10, seed=2))[0])
    for reading in varied[-1].read(segments):
        assert len(reading.boxes) == len(reading.probabilities) == len(reading.text)
        assert ((reading.probabilities >= 0) & (reading.probabilities <= 1)).all()
        assert reading.runners_up
        confidences = [confidence for _, confidence in reading.runners_up]
        assert confidences == sorted(confidences, reverse=True)
        assert reading.text not in dict(reading.runners_up)
        assert reading.confidence + sum(confidences) <= 1 + 1e-9
        assert max(confidences) <= reading.confidence


def test_confidences_can_be_trusted():
    y = texts_of(300)
    noisy = [
        np.clip(i + np.random.default_rng(k).normal(0, 90, i.shape), 0, 255).astype(np.uint8)
        for k, i in enumerate(drawn(y)[0])
    ]
    model = pipeline(calibration_cv=3).fit(noisy[:200], y[:200])
    readings = model[-1].read(model[:-1].transform(noisy[200:]))
    right = np.array([r.text == t for r, t in zip(readings, y[200:], strict=True)])
    confidences = np.array([r.confidence for r in readings])
    # Mean confidence and accuracy of the less and of the more confident half.
    for half in np.array_split(np.argsort(confidences), 2):
        assert abs(confidences[half].mean() - right[half].mean()) < 0.15


def test_the_same_seed_gives_the_same_model():
    y = texts_of(30)
    images = drawn(y)[0]
    one, other = (pipeline(n_windows=500).fit(images, y) for _ in range(2))
    assert joblib.hash(one) == joblib.hash(other)


# --- bad input ------------------------------------------------------------------------------------


def test_a_mask_that_is_a_string_raises(varied):
    reader = varied[-1].set_params(mask="oi")
    try:
        with pytest.raises(ReadingError, match="must be a list"):
            reader.check_constraints()
    finally:
        reader.set_params(mask=None)


def test_narrow_text_with_more_characters_than_windows():
    """An even layout puts all characters of a narrow text on few windows."""
    image = np.zeros((40, 200), np.uint8)
    image[8:32, 20:24], image[8:20, 26:30] = 255, 255
    model = pipeline(n_windows=50).fit([image, image[:, ::-1].copy()], ["abcdefgh", "ijklmnop"])
    assert model[-1].n_left_out_ == 0


def test_five_captchas_can_be_fitted():
    y = ["oimz", "zmio", "ooii", "mmzz", "oizm"]
    model = pipeline(calibration_cv=3, n_windows=300).fit(drawn(y)[0], y)
    assert len(model.predict(drawn(y)[0])) == 5


def test_a_few_wrong_labels_lower_the_accuracy_only_slightly():
    y = np.array(texts_of(120))
    images = drawn(y)[0]
    wrong = y.copy()
    wrong[:12] = texts_of(12, seed=9)
    model = pipeline().fit(images, wrong)
    y = texts_of(50, seed=1)
    assert model.score(drawn(y, seed=1)[0], y) >= 0.9


@pytest.mark.parametrize("n_windows", [None, 2000])
def test_characters_that_occur_once_are_learned(n_windows):
    y = [text.replace("z", "o") for text in texts_of(30)]
    y[0] = "zoio"
    model = pipeline(calibration_cv=2, n_windows=n_windows).fit(drawn(y)[0], y)
    assert "".join(model[-1].classes_) == "imoz"


def test_labels_without_a_path_are_excluded():
    y = texts_of(40)
    y[3], y[7] = "", "o" * 500
    model = pipeline().fit(drawn([t[:5] for t in y])[0], y)
    assert model[-1].left_out_.tolist() == [3, 7]


def test_a_captcha_without_candidates_has_an_empty_text(oversegmented):
    model, images, _ = oversegmented
    dark = np.zeros((40, 120), dtype=np.uint8)
    segments = model[:-1].transform([dark, images[0]])
    empty, other = model[-1].read(segments)
    assert empty.text == ""
    assert empty.confidence == 0
    assert other.text


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1, 2], r"found 1 \(int\) at 0"),
        (["a"], r"labels \(1\) differs from number of captchas \(2\)"),
        (["", ""], "nothing can be learned"),
    ],
)
def test_useless_labels_raise(y, message):
    segments = make_pipeline(
        HeightScaler(40), SlidingWindow(16), OrientedGradients()
    ).fit_transform(drawn(["oi", "io"])[0])
    with pytest.raises(ReadingError, match=message):
        SequenceReader().fit(segments, y)


def test_a_narrow_image_does_not_change_the_model():
    y = texts_of(40)
    images = drawn(y)[0]
    alone = pipeline().fit(images, y)
    with_narrow = pipeline().fit([*images, images[0][:, 8:16]], [*y, "i"])
    assert with_narrow[-1].geometry_.half_widths is not None
    z = texts_of(30, seed=1)
    assert (
        abs(alone.score(drawn(z, seed=1)[0], z) - with_narrow.score(drawn(z, seed=1)[0], z)) < 0.1
    )


@pytest.mark.parametrize("given", [{"mask": ["o", "x"]}, {"length": (6, 4)}, {"charset": "?"}])
def test_constraints_are_checked_before_the_fit(given):
    segments = make_pipeline(
        HeightScaler(40), SlidingWindow(16), OrientedGradients()
    ).fit_transform(drawn(["oi", "io"])[0])
    with pytest.raises(ReadingError, match=next(iter(given))):
        SequenceReader(**given).fit(segments, ["oi", "io"])


def test_another_number_of_features_raises(varied):
    segments = make_pipeline(
        HeightScaler(40), SlidingWindow(12), OrientedGradients()
    ).fit_transform(drawn(["oim"])[0])
    with pytest.raises(ValueError, match=r"expected \d+ features"):
        varied[-1].predict(segments)


def test_a_mask_that_no_character_meets_raises(varied):
    segments = varied[:-1].transform(drawn(["oim"])[0])
    reader = varied[-1].set_params(mask=["o", "x"])
    try:
        with pytest.raises(ReadingError, match="mask, position 2: allows only 'x'"):
            reader.predict(segments)
    finally:
        reader.set_params(mask=None)
