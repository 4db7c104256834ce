import pytest

from report_pages import X, Y, make_model
from skcaptcha.exceptions import ImageError
from skcaptcha.inspection import predict_labeled
from skcaptcha.inspection._budgeted_refits import BudgetedRefits
from skcaptcha.read import read_captchas


@pytest.mark.parametrize(("calibration", "n_read"), [(None, 30), (3, 0)])
def test_fits_that_calibrate_are_expected_to_take_longer(calibration, n_read):
    """The first fit is not started if four fits as long as the timed fit exceed the budget."""
    model = make_model().set_params(characterreader__calibration_cv=calibration)
    refits = BudgetedRefits(
        model, list(X[:30]), Y[:30], names=list(range(30)), folds=2, seconds=60, once=20.0
    )
    assert len(refits.out_of_fold_predictions()) == n_read


def test_unreadable_captchas_count_as_wrong_in_the_learning_curve():
    model = make_model().fit(list(X[:60]), Y[:60])
    results = [*read_captchas(model, list(X[60:80])), *[ImageError("image 0", "it is empty")] * 20]
    held_out = predict_labeled(model, list(X[60:100]), Y[60:100].tolist(), results=results)
    refits = BudgetedRefits(model, list(X[:60]), Y[:60], names=[], folds=3, seconds=60, once=0.0)
    points = refits.learning_curve(held_out)
    assert {point.n for point in points} == {40}
    assert all(point.n_correct <= 20 for point in points)
