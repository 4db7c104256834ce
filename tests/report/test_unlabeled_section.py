"""The section on images without a label: counts, and the least sure first."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.utils import Bunch

from skcaptcha.images import ImageDecoder
from skcaptcha.read import CharacterReader
from skcaptcha.report._blocks import Facts, Gallery
from skcaptcha.report._unlabeled_section import unlabeled_section
from skcaptcha.semi_supervised import SelfTrainingReader


def reader(rounds: list[int], probabilities: list[float]) -> SelfTrainingReader:
    """A reader that was fitted to two labeled captchas and others."""
    found = SelfTrainingReader(make_pipeline(ImageDecoder(), CharacterReader()))
    found.labeled_iter_ = np.array([0, 0, *rounds])
    found.probabilities_ = np.array([1.0, 1.0, *probabilities])
    texts = [f"T{i}" if k > 0 else "" for i, k in enumerate(rounds)]
    found.transduction_ = np.array(["AB", "CD", *texts])
    found.held_out_scores_, found.n_iter_ = [0.5, 0.75], 2
    found.termination_condition_, found.n_unlike_ = "max_iter", 1
    return found


def test_the_least_sure_images_come_first():
    unlabeled = Bunch(
        data=[np.full((20, 40), i, np.uint8) for i in range(4)], filenames=list("abcd")
    )
    section = unlabeled_section(reader([1, -1, 2, 1], [0.99, 0.0, 0.96, 0.97]), unlabeled)
    facts, _, gallery = section.blocks
    assert isinstance(facts, Facts)
    assert dict(facts.rows)["of which taught"] == 3
    assert dict(facts.rows)["of which unlike the labeled ones"] == 1
    assert dict(facts.rows)["held-out captchas read right, by round"] == "50 %, 75 %"
    assert isinstance(gallery, Gallery)
    assert [dict(card.lines)["file"] for card in gallery.cards] == ["c", "d", "a"]
    assert [card.pictures[0].image[0, 0] for card in gallery.cards] == [2, 3, 0]
    assert "T2" in str(dict(gallery.cards[0].lines)["read as"])


@pytest.mark.parametrize("ending", ["no_change", "worse", "failed"])
def test_without_any_that_taught_there_is_no_gallery(ending):
    unlabeled = Bunch(data=[np.zeros((20, 40), np.uint8)], filenames=["a"])
    found = reader([-1], [0.0])
    found.termination_condition_ = ending
    (facts,) = unlabeled_section(found, unlabeled).blocks
    assert dict(facts.rows)["of which taught"] == 0
