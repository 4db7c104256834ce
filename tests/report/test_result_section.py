import pytest

from skcaptcha.report._result_section import accuracy_headline, next_after_fit


@pytest.mark.parametrize(
    ("n_correct", "n", "conclusion", "mood"),
    [
        (0, 100, "reads none of these captchas", "bad"),
        (10, 10, "10 captchas are not enough", ""),
        (99, 100, "reads these captchas well", "good"),
        (38, 40, "probably reads these captchas well", ""),
        (70, 100, "reads most of these captchas, but not reliably", ""),
        (50, 100, "reads about half of these captchas", "bad"),
        (20, 100, "misreads most of these captchas", "bad"),
    ],
)
def test_conclusion_follows_from_the_interval(n_correct, n, conclusion, mood):
    headline = accuracy_headline(n_correct / n, n, "new captchas")
    assert conclusion in headline.conclusion
    assert headline.mood == mood
    assert f"{n_correct} of {n} captchas were read correctly" in headline.detail


@pytest.mark.parametrize(("accuracy", "doubted"), [(0.3, True), (0.7, False), (0.95, False)])
def test_usual_cause_is_shown_for_low_accuracy_in_cross_validation(accuracy, doubted):
    steps = next_after_fit([], [], accuracy=accuracy, held_out=False, data="train", model_file="m")
    text = " ".join(step.text for step in steps)
    assert ("Check that each label belongs to its image" in text) == doubted
    assert ("compare its recipes" in text) == (accuracy < 0.9)
