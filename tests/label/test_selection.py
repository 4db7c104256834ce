"""Choosing the next image."""

from skcaptcha.label._selection import ImageSelector, shuffled
from skcaptcha.label._task import Guess

NAMES = [f"{k}.png" for k in range(200)]


def guess(confidence):
    return Guess("A", confidence, (("A", confidence),), (), False)


def test_order_is_random_and_stable():
    order = shuffled(NAMES, 0)
    assert sorted(order) == sorted(NAMES)
    assert order != shuffled(NAMES, 1)
    some = set(NAMES[::3])
    assert shuffled(some, 0) == [name for name in order if name in some]
    # The order does not depend on the numbers.
    assert 50 < sum(NAMES.index(name) for name in order[:50]) / 50 < 150


def test_names_that_are_not_unicode():
    assert shuffled(["\udcff.png"], 0) == ["\udcff.png"]


def test_less_confident_half_comes_first_except_random_draws():
    order = shuffled(NAMES, 0)
    guesses = {name: guess(NAMES.index(name) / 200) for name in NAMES}
    chooser, free, chosen = ImageSelector(order, explore=0.2), set(NAMES), []
    for _ in range(50):
        name, why = chooser.choose(free.__contains__, guesses)
        if why == "random":
            assert name == min(free, key=order.index)
        else:
            assert name in sorted(free, key=NAMES.index)[: (len(free) + 1) // 2]
        free.remove(name)
        chosen.append(why)
    assert chosen.count("random") == 10


def test_unread_images_come_last_at_random():
    order = shuffled(NAMES, 0)
    chooser = ImageSelector(order, explore=0.0)
    assert chooser.choose(lambda name: name != NAMES[0], {NAMES[0]: guess(0.5)}) == (
        next(name for name in order if name != NAMES[0]),
        "random",
    )
    assert chooser.choose(lambda name: False, {NAMES[0]: guess(0.5)}) is None
    assert chooser.choose(lambda name: False, {}) is None
