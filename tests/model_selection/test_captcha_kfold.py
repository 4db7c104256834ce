"""Folds of captchas; tests/images/test_duplicates.py tests that they do not split duplicates."""

import numpy as np
import pytest
from sklearn.model_selection import KFold

from skcaptcha.model_selection import CaptchaKFold


@pytest.mark.parametrize("shuffle", [False, True])
def test_folds_without_duplicates_equal_those_of_scikit_learn(shuffle):
    images = np.random.default_rng(0).integers(0, 256, (30, 12, 36)).astype(np.uint8)
    options = {"shuffle": shuffle, "random_state": 3 if shuffle else None}
    ours, theirs = (cv(4, **options).split(images) for cv in (CaptchaKFold, KFold))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_equal(one, other)
