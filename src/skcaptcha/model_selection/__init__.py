"""Grid search over whole pipelines, and cross-validation that keeps copies together."""

from skcaptcha.model_selection._captcha_kfold import CaptchaKFold
from skcaptcha.model_selection._search import SharedGridSearchCV

__all__ = ["CaptchaKFold", "SharedGridSearchCV"]
