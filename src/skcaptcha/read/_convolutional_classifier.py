"""Small convolutional network as a scikit-learn classifier, trained with skorch."""

# ruff: noqa: PLC0415 - PyTorch is an extra and slow to import, so it is imported when needed

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from skcaptcha.base import Documented
from skcaptcha.exceptions import ReadingError
from skcaptcha.features._base import positive_pair

if TYPE_CHECKING:
    from torch import nn


class ConvolutionalClassifier(Documented, ClassifierMixin, BaseEstimator):
    """Classify small images with a convolutional network, on the CPU.

    The network has two convolutions of 3 x 3 pixels, a hidden layer and one output for each class,
    with rectified linear units between them. Adam minimizes the cross-entropy. It needs the extra
    ``torch``.

    Parameters
    ----------
    shape : tuple of two ints, default=(24, 14)
        Height and width of the images: the ``shape`` of `RawPixels`, the features step.
    n_channels : int >= 1, default=3
        Number of channels of each convolution.
    n_hidden : int >= 1, default=30
        Number of units of the hidden layer.
    max_epochs : int >= 1, default=20
        Number of epochs, passes over the training images.
    learning_rate : float > 0, default=0.002
        Step size of the optimizer.
    batch_size : int >= 1, default=64
        Number of images in each step of the optimizer.
    random_state : int, RandomState or None, default=None
        Seed of the initial weights and of the order of the images.

    Attributes
    ----------
    net_ : skorch.NeuralNetClassifier
        The fitted network, converted to double precision.
    classes_ : ndarray of shape (n_classes,)
        Classes seen during fit.
    n_features_in_ : int
        Number of pixels of an image.

    See Also
    --------
    CharacterReader : Reads captchas with any classifier.

    References
    ----------
    D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015.

    Examples
    --------
    >>> from skcaptcha.read import CharacterReader, ConvolutionalClassifier
    >>> CharacterReader(ConvolutionalClassifier(max_epochs=10, random_state=0))
    CharacterReader(estimator=ConvolutionalClassifier(max_epochs=10, random_state=0))
    """

    _parameter_constraints: dict[str, Any] = {
        "shape": ["array-like"],
        "n_channels": [Interval(Integral, 1, None, closed="left")],
        "n_hidden": [Interval(Integral, 1, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        shape: tuple[int, int] = (24, 14),
        n_channels: int = 3,
        n_hidden: int = 30,
        max_epochs: int = 20,
        learning_rate: float = 0.002,
        batch_size: int = 64,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.shape = shape
        self.n_channels = n_channels
        self.n_hidden = n_hidden
        self.max_epochs = max_epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit the network to images.

        Parameters
        ----------
        X : array-like of shape (m, height * width)
            Pixels of the images, row by row, roughly in 0..1.
        y : array-like of shape (m,)
            Classes of the images.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ReadingError
            If PyTorch or skorch is not installed.
        ValueError
            If the number of pixels differs from that of ``shape``.
        """
        X, y = validate_data(self, X, y, dtype=np.float32, force_writeable=True)
        check_classification_targets(y)
        shape = self._image_shape()
        self.classes_, codes = np.unique(y, return_inverse=True)
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)

        import torch
        from skorch import NeuralNetClassifier

        net = NeuralNetClassifier(
            _network,
            module__shape=shape,
            module__n_channels=self.n_channels,
            module__n_hidden=self.n_hidden,
            module__n_classes=len(self.classes_),
            criterion=torch.nn.CrossEntropyLoss,
            optimizer=torch.optim.Adam,
            lr=self.learning_rate,
            max_epochs=self.max_epochs,
            batch_size=self.batch_size,
            iterator_train__shuffle=True,
            train_split=None,
            callbacks="disable",
            verbose=0,
        )
        with _one_thread(), torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(int(seed))
            # The method fit would treat Ctrl-C as the end of training.
            net.initialize().fit_loop(X, codes.astype(np.int64))
        # In single precision, predictions would depend on the position in the batch.
        net.module_.double()
        self.net_ = net
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the classes of images.

        Parameters
        ----------
        X : array-like of shape (m, height * width)
            Pixels of the images.

        Returns
        -------
        classes : ndarray of shape (m,)
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Predict the probabilities of the classes of images.

        Parameters
        ----------
        X : array-like of shape (m, height * width)
            Pixels of the images.

        Returns
        -------
        probabilities : ndarray of shape (m, n_classes)
            Columns are in the order of ``classes_``.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False, force_writeable=True)
        with _one_thread():
            return self.net_.predict_proba(X)

    def _validate_params(self) -> None:
        # A recipe calls this when it is loaded, and reports what is missing before a fit.
        super()._validate_params()
        if not (find_spec("torch") and find_spec("skorch")):
            raise ReadingError(
                "ConvolutionalClassifier needs PyTorch and skorch: pip install 'skcaptcha[torch]'"
            )

    def _image_shape(self) -> tuple[int, int]:
        height, width = positive_pair("shape", self.shape)
        if height * width != self.n_features_in_:
            raise ValueError(
                f"shape {height} x {width} has {height * width} pixels, but there are "
                f"{self.n_features_in_} features; set shape to that of RawPixels"
            )
        return height, width


def _network(shape: tuple[int, int], n_channels: int, n_hidden: int, n_classes: int) -> nn.Module:
    import torch
    from torch import nn

    height, width = shape
    network = nn.Sequential(
        nn.Unflatten(1, (1, height, width)),
        nn.Conv2d(1, n_channels, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(n_channels, n_channels, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(n_channels * height * width, n_hidden),
        nn.ReLU(),
        nn.Linear(n_hidden, n_classes),
    )
    # With few channels, convolutions take half the time in this memory format.
    return network.to(memory_format=torch.channels_last)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Limit PyTorch to one thread.

    For a small network more threads only wait for each other, and change the order of rounding.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
