"""Images that look like the training set, and images that do not."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal
from scipy.stats import norm
from skimage import data
from sklearn.base import clone

from skcaptcha import load_recipe, novelty, read_captchas
from skcaptcha.datasets import load_captchas, make_dot_captchas, make_line_captchas
from skcaptcha.images import ImageDecoder
from skcaptcha.novelty import MIN_IMAGES, NoveltyDetector

N = 300


@pytest.fixture(scope="module")
def captchas():
    X, _ = make_line_captchas(2 * N, random_state=0)
    return list(X[:N]), list(X[N:])


@pytest.fixture(scope="module")
def detector(captchas):
    return NoveltyDetector().fit(captchas[0])


@pytest.fixture(scope="module")
def fitted():
    X, y = make_line_captchas(200, random_state=0)
    return load_recipe("grid").pipeline().fit(list(X), y)


def photographs(shape):
    """Cut parts of a captcha's size out of photographs."""
    height, width, _ = shape
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        picture = getattr(data, name)()
        yield cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        for y in range(0, picture.shape[0] - height, height * 4):
            yield np.ascontiguousarray(picture[y : y + height, y : y + width])


class TestOnGeneratedCaptchas:
    def test_keeps_images_of_the_scheme(self, detector, captchas):
        assert np.mean(detector.predict(captchas[1]) == 1) >= 0.99

    def test_flags_another_scheme_even_at_the_same_size(self, detector, captchas):
        height, width, _ = captchas[0][0].shape
        others = [
            cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
            for image in make_dot_captchas(100, random_state=0)[0]
        ]
        assert np.mean(detector.predict(others) == -1) >= 0.95

    def test_flags_photographs(self, detector, captchas):
        pictures = [p for p in photographs(captchas[0][0].shape) if p.shape[1] > 60]
        assert len(pictures) > 10
        assert (detector.predict(pictures) == -1).all()

    def test_flags_noise_and_blanks(self, detector, captchas):
        shape = captchas[0][0].shape
        noise = np.random.default_rng(0).integers(0, 256, (20, *shape), dtype=np.uint8)
        blanks = [np.full(shape, shade, dtype=np.uint8) for shade in (0, 128, 240, 255)]
        assert (detector.predict([*noise, *blanks]) == -1).all()

    @pytest.mark.parametrize("factor", [0.5, 0.7, 1.4, 2.0])
    def test_flags_another_size(self, detector, captchas, factor):
        resized = [cv2.resize(image, None, fx=factor, fy=factor) for image in captchas[1][:50]]
        assert np.mean(detector.predict(resized) == -1) >= 0.95

    def test_the_fraction_of_outliers_is_about_contamination(self, captchas):
        detector = NoveltyDetector(contamination=0.1).fit(captchas[0])
        assert 0.8 < np.mean(detector.predict(captchas[1]) == 1) < 0.99


class TestEstimator:
    def test_decisions_agree(self, detector, captchas):
        X = [*captchas[1][:50], *make_dot_captchas(20, random_state=0)[0]]
        decisions = detector.decision_function(X)
        np.testing.assert_array_equal(decisions, detector.score_samples(X) - detector.offset_)
        np.testing.assert_array_equal(detector.predict(X), np.where(decisions >= 0, 1, -1))
        np.testing.assert_array_equal(
            NoveltyDetector().fit_predict(X), NoveltyDetector().fit(X).predict(X)
        )

    def test_offset_is_the_quantile(self, detector):
        assert detector.offset_ == pytest.approx(norm.ppf(detector.contamination))

    @given(st.lists(st.floats(-40, 40), min_size=1))
    def test_confidence_factors(self, detector, scores):
        scores = np.sort(scores)
        factors = detector.confidence_factors(scores)
        assert (np.diff(factors) >= 0).all()
        assert ((factors >= 0) & (factors <= 1)).all()
        assert (factors[scores >= 0] == 1).all()
        expected = norm.sf(-(scores + detector.offset_)) / detector.contamination
        np.testing.assert_allclose(factors[scores < 0], expected[scores < 0], rtol=1e-9)

    @settings(max_examples=50)
    @given(
        st.tuples(st.integers(1, 20), st.integers(1, 20), st.sampled_from([(), (3,)])).flatmap(
            lambda shape: arrays(np.uint8, (*shape[:2], *shape[2]))
        )
    )
    def test_any_image_has_a_score(self, detector, image):
        before = image.copy()
        assert np.isfinite(detector.score_samples([image])).all()
        np.testing.assert_array_equal(image, before)

    def test_an_images_score_does_not_depend_on_its_batch(self, detector, captchas):
        X = captchas[1][:30]
        alone = [detector.score_samples([image])[0] for image in X]
        np.testing.assert_array_equal(detector.score_samples(X), alone)

    def test_gray_images_are_not_color_images(self, captchas):
        gray = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in captchas[0]]
        detector = NoveltyDetector().fit(gray)
        assert (detector.predict(captchas[1][:20]) == -1).all()
        grays_in_color = [cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) for image in gray[:20]]
        assert (detector.predict(grays_in_color) == 1).all()

    def test_equal_images(self):
        X = [np.full((9, 9), 7, dtype=np.uint8)] * MIN_IMAGES
        detector = NoveltyDetector().fit(X)
        assert detector.predict([X[0], X[0] + 100]).tolist() == [1, -1]

    def test_too_few_images(self, captchas):
        with pytest.raises(ValueError, match="19 images are too few; use at least 20"):
            NoveltyDetector().fit(captchas[0][:19])

    @pytest.mark.parametrize("contamination", [0, 0.6, -1.0, "few"])
    def test_wrong_parameter(self, captchas, contamination):
        with pytest.raises(ValueError, match="'contamination' parameter of NoveltyDetector"):
            NoveltyDetector(contamination=contamination).fit(captchas[0])

    def test_clone(self, detector):
        assert clone(detector).get_params() == {"contamination": detector.contamination}

    def test_nothing(self, detector):
        assert detector.predict([]).shape == (0,)


class TestInAPipeline:
    def test_readings_of_other_images_are_flagged_with_less_confidence(self, fitted):
        X, _ = make_line_captchas(100, random_state=1)
        noise = np.random.default_rng(0).integers(0, 256, (100, *X[0].shape), dtype=np.uint8)
        genuine, foreign = read_captchas(fitted, list(X)), read_captchas(fitted, list(noise))
        assert np.mean([r.out_of_distribution for r in genuine]) <= 0.01
        assert np.mean([r.confidence > 0.5 for r in genuine]) > 0.9
        assert all(r.out_of_distribution for r in foreign)
        assert max(r.confidence for r in foreign) < 0.01
        assert all(sure <= 0.01 for r in foreign for _, sure in r.runners_up)
        assert [r.text for r in foreign] == fitted.predict(list(noise)).tolist()

    def test_few_images_turn_the_detection_off(self):
        X, y = make_line_captchas(19, random_state=0)
        model = load_recipe("grid").pipeline().fit(list(X), y)
        assert model["images"].novelty_ is None
        assert {r.out_of_distribution for r in read_captchas(model, list(X))} == {None}

    def test_a_decoder_learns_what_it_decodes(self, captchas):
        decoder = ImageDecoder(gray=True)
        images = decoder.fit_transform(captchas[0])
        assert all(image.ndim == 2 for image in images)
        alone = NoveltyDetector().fit(images)
        later = decoder.transform(captchas[1])
        np.testing.assert_array_equal(
            decoder.novelty_.score_samples(later), alone.score_samples(later)
        )


@pytest.mark.real
@pytest.mark.slow
def test_real_schemes(real_data):
    """Each scheme compared with all others, whose images are resized to its size.

    Photographs vary so much that images of the same size are hardly unlike them.
    """
    photographs = {"kwh_display", "plates_uz"}
    decoder = ImageDecoder()
    train, dev = {}, {}
    for folder in sorted(p for p in real_data.iterdir() if (p / "train").is_dir()):
        train[folder.name], dev[folder.name] = (
            decoder.transform(load_captchas(folder / part, labeled=False).data)
            for part in ("train", "dev")
        )
    kept, flagged = [], []
    for name, images in train.items():
        detector = NoveltyDetector().fit(images)
        kept.append(np.mean(detector.predict(dev[name]) == 1))
        if name in photographs:
            continue
        height, width = np.median([image.shape[:2] for image in images], axis=0).astype(int)
        others = [
            cv2.resize(image, (int(width), int(height)), interpolation=cv2.INTER_AREA)
            for other in dev
            if other != name
            for image in dev[other][:50]
        ]
        flagged.append(np.mean(detector.predict(others) == -1))
    assert np.mean(kept) >= 0.99
    assert np.min(flagged) >= 0.95


@given(
    arrays(np.uint8, st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 6))),
    st.sets(st.integers(1, 255), max_size=6),
)
def test_pixels_are_counted_as_by_a_histogram(images, bounds):
    firsts = [0, *sorted(bounds)]
    expected = [np.histogram(image, [*firsts, 256])[0] for image in images]
    assert_array_equal(novelty._counts(images, firsts), expected)
