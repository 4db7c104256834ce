"""Fast predictions of fitted scikit-learn classifiers: the same classes in less time."""

from skcaptcha.read.inference._fitted_classifier import FittedClassifier
from skcaptcha.read.inference._nearest_neighbors import with_parameters_of

__all__ = ["FittedClassifier", "with_parameters_of"]
