"""What a mark looks like is found among many other components."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skcaptcha.denoise._small_marks import (
    are_marks,
    describe_components,
    learn_marks,
    n_small_parts,
    training_images,
)


@pytest.mark.parametrize(
    ("characters", "n"),
    [
        (".,'-*ij!é", 1),
        ("\u2212\u2013\u2014\u2010\u2022", 1),  # minus sign, dashes, hyphen, bullet
        ("\uff0e\uff0c\uff0d\u3002\u3001\u30fb", 1),  # Chinese and Japanese points and dashes
        ("\u0456\u0458\u00ed", 1),  # the acute of an i is in place of its dot
        (':;"=%äű\u00ef\u0457\uff1a\u201c\u00f7', 2),
        ("\u2026", 3),
        ("aXl1|0한+½", 0),
    ],
)
def test_number_of_small_parts(characters, n):
    assert {n_small_parts(character) for character in characters} == {n}


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n_specks=st.floats(0, 4),
    place=st.tuples(st.floats(0, 1), st.floats(0.05, 0.3), st.floats(0.05, 0.6)),
    always=st.booleans(),
)
def test_a_planted_mark_is_found(seed, n_specks, place, always):
    """Similar components in the images whose labels have a point, others anywhere in all images."""
    rng = np.random.default_rng(seed)
    labels = ["1.2" if always or rng.random() < 0.5 else "12" for _ in range(60)]
    features, image, planted = [], [], []
    for i, text in enumerate(labels):
        for _ in range(text.count(".")):
            features.append(rng.normal(place, 0.015))
            image.append(i)
            planted.append(True)
        for _ in range(rng.poisson(n_specks)):
            features.append(rng.uniform((-0.3, 0.02, 0.02), (1.3, 0.5, 0.6)))
            image.append(i)
            planted.append(False)
    features, planted = np.array(features), np.array(planted)
    found = are_marks(features, learn_marks(features, np.array(image), labels))
    assert found[planted].mean() > 0.95
    assert found[~planted].sum() <= 0.2 * (~planted).sum()


def test_both_dots_of_a_colon():
    labels = ["1:2", "12"] * 20
    features = np.array([[0.3, 0.1, 0.1], [0.7, 0.1, 0.1]] * 20)
    marks = learn_marks(features, np.repeat(np.arange(0, 40, 2), 2), labels)
    assert len(marks) == 2
    assert are_marks(features, marks).all()
    assert not are_marks(np.array([[0.5, 0.3, 0.1]]), marks).any()


def test_features_are_relative_to_the_text():
    ink = np.zeros((2, 60, 90), dtype=bool)
    ink[0, 10:30, 5:15] = ink[0, 26:30, 20:23] = True
    ink[1, 10:50, 5:25] = ink[1, 42:50, 40:46] = True
    kept = ink.copy()
    kept[:, :, 18:23] = kept[1, :, 40:] = False
    components, features = describe_components(ink, kept)
    assert components.image.tolist() == [0, 0, 1, 1]
    np.testing.assert_allclose(features[1], [0.9, 0.2, 0.15], atol=0.1)
    np.testing.assert_allclose(features[1], features[3], atol=0.1)


def test_training_images():
    assert training_images(["12", "AB"]).tolist() == []
    assert training_images(["12", "A.B", "C"]).tolist() == [0, 1, 2]
    many = training_images(["1.2"] * 5000)
    assert len(many) == 200
    assert (many[0], many[-1]) == (0, 4999)
