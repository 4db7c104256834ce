"""Training of a small network on bars: determinism, ends, and the columns that it learns from."""

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

from skcaptcha.read.convolutional import _training
from skcaptcha.read.convolutional._folded_network import fold
from skcaptcha.read.convolutional._image_warps import warp_image
from skcaptcha.read.convolutional._network import COLUMN_WIDTH, Network
from skcaptcha.read.convolutional._training import (
    Example,
    Schedule,
    Training,
    _column_loss,
    splice,
)

HEIGHT, PITCH = 16, 16
SCHEDULE = Schedule(
    max_iter=20,
    batch_size=4,
    learning_rate=0.01,
    weight_decay=0.001,
    warp=0.5,
    pitch=PITCH,
    patience=100,
)


def example(classes, *, known: bool = True) -> Example:
    """Draw class 0 as a bar in the upper half and class 1 as a bar in the lower half."""
    classes = np.array(classes, dtype=np.intp)
    centers = PITCH * (np.arange(len(classes)) + 0.75)
    image = np.full((HEIGHT, PITCH * (len(classes) + 1) // 8 * 8), -0.5, dtype=np.float32)
    for k, center in zip(classes, centers.astype(int), strict=True):
        image[8 * k : 8 * k + 8, center - 2 : center + 2] = 2
    return Example(image, classes, centers - 0.5 if known else np.empty(0))


def examples(n: int = 6, length: int = 3, seed: int = 0, **options) -> list[Example]:
    rng = np.random.default_rng(seed)
    return [example(rng.integers(0, 2, length), **options) for _ in range(n)]


def network() -> Network:
    return Network(HEIGHT, 3, np.random.RandomState(0), channels=(4, 4, 6, 6, 6), n_hidden=8)


def trained(own, schedule=SCHEDULE, *, seed=0, n_threads=1, check=lambda *_: True, left=np.inf):
    """The parameters after a training, and the number of batches."""
    new = network()
    n_batches = Training(new, own, schedule, seed, n_threads).run(check, lambda _: left)
    statistics = [s for b in [*new.blocks, new.hidden] for s in (b.mean, b.variance)]
    return [*new.parameters, *statistics], n_batches


def assert_equal(some, others):
    for a, b in zip(some, others, strict=True):
        np.testing.assert_array_equal(a, b)


def spelled(logits: np.ndarray) -> list[int]:
    best = logits.argmax(axis=1)
    return [int(k) for k in best[np.flatnonzero(np.diff(best, prepend=-1))] if k < 2]


@pytest.fixture(scope="module")
def learned():
    """Return a training that has ended, and its examples."""
    # Half of the positions are not known.
    own = [*examples(20), *examples(20, seed=1, known=False)]
    training = Training(network(), own, replace(SCHEDULE, max_iter=250, batch_size=8), 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_training, "_N_REVIEWED", 8)
        training.run(lambda *_: True)
    return training, own


def test_it_learns_to_read_other_captchas(learned):
    folded = fold(learned[0].network)
    others = examples(30, length=4, seed=2)
    right = [spelled(folded.logits(e.image)) == e.classes.tolist() for e in others]
    assert np.mean(right) > 0.9


def test_wrong_positions_are_corrected_in_captchas_that_are_read_right(monkeypatch, learned):
    monkeypatch.setattr(_training, "_N_REVIEWED", 8)
    training, own = learned
    folded = fold(training.network)
    right = [spelled(folded.logits(e.image)) == e.classes.tolist() for e in own]
    assert np.mean(right) > 0.9
    moved = [replace(e, centers=e.centers[::-1] * 0.5) for e in own[:20]]
    training.examples = [*moved, *own[20:]]
    with ThreadPoolExecutor(2) as pool:
        training._review(pool)
    expected = examples(1)[0].centers
    for i, (before, after) in enumerate(zip([*moved, *own[20:]], training.examples, strict=True)):
        if right[i]:
            np.testing.assert_allclose(after.centers, expected, atol=PITCH / 2)
        else:
            assert after is before
    # Positions that are about right are more exact than those of the network.
    training.examples = [*own]
    with ThreadPoolExecutor(2) as pool:
        training._review(pool)
    assert all(a is b for a, b in zip(own[:20], training.examples, strict=False))


@pytest.mark.parametrize(
    ("n_wrong", "least", "pseudo_labeled", "n_left_out"),
    [(0, 40, False, 0), (3, 40, False, 3), (20, 40, False, 0), (3, 41, False, 0), (3, 40, True, 0)],
)
def test_few_captchas_with_wrong_labels_are_left_out(
    monkeypatch, learned, n_wrong, least, pseudo_labeled, n_left_out
):
    monkeypatch.setattr(_training, "_MIN_LABELS_TO_DOUBT", least)
    training, own = learned
    training._use(np.arange(40))
    own = [*own[:39], replace(own[39], pseudo_labeled=pseudo_labeled)]
    training.examples = [
        *(replace(e, classes=1 - e.classes) for e in own[:n_wrong]),
        *own[n_wrong:],
    ]
    with ThreadPoolExecutor(2) as pool:
        training._review(pool)
    assert set(training._pool.tolist()) == set(range(n_left_out, 40))
    used = {i for _ in range(20) for i in training._next_batch().tolist()}
    assert used == set(range(n_left_out, 40))


@pytest.mark.parametrize("read", [(2, 2, 2, 2), (0, 2, 1, 2), (2, 1, 1, 2)])
@pytest.mark.parametrize("label", [[0], [1], [0, 1], [1] * 3])
def test_the_probability_of_a_label_is_compared_with_that_of_what_is_read(read, label):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4, 3)).astype(np.float32)
    logits[range(4), read] += 4  # class 2 is the blank
    probabilities = softmax(logits.astype(float), axis=1)
    texts: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(3), repeat=4):
        text = tuple(k for k, _ in itertools.groupby(path) if k != 2)
        texts[text] = texts.get(text, 0) + np.prod(probabilities[range(4), path])
    best = tuple(k for k, _ in itertools.groupby(read) if k != 2)
    centers, surplus = _training._compare(example(label), logits)
    if best == tuple(label):
        expected = [i for i, k in enumerate(read) if k != 2 and k != read[i - 1]]
        widths = [read.count(read[i]) for i in expected]
        middles = np.add(expected, np.divide(np.subtract(widths, 1), 2))
        np.testing.assert_allclose(centers, COLUMN_WIDTH * middles + (COLUMN_WIDTH - 1) / 2)
        assert surplus == 0
        return
    assert centers is None
    # Four columns cannot show the same character three times, which needs two blanks between.
    possible = tuple(label) in texts
    expected = np.log(texts[best] / texts[tuple(label)]) if possible else 0.0
    assert surplus == pytest.approx(expected, rel=1e-4)


def test_any_number_of_threads_gives_the_same_network():
    own = examples()
    expected, _ = trained(own)
    for n_threads in (2, 5):
        assert_equal(trained(own, n_threads=n_threads)[0], expected)


def test_only_the_seed_decides():
    own = examples()
    expected, _ = trained(own)
    assert_equal(trained(own)[0], expected)
    other, _ = trained(own, seed=1)
    assert not np.array_equal(other[0], expected[0])


def test_it_ends_early_if_the_checks_find_it_useless(monkeypatch):
    schedule = replace(SCHEDULE, max_iter=100, patience=2)
    done, left = [], []
    seconds = itertools.count()
    # Each batch takes a second.
    monkeypatch.setattr("time.perf_counter", lambda: float(next(seconds)))

    def check(part, loss, seconds_left):
        assert np.isfinite(loss)
        done.append(part)
        left.append(seconds_left)
        return False

    _, n_batches = trained(examples(), schedule, check=check)
    # The second check comes at 10 %; in the next 10 % the learning rate falls to 0.
    assert n_batches == 20
    assert done == pytest.approx([0.05, 0.1, 0.15])
    # The first batch begins after a second.
    assert left == pytest.approx([95 * 6 / 5, 90 * 11 / 10, 5 * 16 / 15])


def test_it_does_not_end_early_while_checks_find_it_useful():
    schedule = replace(SCHEDULE, patience=2)
    answers = iter([False, True] * 20)
    done = []

    def check(part, *_):
        done.append(part)
        return next(answers)

    _, n_batches = trained(examples(), schedule, check=check)
    assert n_batches == schedule.max_iter
    assert done == pytest.approx(np.arange(1, 20) / 20)


@pytest.mark.slow
def test_it_ends_within_the_budget():
    schedule = replace(SCHEDULE, max_iter=10**6)
    done = []
    begin = time.perf_counter()
    _, n_batches = trained(
        examples(), schedule, check=lambda part, *_: done.append(part) or True, left=1.5
    )
    seconds = time.perf_counter() - begin
    assert 1.5 <= seconds < 4
    assert 0 < n_batches < 10**6
    assert done == sorted(done)
    assert done[-1] < 1


def test_a_long_budget_changes_nothing():
    own = examples()
    expected, n_batches = trained(own)
    assert n_batches == SCHEDULE.max_iter
    assert_equal(trained(own, left=1e6)[0], expected)


def test_an_interrupted_training_leaves_no_threads():
    def interrupt(*_):
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        trained(examples(), n_threads=2, check=interrupt)
    assert threading.active_count() == before


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_captchas(n):
    found, n_batches = trained(examples(n))
    assert n_batches == SCHEDULE.max_iter
    assert all(np.isfinite(values).all() for values in found)


def test_captchas_of_different_widths_and_lengths():
    own = [example(classes) for classes in ([0], [0, 1], [1, 0, 1, 1], [1])]
    found, _ = trained(own)
    assert all(np.isfinite(values).all() for values in found)


class Recorder:
    """Stands for a network, and keeps the images that it is given."""

    height, n_classes = HEIGHT, 2

    def forward(self, images, work, rng):
        self.images = images.copy()
        return np.zeros((len(images), images.shape[2] // COLUMN_WIDTH, 3), dtype=np.float32)

    def backward(self, gradient, work):
        self.gradient = gradient.copy()
        return []


@pytest.mark.parametrize("aligned", [False, True])
def test_a_narrow_captcha_learns_the_same_beside_a_wide_one(aligned):
    # A warp around the middle of the wide image would move the narrow one out of its columns.
    narrow, found = example([0, 1]), []
    for width in (narrow.image.shape[1], 800):
        recorder = Recorder()
        training = Training(recorder, [narrow], replace(SCHEDULE, warp=1.0), 0)
        training._learn([narrow], width, None, np.random.default_rng(0), aligned=aligned)
        own = narrow.image.shape[1]
        n_columns = own // COLUMN_WIDTH
        # The loss of columns is divided by their number.
        scale = width // COLUMN_WIDTH if aligned else 1
        gradient = recorder.gradient * scale
        np.testing.assert_array_equal(gradient[0, n_columns:], 0)
        found.append((recorder.images[0, :, :own], gradient[0, :n_columns]))
    (image, gradient), (beside_wide, gradient_beside_wide) = found
    np.testing.assert_array_equal(beside_wide, image)
    np.testing.assert_allclose(gradient_beside_wide, gradient, rtol=1e-5)
    assert np.abs(gradient).max() > 0


def test_a_label_that_does_not_fit_is_ignored():
    # Five times the same character needs nine columns; the image has eight.
    tight = replace(example([1]), classes=np.ones(5, dtype=np.intp), centers=np.empty(0))
    assert tight.image.shape[1] // COLUMN_WIDTH == 8
    losses = []
    found, _ = trained([tight, tight], check=lambda part, loss, _: losses.append(loss) or True)
    assert losses == [0] * 19
    assert all(np.isfinite(values).all() for values in found)


def test_all_captchas_are_used_equally_often_and_none_twice_in_a_batch():
    training = Training(network(), examples(7), replace(SCHEDULE, batch_size=3), 0)
    batches = [training._next_batch().tolist() for _ in range(14)]
    assert all(len(set(batch)) == 3 for batch in batches)
    assert np.bincount(np.concatenate(batches)).tolist() == [6] * 7


def test_the_captchas_of_a_batch_have_similar_widths():
    lengths = np.random.default_rng(0).permutation(np.repeat([1, 2, 3, 4], 5))
    various = [example([0] * length) for length in lengths]
    training = Training(network(), various, replace(SCHEDULE, batch_size=5), 0)
    batches = [lengths[training._next_batch()].tolist() for _ in range(4)]
    assert sorted(batches) == [[length] * 5 for length in (1, 2, 3, 4)]


# --- columns with known characters ----------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_known_columns_are_where_the_characters_are_after_a_warp(seed):
    height, width, pitch = 32, 160, 32
    centers = np.array([20.0, 52.0, 84.0, 140.0])
    classes = np.array([2, 0, 1, 1])
    places = []
    for center in centers.astype(int):
        bar = np.zeros((height, width), np.float32)
        bar[:, center - 1 : center + 2] = 20
        warped, source = warp_image(bar, 1.0, np.random.default_rng(seed))
        shades = np.where(warped[height // 2] > 5, warped[height // 2], 0)
        places.append(np.average(np.arange(width), weights=shades))
    columns = COLUMN_WIDTH * np.arange(width // COLUMN_WIDTH) + (COLUMN_WIDTH - 1) / 2
    distances = np.abs(columns - np.array(places)[:, None])

    wide = Network(height, 4, np.random.RandomState(0), channels=(4, 4, 6, 6, 6), n_hidden=8)
    shown = Example(bar, classes, centers)
    training = Training(wide, [shown], replace(SCHEDULE, pitch=pitch), 0)
    known = training._known_columns(shown, source)

    nearest, distance = distances.argmin(axis=0), distances.min(axis=0)
    tolerance = 0.7
    at_character = distance < pitch / 8 - tolerance
    between = (distance > pitch / 8 + tolerance) & (distance < pitch / 3 - tolerance)
    blank = distance > pitch / 3 + tolerance
    np.testing.assert_array_equal(known[at_character], classes[nearest][at_character])
    assert set(known[at_character]) == {0, 1, 2}
    assert set(known[between]) == {-1}
    assert set(known[blank]) == {3}


def test_a_character_that_a_warp_moves_out_of_the_image_is_in_no_column():
    shown = example([1, 0, 1])
    training = Training(network(), [shown], SCHEDULE, 0)
    columns = np.arange(shown.image.shape[1], dtype=np.float32)
    np.testing.assert_array_equal(training._known_columns(shown, columns + 1000), 2)
    np.testing.assert_array_equal(training._known_columns(shown, columns - 1000), 2)


def test_without_known_positions_no_column_is_known():
    shown = example([1, 0], known=False)
    source = np.arange(shown.image.shape[1], dtype=np.float32)
    known = Training(network(), [shown], SCHEDULE, 0)._known_columns(shown, source)
    np.testing.assert_array_equal(known, -1)


def test_gradient_of_the_loss_of_columns_by_finite_differences():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 5, 3))
    known = np.array([[0, 2, -1, 1, 2], [-1, -1, -1, -1, -1]])

    def losses(logits):
        logs = logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))
        return _column_loss(logs, known)

    found, gradient = losses(logits)
    assert found[0] > 0
    assert found[1] == 0
    step = 1e-6
    for index in np.ndindex(logits.shape):
        moved = logits.copy()
        moved[index] += step
        slope = (losses(moved)[0].sum() - found.sum()) / step
        assert gradient[index] == pytest.approx(slope, abs=1e-4)


@pytest.mark.parametrize("lengths", [(4, 4), (2, 5), (5, 2)])
@pytest.mark.parametrize("seed", range(5))
def test_a_spliced_captcha_shows_what_its_label_says(lengths, seed):
    rng = np.random.default_rng(seed)
    first, second = (example(rng.integers(0, 2, length)) for length in lengths)
    spliced = splice(first, second, rng)
    if lengths[0] == lengths[1]:
        assert len(spliced.classes) == lengths[0]
    assert len(spliced.classes) >= 2
    assert spliced.image.shape[1] % COLUMN_WIDTH == 0
    assert (np.diff(spliced.centers) > PITCH / 2).all()
    for k, center in zip(spliced.classes, spliced.centers, strict=True):
        bar = spliced.image[:, int(center)]
        assert (bar[8 * k : 8 * k + 8] == 2).all()
        assert (np.delete(bar, np.arange(8 * k, 8 * k + 8)) < 0).all()


def test_only_captchas_of_one_size_are_spliced():
    own = [example([0] * length) for length in (3, 3, 3, 4)]
    training = Training(network(), own, SCHEDULE, 0)
    rng = np.random.default_rng(0)
    made = [[training._example(i, np.arange(4), rng) for _ in range(50)] for i in range(4)]
    assert all(e is own[3] for e in made[3])
    for original, several in zip(own[:3], made[:3], strict=True):
        assert 0 < sum(e is original for e in several) < 50


def test_captchas_without_two_known_characters_are_not_spliced():
    rng = np.random.default_rng(0)
    whole, single, unknown = example([0, 1, 1]), example([0]), example([1, 0], known=False)
    for first, second in [(single, whole), (whole, single), (unknown, whole), (whole, unknown)]:
        assert splice(first, second, rng) is first


@pytest.mark.parametrize(
    ("n_own", "n_pseudo", "times"), [(4, 0, 1), (4, 5, 1), (4, 12, 3), (2, 60, 8), (0, 6, 1)]
)
def test_examples_with_labels_of_their_own_are_used_as_often_as_all_others(n_own, n_pseudo, times):
    own = [replace(example([0, 1]), pseudo_labeled=i >= n_own) for i in range(n_own + n_pseudo)]
    training = Training(network(), own, SCHEDULE, seed=0)
    for _ in range(3):
        drawn = training._next_examples(n_own * times + n_pseudo)
        counts = np.bincount(drawn, minlength=len(own))
        assert counts.tolist() == [times] * n_own + [1] * n_pseudo
