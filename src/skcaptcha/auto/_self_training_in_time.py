"""Self-training of networks that ends in time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skcaptcha.semi_supervised import SelfTrainingReader

_logger = logging.getLogger(__name__)

# The final fit takes at least this part of the time that was planned for it.
_LEAST_PART = 0.25


class SelfTrainingInTime(SelfTrainingReader):
    """Rounds of networks end in time, and the final fit takes what they leave.

    A network that is taught by no further captchas therefore trains for as long as one that was
    never to learn from them. Readers without a budget are fitted as usual. If a member of a
    committee cannot be fitted, or cannot read, no captcha without a label teaches, and
    ``termination_condition_`` is ``"failed"``.
    """

    def fit_in_time(
        self, X: Sequence[Any], y: Sequence[str | None], seconds_left: Callable[[], float]
    ) -> Self:
        """Fit the pipeline while there are seconds left."""
        self._seconds_left = seconds_left
        try:
            return self.fit(X, y)
        finally:
            del self._seconds_left

    def _run_rounds(self, batch: Any, labels: NDArray[np.str_], *args: Any) -> None:
        try:
            super()._run_rounds(batch, labels, *args)
        except Exception as error:
            _logger.warning(
                "images without a label do not teach, because a model failed: %s", error
            )
            self._forget(labels)
            self.termination_condition_ = "failed"

    @property
    def _budget(self) -> float | None:
        return getattr(self.estimator[-1], "budget", None)

    def _may_go_on(self) -> bool:
        # A round takes about as long as the final fit.
        in_time = self._budget is None or self._seconds_left() >= 2 * self._budget
        return in_time and super()._may_go_on()

    def _final_estimator(self) -> Pipeline:
        final = super()._final_estimator()
        if self._budget is not None:
            final[-1].set_params(budget=max(self._seconds_left(), _LEAST_PART * self._budget))
        return final
