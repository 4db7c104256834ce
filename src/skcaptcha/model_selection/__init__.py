"""Grid search over whole pipelines, and cross-validation that keeps duplicates in the same fold."""

from skcaptcha.model_selection._captcha_kfold import CaptchaKFold
from skcaptcha.model_selection._search import SharedGridSearchCV

__all__ = ["CaptchaKFold", "SharedGridSearchCV"]
