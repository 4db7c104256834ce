"""Training of networks in the race."""

import logging

import pytest

from bar_captchas import WINDOWS
from skcaptcha.auto import choose_recipe
from skcaptcha.auto._network_training import logged_to
from skcaptcha.datasets import make_image_captchas
from skcaptcha.recipes import Recipe


def test_what_networks_log_is_reported_and_not_logged_twice(caplog):
    said: list[str] = []
    logger = logging.getLogger("skcaptcha.read._convolutional_reader")
    with logged_to(said.append):
        logger.info("network 1 of 2: 5%")
    assert said == ["network 1 of 2: 5%"]
    assert caplog.messages == []
    caplog.set_level(logging.INFO)
    logger.info("network of a program")
    assert said == ["network 1 of 2: 5%"]
    assert caplog.messages == ["network of a program"]


@pytest.mark.slow
def test_overlapping_characters_are_read_by_a_network():
    """The captchas held out of the networks decide, and the model is already fitted."""
    X, y = make_image_captchas(260, charset="ABCD", random_state=0)
    choice = choose_recipe(list(X[:200]), y[:200], families=WINDOWS, budget=120)
    best = choice.trials[0]
    assert best.name == "ConvolutionalReader"
    assert best.outcome == "chosen"
    assert choice.n_validated == len(choice.model[-1].validation_indices_)
    assert choice.accuracy == choice.model[-1].validation_score_
    assert choice.model.score(list(X[200:]), y[200:]) > 0.9
    assert choice.seconds < 126
    content = {"data": {"generate": "lines"}, **choice.recipe}
    reader = Recipe(content).pipeline()[-1]
    assert reader.budget is None
    assert choice.recipe["search"] == {"cv": 2}
    assert reader.max_iter == max(choice.model[-1].n_iter_)
    assert reader.n_estimators == 1
    final = Recipe(content).final_pipeline()[-1]
    assert final.n_estimators == len(choice.model[-1].networks_)
