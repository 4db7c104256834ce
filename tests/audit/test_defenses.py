"""Conclusions follow the rules and are drawn only if the intervals support them."""

import numpy as np
import pytest

from skcaptcha.audit._defense_amounts import measure_ink
from skcaptcha.audit._defenses import DEFENSES, assess
from skcaptcha.audit._fits import Split, fit_and_read

N = 200


def amounts_of(**given: np.ndarray) -> dict[str, np.ndarray]:
    """Return amounts with no other defense in any captcha."""
    n = len(next(iter(given.values())))
    nothing = {defense.key: np.zeros(n) for defense in DEFENSES} | {"length": np.full(n, 4.0)}
    return nothing | given


def finding(right: np.ndarray, **given: np.ndarray):
    (key,) = given
    found = {f.defense.key: f for f in assess(amounts_of(**given), right)}
    others = {f.conclusion for name, f in found.items() if name != key}
    assert others == {"absent"}
    return found[key]


HALF = np.repeat([0.0, 9.0], N // 2)


def test_defense_holds_if_it_lowers_the_accuracy():
    found = finding(HALF == 0, noise=HALF)
    assert found.conclusion == "holds"
    assert (found.more.value, found.less.value) == (0, 1)
    assert found.cost.low > 0.8


def test_defense_does_not_hold_if_many_are_read_with_it():
    found = finding(np.arange(N) % 2 == 0, noise=HALF)
    assert found.conclusion == "does not hold"
    assert found.cost.low < 0 < found.cost.high


def test_result_is_inconclusive_if_nothing_is_read():
    assert finding(np.zeros(N, dtype=bool), noise=HALF).conclusion == "inconclusive"


def test_result_is_inconclusive_for_few_captchas():
    some = np.zeros(N)
    some[:14] = 9
    for right in (some == 0, np.ones(N, dtype=bool)):
        found = finding(right, noise=some)
        assert found.conclusion == "inconclusive"
        assert (found.n_with, found.more, found.cost) == (14, None, None)


def test_captchas_with_more_and_less_are_compared_if_all_have_the_defense():
    found = finding(np.arange(N) < 150, noise=np.arange(N) + 5.0)
    assert found.n_with == N
    assert found.more.n == found.less.n == N // 2
    assert found.less.value == 1
    assert found.cost.low > 0


def test_captchas_with_the_same_amount_are_counted_together():
    found = finding(np.ones(N, dtype=bool), noise=np.full(N, 7.0))
    assert found.conclusion == "does not hold"
    assert found.read_with.n == N
    assert found.cost is None


def test_captchas_with_unknown_amount_do_not_count():
    leans = np.where(np.arange(N) < 50, np.nan, 20.0 * (np.arange(N) % 2))
    found = finding(np.arange(N) >= 50, rotation=leans)
    assert found.n_measured == 150
    assert found.more.n + found.less.n == 150
    assert found.conclusion == "does not hold"
    unknown = finding(np.ones(N, dtype=bool), rotation=np.full(N, np.nan))
    assert (unknown.conclusion, unknown.amounts) == ("inconclusive", None)


def test_several_lengths_are_a_defense_and_one_length_is_not():
    assert {
        f.conclusion for f in assess(amounts_of(length=np.full(N, 5.0)), np.ones(N, dtype=bool))
    } == {"absent"}
    found = finding(np.ones(N, dtype=bool), length=np.repeat([4.0, 6.0], N // 2))
    assert found.conclusion == "does not hold"
    assert (found.more.n, found.less.n) == (N // 2, N // 2)


def test_single_string_of_another_length_is_inconclusive():
    lengths = np.where(np.arange(N) == 7, 5.0, 4.0)
    found = next(
        f
        for f in assess(amounts_of(length=lengths), np.ones(N, dtype=bool))
        if f.defense.key == "length"
    )
    assert (found.n_with, found.conclusion) == (1, "inconclusive")


def test_longer_strings_are_compared_with_shorter_ones():
    lengths = np.repeat([4.0, 5.0, 5.0, 6.0], N // 4)
    found = next(
        f for f in assess(amounts_of(length=lengths), lengths < 6) if f.defense.key == "length"
    )
    assert found.n_with == N // 2
    assert {found.more.n, found.less.n} == {N // 4, 3 * N // 4}
    assert found.cost.value > 0


def test_more_defenses_make_each_interval_wider():
    right = np.arange(N) % 3 > 0
    alone = assess(amounts_of(noise=HALF), right)[0]
    among_others = assess(amounts_of(noise=HALF, lines=HALF, touching=HALF), right)[0]
    assert among_others.cost.low < alone.cost.low < alone.cost.high < among_others.cost.high


@pytest.mark.parametrize("hidden", [True, False])
def test_specks_hold_only_if_they_hide_the_characters(drawn, labels, hidden):
    """Half of the captchas have specks: either too many for the reader, or only a few."""
    recipe = {
        "steps": {
            "denoise": {
                "gray": {"use": "Grayscale"},
                "binarize": {"use": "Binarizer", "method": "fixed", "ink": "dark"},
                "specks": {"use": "SmallComponentRemover", "min_area": 12},
            },
            "segment": {"use": "ConnectedComponents", "n_characters": 3},
            "features": {"use": "HOG", "shape": [20, 20]},
            "read": {"use": "CharacterReader", "estimator": {"use": "SVC", "C": 10}},
        }
    }
    y = np.array(labels * 4)
    clean = drawn(y.tolist())
    specked = drawn(y.tolist(), specks=1500 if hidden else 40, seed=1)
    images = [specked[i] if i % 2 else clean[i] for i in range(len(y))]
    # Only clean captchas are used for training.
    split = Split(images[:120:2], y[:120:2], images[120:], y[120:])
    correct = fit_and_read(recipe, split, seconds=60)
    assert correct is not None
    found = assess(
        measure_ink(images[120:], y[120:].tolist())
        | {"rotation": np.zeros(len(correct)), "shape": np.zeros(len(correct))},
        correct,
    )
    noise = next(f for f in found if f.defense.key == "noise")
    assert noise.conclusion == ("holds" if hidden else "does not hold")
