"""ConvolutionalReader on drawn captchas: what it reads, constraints, batches and bad input."""

import logging
import pickle
import time
import tracemalloc
from copy import copy
from functools import cache

import cv2
import joblib
import numpy as np
import pytest
from joblib._parallel_backends import LokyBackend
from scipy.special import logit
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline

from skcaptcha import load, save
from skcaptcha.datasets import make_image_captchas
from skcaptcha.denoise import Grayscale, HeightScaler, PolarityNormalizer, Smoother
from skcaptcha.exceptions import ImageError, ReadingError
from skcaptcha.features import HOG, OrientedGradients
from skcaptcha.read import CharacterReader, ConvolutionalReader, SequenceReader
from skcaptcha.read._calibration import PlattScaling
from skcaptcha.read.convolutional._training import Training
from skcaptcha.segment import EqualSplit, SlidingWindow

PITCH = 16
HEIGHT = 24


def draw(text: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw a denoised captcha of bright characters, and return the middles of the characters."""
    rng = np.random.default_rng([seed, *text.encode()])
    image = np.zeros((HEIGHT, PITCH * len(text) + 10), dtype=np.uint8)
    middles = []
    for i, character in enumerate(text):
        x, y = 4 + PITCH * i + rng.integers(0, 4), 18 + rng.integers(-1, 3)
        cv2.putText(image, character, (int(x), int(y)), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 2)
        (width, _), _ = cv2.getTextSize(character, cv2.FONT_HERSHEY_SIMPLEX, 0.6, 2)
        middles.append(x + width / 2)
    image[rng.random(image.shape) < 0.03] = 160
    return image, np.array(middles)


def captchas(n: int, lengths=(2, 3, 4), charset: str = "ACX", seed: int = 0):
    """Images and labels; many labels have equal neighbors."""
    rng = np.random.default_rng(seed)
    texts = ["".join(rng.choice(list(charset), rng.choice(lengths))) for _ in range(n)]
    return [draw(text, i)[0] for i, text in enumerate(texts)], texts


def small(**parameters) -> ConvolutionalReader:
    """A reader that learns the drawn captchas in seconds."""
    return ConvolutionalReader(
        **{
            "channels": (8, 8, 16, 16, 16),
            "n_hidden": 32,
            "max_iter": 150,
            "learning_rate_init": 0.01,
            "random_state": 0,
            **parameters,
        }
    )


def tiny(**parameters) -> ConvolutionalReader:
    """A reader that learns nothing, and fast."""
    return small(**{"channels": (2, 2, 2, 2, 2), "n_hidden": 4, "max_iter": 2, **parameters})


TRAINING = captchas(160)
OTHERS = captchas(60, seed=1)


@cache
def _fitted() -> bytes:
    return pickle.dumps(small().fit(*TRAINING))


@pytest.fixture
def reader() -> ConvolutionalReader:
    return pickle.loads(_fitted())


@cache
def _fitted_pair() -> bytes:
    return pickle.dumps(small(n_estimators=2, max_iter=40).fit(*captchas(60)))


@pytest.fixture
def pair() -> ConvolutionalReader:
    """A reader with two networks, the second of which is asked about some of OTHERS."""
    fitted = pickle.loads(_fitted_pair())
    network = fitted.networks_[:1]
    alone = copy(fitted)
    alone.networks_ = network
    middle = np.median([reading.confidence for reading in alone.read(OTHERS[0])])
    slope, intercept = fitted.calibrator_
    fitted.calibrator_ = PlattScaling(slope, intercept - logit(middle) + logit(0.9))
    return fitted


def probabilities_of(reader: ConvolutionalReader, *, ask_all: bool = False) -> np.ndarray:
    (columns,) = reader._batches(OTHERS[0], ask_all=ask_all)
    return np.exp(columns.lattice._scores)


def said(readings) -> list:
    return [
        (r.text, r.confidence, r.probabilities.tobytes(), r.boxes.tobytes(), r.runners_up)
        for r in readings
    ]


# --- what it reads --------------------------------------------------------------------------------


def test_it_reads_other_captchas_of_variable_length(reader):
    images, texts = OTHERS
    assert reader.score(images, texts) >= 0.95
    assert reader.predict(images).tolist() == [r.text for r in reader.read(images)]
    assert reader.init_score_ > 0.5
    assert len(reader.networks_) == len(reader.n_iter_) == len(reader.loss_curves_) == 1
    assert reader.loss_curves_[0][-1] < reader.loss_curves_[0][1] / 2


@pytest.mark.parametrize("text", ["AA", "CCC", "AACC", "XX"])
def test_equal_neighbors(reader, text):
    assert text in {reader.predict([draw(text, seed)[0]])[0] for seed in range(3)}


def test_boxes_are_near_the_characters(reader):
    texts = sorted(set(OTHERS[1]))
    images, middles = zip(*[draw(text, 7) for text in texts], strict=True)
    readings = reader.read(list(images))
    n_right = 0
    for image, text, expected, reading in zip(images, texts, middles, readings, strict=True):
        boxes = reading.boxes
        assert boxes.shape == (len(reading.text), 4)
        x, y, w, h = boxes.T
        assert (np.diff(x) > 0).all()
        assert (x >= 0).all()
        assert (w >= 1).all()
        assert (x + w <= image.shape[1]).all()
        assert (y == 0).all()
        assert (h == image.shape[0]).all()
        if reading.text == text:
            n_right += 1
            assert np.abs(x + w / 2 - expected).max() < PITCH / 2
    assert n_right > len(texts) / 2


def test_boxes_are_in_pixels_of_the_image(reader):
    image, middles = draw("CAX", 3)
    large = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    (reading,) = reader.read([large])
    assert reading.text == "CAX"
    x, _, w, h = reading.boxes.T
    assert np.abs(x + w / 2 - 2 * middles).max() < PITCH
    assert set(h) == {2 * HEIGHT}


def test_probabilities_are_consistent(reader):
    for reading in reader.read(OTHERS[0]):
        assert 0 < reading.confidence < 1
        assert reading.probabilities.shape == (len(reading.text),)
        assert ((reading.probabilities > 0) & (reading.probabilities <= 1)).all()
        others = [text for text, _ in reading.runners_up]
        odds = [p for _, p in reading.runners_up]
        assert 1 <= len(others) <= 3
        assert len({reading.text, *others}) == 1 + len(others)
        assert odds == sorted(odds, reverse=True)
        assert odds[0] <= reading.confidence
        assert reading.confidence + sum(odds) <= 1 + 1e-9


def test_confidences_come_from_held_out_captchas(reader):
    held_out = reader.validation_indices_
    assert len(held_out) == 16
    assert len(set(held_out.tolist())) == 16
    images, texts = TRAINING
    own = [images[i] for i in held_out]
    assert reader.validation_texts_.tolist() == reader.predict(own).tolist()
    expected = np.mean(reader.validation_texts_ == np.array(texts)[held_out])
    assert reader.validation_score_ == expected
    readings = reader.read(OTHERS[0])
    right = [r.text == text for r, text in zip(readings, OTHERS[1], strict=True)]
    assert np.mean([r.confidence for r in readings]) == pytest.approx(np.mean(right), abs=0.15)


def test_held_out_captchas_of_several_networks_are_disjoint_and_keep_duplicates_together():
    images, texts = captchas(30)
    fitted = tiny(n_estimators=3).fit([*images, *images], [*texts, *texts])
    parts = np.split(fitted.validation_indices_, 3)
    assert len(fitted.networks_) == 3
    assert len(set(fitted.validation_indices_.tolist())) == 18
    for part in parts:
        assert sorted(part % 30) == sorted([*set(part % 30), *set(part % 30)])


def test_other_networks_are_asked_only_if_the_first_is_not_sure(pair):
    each = []
    for network in pair.networks_:
        alone = copy(pair)
        alone.networks_ = [network]
        each.append(probabilities_of(alone))
        if len(each) == 1:
            sure = np.array([reading.confidence >= 0.9 for reading in alone.read(OTHERS[0])])
    assert 0.3 < sure.mean() < 0.7
    mean = np.mean(each, axis=0)
    expected = np.where(sure[:, None], each[0], mean)
    np.testing.assert_allclose(probabilities_of(pair), expected, rtol=1e-5)
    np.testing.assert_allclose(probabilities_of(pair, ask_all=True), mean, rtol=1e-5)


def test_without_held_out_captchas_all_networks_are_asked():
    fitted = tiny(n_estimators=2, validation_fraction=0).fit(*captchas(30))
    fitted.calibrator_ = PlattScaling(0.0, 100.0)
    all_asked = probabilities_of(fitted, ask_all=True)
    np.testing.assert_array_equal(probabilities_of(fitted), all_asked)


def test_constraints_do_not_change_the_scores_of_labels(pair):
    expected = pair.score_labels(*OTHERS)
    for constraint in ({"mask": ["A", "A", "A"]}, {"charset": "A"}, {"charset": "Q"}):
        found = copy(pair).set_params(**constraint).score_labels(*OTHERS)
        for one, other in zip(expected, found, strict=True):
            np.testing.assert_array_equal(one.lengths, other.lengths)
            np.testing.assert_array_equal(one.characters, other.characters)


def test_scores_of_labels(reader):
    images, texts = OTHERS
    wrong = ["A" * len(text) for text in texts]
    longer = ["AXCAXC"] * len(texts)
    for labels in (texts, wrong, longer):
        for score, label in zip(reader.score_labels(images, labels), labels, strict=True):
            assert score.lengths[0] == -np.inf
            assert len(score.lengths) > len(label)
            if score.characters is not None:
                assert score.characters.shape == (len(label), 3)
                best = score.characters.max(axis=1)
                np.testing.assert_allclose(best, score.lengths[len(label)], atol=1e-9)


@pytest.mark.slow
def test_it_beats_windows_on_overlapping_characters():
    X, y = make_image_captchas(
        1000,
        charset="ABCD",
        overlap=(0.35, 0.5),
        width=100,
        height=40,
        sizes=(28, 32),
        random_state=0,
    )
    network = small(
        channels=(16, 16, 32, 32, 32), n_hidden=64, max_iter=1000, learning_rate_init=0.005
    )
    windows = [SlidingWindow(), OrientedGradients(), SequenceReader(random_state=0)]
    scores = []
    for last in ([HeightScaler(32, margin=0), network], [HeightScaler(), *windows]):
        model = make_pipeline(Grayscale(), PolarityNormalizer(), *last)
        scores.append(model.fit(X[:800], y[:800]).score(X[800:], y[800:]))
    assert scores[0] > scores[1] + 0.1


# --- constraints ----------------------------------------------------------------------------------


def test_length(reader):
    images, _ = OTHERS
    reader.set_params(length=3)
    assert {len(text) for text in reader.predict(images)} == {3}
    reader.set_params(length=(1, 2))
    assert {len(text) for text in reader.predict(images)} <= {1, 2}
    reader.set_params(length="free")
    assert np.mean(reader.predict(images) == np.array(OTHERS[1])) > 0.8


def test_charset_and_mask(reader):
    images, _ = OTHERS
    reader.set_params(charset="AX")
    assert set("".join(reader.predict(images))) <= {"A", "X"}
    reader.set_params(charset=None, mask=["A", None, "CX"])
    for reading in reader.read(images):
        for text in [reading.text, *[text for text, _ in reading.runners_up]]:
            assert len(text) == 3
            assert text[0] == "A"
            assert text[2] in "CX"


def test_constraints_change_nothing_that_is_learned():
    images, texts = captchas(30)
    plain = tiny().fit(images, texts)
    constrained = tiny(charset="A", length="free").fit(images, texts)
    assert constrained.calibrator_ == plain.calibrator_
    assert constrained.validation_texts_.tolist() == plain.validation_texts_.tolist()
    constrained.set_params(charset=None, length=None)
    assert said(constrained.read(images)) == said(plain.read(images))


def test_impossible_constraints(reader):
    with pytest.raises(ReadingError, match="charset"):
        reader.set_params(charset="Q").predict(OTHERS[0])
    with pytest.raises(ReadingError, match="charset"):
        tiny(charset="Q").fit(*TRAINING)
    # 100 characters do not fit into the columns of any captcha.
    reader.set_params(charset=None, length=100)
    assert set(reader.predict(OTHERS[0])) == {""}
    assert {r.confidence for r in reader.read(OTHERS[0])} == {0.0}


def test_great_lengths_cost_no_memory(reader):
    expected = reader.set_params(length=(1, 20)).predict(OTHERS[0][:3])
    found = reader.set_params(length=(1, 10**6)).predict(OTHERS[0][:3])
    assert found.tolist() == expected.tolist()


# --- batches --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("length", [None, "free", (1, 6)])
@pytest.mark.parametrize("kind", ["reader", "pair"])
def test_a_reading_does_not_depend_on_the_batch(kind, length, request):
    reader = request.getfixturevalue(kind).set_params(length=length)
    images = [draw(text, 5)[0] for text in ("AC", "X", "ACXACXACXACXACX", "CCAA", "AXC")]
    images += [np.zeros((24, 1), np.uint8), np.full((5, 300), 9, np.uint8), images[2][:, :500]]
    images += [cv2.resize(images[0], None, fx=3, fy=1.5), images[3].T.copy()]
    together = said(reader.read(images))
    assert said(reader.read(images[::-1])) == together[::-1]
    assert [said(reader.read([image]))[0] for image in images] == together
    assert reader.predict(images).tolist() == [text for text, *_ in together]
    many = said(reader.read(images * 14))  # more than one batch of captchas
    assert many == together * 14


def test_a_wide_image_takes_little_memory(reader):
    images = [*OTHERS[0][:20], np.tile(OTHERS[0][0], (1, 40)), *OTHERS[0][20:40]]
    expected = reader.set_params(length="free").predict(OTHERS[0][:40]).tolist()
    tracemalloc.start()
    found = reader.predict(images).tolist()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [*found[:20], *found[21:]] == expected
    assert len(found[20]) > 40
    assert peak < 200 * 2**20


def test_an_image_that_is_too_wide_is_an_error(reader):
    # Enlarged to the height of the others, it would have 24,000 columns.
    with pytest.raises(ImageError, match="at most 16384 columns are supported; crop it"):
        reader.predict([np.zeros((1, 1000), dtype=np.uint8)])


def test_an_image_of_one_pixel(reader):
    for shape in ((1, 1), (24, 1), (1, 50), (300, 1)):
        image = np.full(shape, 255, dtype=np.uint8)
        (reading,) = reader.read([image])
        assert reading.text == reader.predict([image])[0]
        assert len(reading.boxes) == len(reading.text)


# --- few, empty and impossible labels -------------------------------------------------------------


def test_labels_that_do_not_fit_are_left_out():
    images, texts = captchas(12)
    images += [draw("A")[0], draw("C")[0]]
    texts += ["ACXACXACXACXACX", "AAAAAAAAA"]
    fitted = tiny().fit(images, texts)
    assert fitted.left_out_.tolist() == [12, 13]
    assert fitted.n_left_out_ == 2
    assert max(fitted.lengths_) == 4


def test_empty_labels_are_left_out():
    images, texts = captchas(12)
    fitted = tiny().fit([*images, draw("A")[0]], [*texts, ""])
    assert fitted.left_out_.tolist() == [12]
    with pytest.raises(ReadingError, match="nothing can be learned: none of the 3 captchas"):
        tiny().fit(images[:3], ["", "", ""])
    with pytest.raises(ReadingError, match="nothing can be learned: none of the 1 captchas"):
        tiny().fit(images[:1], ["A" * 100])


@pytest.mark.parametrize("texts", [["A"], ["A", "A"], ["A", "C"], ["AC", "C"], ["AA"] * 30])
def test_few_captchas_and_one_character(texts):
    images = [draw(text, i)[0] for i, text in enumerate(texts)]
    fitted = tiny(length="free").fit(images, texts)
    assert fitted.classes_.tolist() == sorted(set("".join(texts)))
    for reading in fitted.read([*images, *OTHERS[0][:3]]):
        assert set(reading.text) <= set(fitted.classes_)
        assert np.isfinite(reading.confidence)


def test_many_duplicates_are_not_held_out():
    images, texts = captchas(30)
    fitted = tiny().fit([*images, *images[:1] * 60], [*texts, *texts[:1] * 60])
    assert len(fitted.validation_indices_) == 9
    assert fitted.validation_indices_.min() > 0


def test_no_character_loses_its_last_example():
    images, texts = captchas(40, charset="AC")
    fitted = tiny(validation_fraction=0.5).fit([*images, draw("XA")[0]], [*texts, "XA"])
    assert 40 not in fitted.validation_indices_
    assert len(fitted.validation_indices_) > 10


def test_without_held_out_captchas():
    fitted = tiny(validation_fraction=0).fit(*captchas(30))
    assert len(fitted.validation_indices_) == 0
    assert np.isnan(fitted.validation_score_)
    assert all(0 < r.confidence < 1 for r in fitted.read(OTHERS[0][:5]))


# --- parameters -----------------------------------------------------------------------------------


@pytest.mark.parametrize("features", [OrientedGradients(), HOG()])
def test_init_finds_the_positions(features):
    reader = SequenceReader(LogisticRegression(), n_realignments=0, random_state=0)
    init = make_pipeline(Smoother(), SlidingWindow(), features, reader)
    fitted = tiny(init=init).fit(*captchas(30))
    assert not hasattr(init[-1], "classes_")
    assert 10 < fitted.pitch_ < 22


def test_init_finds_the_positions_of_captchas_with_as_many_segments_as_characters():
    images, texts = captchas(30, lengths=[3])
    images, texts = [*images, *captchas(2, lengths=[2])[0]], [*texts, "AB", "AC"]
    fitted = tiny(init=make_pipeline(EqualSplit(n_characters=3), HOG(), CharacterReader()))
    fitted.fit(images, texts)
    # The captchas of other lengths have no positions, and are learned nevertheless.
    assert fitted.n_left_out_ == 0
    assert fitted.lengths_ == {2: 2, 3: 30}
    assert fitted.pitch_ == pytest.approx(np.mean([i.shape[1] for i in images[:30]]) / 3, rel=0.05)


@pytest.mark.parametrize(
    "init",
    [
        make_pipeline(Smoother(), ConvolutionalReader()),
        Pipeline([("last", "passthrough")]),
    ],
)
def test_init_must_end_in_a_reader_of_segments(init):
    with pytest.raises(TypeError, match="init must be a Pipeline that ends in a SequenceReader or"):
        tiny(init=init).fit(*captchas(6, lengths=[2]))


def test_init_needs_steps_before_its_reader():
    with pytest.raises(TypeError, match="init must have steps that segment images"):
        tiny(init=make_pipeline(SequenceReader())).fit(*captchas(6))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_training_that_diverges_is_an_error():
    with pytest.raises(ReadingError, match="diverged in batch 2; decrease learning_rate_init"):
        tiny(learning_rate_init=1e30, max_iter=20).fit(*captchas(6))


@pytest.mark.parametrize("channels", [(8, 8), (8, 8, 8, 8, 0), (8, 8, 8, 8, 1.5), "abcde", 5])
def test_channels_are_five_positive_ints(channels):
    with pytest.raises(ValueError, match="channels"):
        tiny(channels=channels).fit(*captchas(6))


def test_only_the_random_state_decides():
    images, texts = captchas(30)
    fits = [tiny(random_state=k, n_jobs=n).fit(images, texts) for k, n in ((0, 1), (0, 2), (1, 1))]
    first, second, third = (said(fitted.read(OTHERS[0])) for fitted in fits)
    assert first == second
    assert first != third


def test_it_starts_no_processes(monkeypatch):
    configure = LokyBackend.configure

    def configure_one(backend, n_jobs=1, **options):
        assert n_jobs == 1
        return configure(backend, n_jobs, **options)

    monkeypatch.setattr(LokyBackend, "configure", configure_one)
    with joblib.parallel_config(n_jobs=2):
        assert tiny().fit(*captchas(6)).n_iter_ == [2]


@pytest.mark.slow
def test_budget():
    begin = time.perf_counter()
    fitted = tiny(max_iter=10**6, budget=3, n_estimators=2).fit(*captchas(30))
    assert time.perf_counter() - begin < 8
    assert 1 <= len(fitted.networks_) == len(fitted.n_iter_) <= 2
    assert 0 < max(fitted.n_iter_) < 10**6


def test_the_budget_includes_reading_the_held_out_captchas(monkeypatch):
    shares = []

    def run(training, check, share):
        shares.append(share(2.0))
        return 0

    monkeypatch.setattr(Training, "run", run)
    monkeypatch.setattr("time.perf_counter", lambda: 0.0)
    for fraction in (0, 0.1, 0.5):
        tiny(budget=1000, validation_fraction=fraction).fit(*captchas(40))
    assert shares[0] == 1000
    assert 1000 - shares[2] == pytest.approx(5 * (1000 - shares[1]))


@pytest.mark.parametrize(("seconds", "n_networks"), [((70, 0), 1), ((50, 50), 2), ((60, 40), 2)])
def test_no_network_gets_less_than_half_the_time_of_the_one_before(
    seconds, n_networks, monkeypatch
):
    now, train, waiting = 0.0, ConvolutionalReader._train, list(seconds)

    def train_for(self, examples, texts, held_out, end, rng):
        nonlocal now
        now += waiting.pop(0)
        return train(self, examples, texts, held_out, None, rng)

    monkeypatch.setattr(ConvolutionalReader, "_train", train_for)
    monkeypatch.setattr("time.perf_counter", lambda: now)
    fitted = tiny(budget=100, n_estimators=3).fit(*captchas(30))
    assert len(fitted.networks_) == n_networks


def test_without_held_out_captchas_the_training_is_not_cut_short(capsys):
    fitted = tiny(max_iter=40, n_iter_no_change=1, learning_rate_init=1e-9, verbose=1)
    fitted.fit(*captchas(10))
    assert fitted.n_iter_ == [40]
    printed = capsys.readouterr().out
    assert printed.count("loss") == 19
    assert "accuracy" not in printed


def test_progress_is_printed(capsys, caplog):
    caplog.set_level(logging.INFO, "skcaptcha")
    tiny(max_iter=20, verbose=1).fit(*captchas(30))
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 19
    assert printed[0].startswith("network 1 of 1: 5 %, loss ")
    assert printed[0].endswith("s left")
    assert printed == [r.getMessage() for r in caplog.records if "network 1" in r.getMessage()]
    tiny(max_iter=20).fit(*captchas(30))
    assert capsys.readouterr().out == ""


@pytest.mark.slow
def test_grid_search_in_a_pipeline():
    images, texts = captchas(24)
    model = make_pipeline(PolarityNormalizer(), tiny())
    grid = {"convolutionalreader__alpha": [0, 0.01], "convolutionalreader__length": [None, "free"]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(images, texts)
    assert search.best_estimator_[-1].alpha in (0, 0.01)
    assert len(search.predict(images)) == 24


def test_clone_pickle_and_joblib(reader, tmp_path):
    twin = clone(reader)
    assert twin.get_params() == reader.get_params()
    assert not hasattr(twin, "networks_")
    expected = said(reader.read(OTHERS[0]))
    joblib.dump(reader, tmp_path / "reader.joblib")
    for again in (pickle.loads(pickle.dumps(reader)), joblib.load(tmp_path / "reader.joblib")):
        assert said(again.read(OTHERS[0])) == expected


@pytest.mark.slow
def test_a_damaged_network_in_a_file_is_refused(tmp_path):
    model = make_pipeline(PolarityNormalizer(), tiny()).fit(*captchas(6))
    model[-1].networks_[0].pools[1] = (0, 0)
    save(model, tmp_path / "model.skops", format="skops")
    loaded = load(tmp_path / "model.skops", trust=True)
    with pytest.raises(ReadingError, match="damaged"):
        loaded.predict(OTHERS[0])


@pytest.mark.parametrize("form", ["joblib", "skops"])
def test_a_model_of_36_classes_is_small(form, tmp_path):
    charset = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    texts = [charset[i : i + 4] for i in range(0, 36, 4)]
    images = [cv2.resize(draw(text)[0], None, fx=2, fy=48 / HEIGHT) for text in texts]
    model = make_pipeline(PolarityNormalizer(), ConvolutionalReader(max_iter=1, random_state=0))
    save(model.fit(images, texts), tmp_path / "model", format=form)
    assert len(model[-1].classes_) == 36
    assert (tmp_path / "model").stat().st_size < 5 * 10**6
    assert load(tmp_path / "model").predict(images).tolist() == model.predict(images).tolist()
