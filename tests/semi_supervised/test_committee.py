"""A committee: how its members differ, and what they agree on."""

import numpy as np
from sklearn.pipeline import make_pipeline

from skcaptcha.datasets import make_line_captchas
from skcaptcha.images import ImageDecoder
from skcaptcha.read import CharacterReader, ConvolutionalReader, Evaluate, Reading
from skcaptcha.recipes import load_recipe
from skcaptcha.semi_supervised._committee import agree, members_of


class Member:
    """A fitted pipeline that reads given texts, with given confidences, in each call."""

    def __init__(self, *calls: list[tuple[str, float]]) -> None:
        self.calls = iter(calls)

    def __getitem__(self, key):
        return self

    def transform(self, images):
        return images

    def read(self, images):
        empty = np.empty((0, 4), dtype=np.intp), np.empty(0), ()
        return [Reading(text, confidence, *empty) for text, confidence in next(self.calls)]


def test_probability_is_the_mean_confidence_of_the_most_common_text():
    images = [np.zeros((8, 20), np.uint8)] * 3
    first = Member([("AB", 0.9), ("X", 0.5), ("", 0.0)], [("AB", 0.7), ("Y", 0.8), ("", 0.0)])
    second = Member([("AC", 1.0), ("Y", 0.6), ("", 0.0)], [("AB", 0.8), ("X", 0.9), ("Z", 0.4)])
    found = agree([first, second], images, 1, np.random.RandomState(0))
    # Of two texts that are equally common, that of the image itself comes first.
    assert found.texts.tolist() == ["AB", "X", ""]
    np.testing.assert_allclose(found.probabilities, [2.4 / 4, 1.4 / 4, 0])


def test_images_that_cannot_become_probable_are_not_read_again():
    images = [np.full((8, 20), i, np.uint8) for i in range(3)]
    seen = []

    class Counting(Member):
        def read(self, images):
            seen.append(len(images))
            return super().read(images)

    members = [
        Counting([("A", 1.0), ("B", 1.0), ("C", 0.7)], [("A", 1.0), ("C", 0.9)]),
        Counting([("A", 0.9), ("X", 1.0), ("C", 0.9)], [("A", 0.9), ("C", 0.8)]),
    ]
    found = agree(members, images, 1, np.random.RandomState(0), least=0.8)
    assert seen == [3, 3, 2, 2]
    assert found.texts.tolist() == ["A", "", "C"]
    np.testing.assert_allclose(found.probabilities, [0.95, 0, 0.825])


def test_images_that_cannot_be_read_have_no_text():
    X, y = make_line_captchas(30, charset="ABC", random_state=0)
    members = [load_recipe("grid").pipeline().fit(X, y) for _ in range(2)]
    # Fixed boxes need images of one size.
    images = [*X[:2], X[2, ::2], X[3]]
    found = agree(members, images, 0, np.random.RandomState(0))
    assert found.texts.tolist() == [y[0], y[1], "", y[3]]
    assert found.probabilities[2] == 0
    assert (found.probabilities[[0, 1, 3]] > 0.5).all()


def test_no_images():
    found = agree([Member([]), Member([])], [], 0, np.random.RandomState(0))
    assert found.texts.shape == found.probabilities.shape == (0,)


def test_members_have_seeds_of_their_own_and_learn_from_all_that_they_are_given():
    network = ConvolutionalReader(n_estimators=2, budget=60.0, random_state=3)
    members = members_of(make_pipeline(ImageDecoder(), network), np.random.RandomState(0))
    readers = [member[-1] for member in members]
    assert len({reader.random_state for reader in readers}) == len(readers) == 2
    assert {reader.n_estimators for reader in readers} == {1}
    assert {reader.validation_fraction for reader in readers} == {0}
    # One network of two has half of the time.
    assert {reader.budget for reader in readers} == {30.0}
    assert network.random_state == 3
    characters = members_of(
        make_pipeline(ImageDecoder(), CharacterReader()), np.random.RandomState()
    )
    assert {member[-1].calibration_cv for member in characters} == {3}


def test_members_of_a_reader_inside_evaluate():
    network = ConvolutionalReader(n_estimators=2, budget=60.0)
    members = members_of(make_pipeline(ImageDecoder(), Evaluate(network)), np.random.RandomState(0))
    readers = [member[-1].reader for member in members]
    assert {(reader.n_estimators, reader.budget) for reader in readers} == {(1, 30.0)}
    assert len({reader.random_state for reader in readers}) == 2
