"""Verdicts follow the rules, and only where intervals bear them out."""

import numpy as np
import pytest

from skcaptcha.audit._defenses import DEFENSES, find
from skcaptcha.audit._features import amounts_of_ink
from skcaptcha.audit._reading import fit_and_read

N = 200


def amounts(**given: np.ndarray) -> dict[str, np.ndarray]:
    """Give no captcha anything of the other defenses."""
    n = len(next(iter(given.values())))
    nothing = {defense.key: np.zeros(n) for defense in DEFENSES} | {"length": np.full(n, 4.0)}
    return nothing | given


def finding(right: np.ndarray, **given: np.ndarray):
    (key,) = given
    found = {f.defense.key: f for f in find(amounts(**given), right)}
    others = {f.verdict for name, f in found.items() if name != key}
    assert others == {"not there"}
    return found[key]


HALF = np.repeat([0.0, 9.0], N // 2)


def test_a_defense_holds_if_hardly_anything_with_it_is_read_but_much_without():
    found = finding(HALF == 0, noise=HALF)
    assert found.verdict == "holds"
    assert (found.more.value, found.less.value) == (0, 1)
    assert found.cost.low > 0.8


def test_a_defense_does_not_hold_if_many_are_read_in_spite_of_it():
    found = finding(np.arange(N) % 2 == 0, noise=HALF)
    assert found.verdict == "does not hold"
    assert found.cost.low < 0 < found.cost.high


def test_where_nothing_is_read_at_all_no_defense_can_be_told_to_hold():
    assert finding(np.zeros(N, dtype=bool), noise=HALF).verdict == "not told by these images"


def test_a_few_captchas_tell_nothing():
    some = np.zeros(N)
    some[:14] = 9
    for right in (some == 0, np.ones(N, dtype=bool)):
        found = finding(right, noise=some)
        assert found.verdict == "not told by these images"
        assert (found.n_with, found.more, found.cost) == (14, None, None)


def test_where_all_have_it_those_with_more_are_compared():
    found = finding(np.arange(N) < 150, noise=np.arange(N) + 5.0)
    assert found.n_with == N
    assert found.more.n == found.less.n == N // 2
    assert found.less.value == 1
    assert found.cost.low > 0


def test_where_all_have_as_much_they_are_counted_together():
    found = finding(np.ones(N, dtype=bool), noise=np.full(N, 7.0))
    assert found.verdict == "does not hold"
    assert found.read_with.n == N
    assert found.cost is None


def test_captchas_whose_amount_is_not_known_do_not_count():
    leans = np.where(np.arange(N) < 50, np.nan, 20.0 * (np.arange(N) % 2))
    found = finding(np.arange(N) >= 50, rotation=leans)
    assert found.n_measured == 150
    assert found.more.n + found.less.n == 150
    assert found.verdict == "does not hold"
    unknown = finding(np.ones(N, dtype=bool), rotation=np.full(N, np.nan))
    assert (unknown.verdict, unknown.amounts) == ("not told by these images", None)


def test_one_length_is_no_defense_and_several_are():
    assert {f.verdict for f in find(amounts(length=np.full(N, 5.0)), np.ones(N, dtype=bool))} == {
        "not there"
    }
    found = finding(np.ones(N, dtype=bool), length=np.repeat([4.0, 6.0], N // 2))
    assert found.verdict == "does not hold"
    assert (found.more.n, found.less.n) == (N // 2, N // 2)


def test_a_string_of_another_length_does_not_make_all_vary():
    lengths = np.where(np.arange(N) == 7, 5.0, 4.0)
    found = next(
        f
        for f in find(amounts(length=lengths), np.ones(N, dtype=bool))
        if f.defense.key == "length"
    )
    assert (found.n_with, found.verdict) == (1, "not told by these images")


def test_of_strings_of_many_lengths_the_longer_are_compared_with_the_shorter():
    lengths = np.repeat([4.0, 5.0, 5.0, 6.0], N // 4)
    found = next(f for f in find(amounts(length=lengths), lengths < 6) if f.defense.key == "length")
    assert found.n_with == N // 2
    assert {found.more.n, found.less.n} == {N // 4, 3 * N // 4}
    assert found.cost.value > 0


def test_more_defenses_make_every_interval_wider():
    right = np.arange(N) % 3 > 0
    alone = find(amounts(noise=HALF), right)[0]
    among_others = find(amounts(noise=HALF, lines=HALF, touching=HALF), right)[0]
    assert among_others.cost.low < alone.cost.low < alone.cost.high < among_others.cost.high


@pytest.mark.parametrize("hidden", [True, False])
def test_specks_that_hide_the_characters_hold_and_others_do_not(drawn, labels, hidden):
    """Half of the captchas have specks: far too many for the reader, or some."""
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
    # It learns from clean ones alone.
    learn, read = np.arange(0, 120, 2), np.arange(120, len(y))
    texts = fit_and_read(recipe, images, y, learn, read)
    found = find(
        amounts_of_ink([images[i] for i in read], y[read].tolist())
        | {"rotation": np.zeros(len(read)), "shape": np.zeros(len(read))},
        np.array(texts) == y[read],
    )
    noise = next(f for f in found if f.defense.key == "noise")
    assert noise.verdict == ("holds" if hidden else "does not hold")
