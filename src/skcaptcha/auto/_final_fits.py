"""Fits to all captchas in the time that is left, also to captchas without a label."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skcaptcha.auto._candidate import GOOD_ENOUGH, Candidate
from skcaptcha.auto._costs import Costs, has_networks
from skcaptcha.auto._evaluations import Clock
from skcaptcha.auto._self_training_in_time import SelfTrainingInTime
from skcaptcha.images import ImageBatch
from skcaptcha.recipes import Recipe
from skcaptcha.semi_supervised._committee import N_MEMBERS
from skcaptcha.semi_supervised._self_training_reader import GROWTH, N_ROUNDS, N_VIEWS

_logger = logging.getLogger(__name__)

N_NETWORKS = 2
"""Number of networks that are trained together."""
MIN_SECONDS_FOR_NETWORKS = 20.0
"""Networks are not trained in less time."""

_SHORTENED_FINAL = {"read__calibration_cv": 2}
# Warn if the budget is exceeded by more than this fraction and these seconds.
_TOLERANCE, _TOLERANCE_SECONDS = 0.05, 1.0
# Part of the time that is left when networks begin, for denoising and other work outside the
# reader's budget.
_RESERVED_FRACTION = 0.03
# Reading an unlabeled captcha and its views takes this part of the time of a batch, as far as
# they are read; all of that may take this part of the time.
_READING_COST, _MAX_READING_PART = 0.1, 0.5


class FinalFits:
    """Fits of candidates to all captchas, as far as there is time for them.

    ``unlabeled`` are captchas without a label that may teach, and ``few`` the indices of captchas
    that times are measured with.

    Attributes
    ----------
    reserved : float
        Time in seconds that the final fit of any possible winner may need.
    """

    def __init__(
        self,
        X: ImageBatch,
        y: NDArray[np.str_],
        unlabeled: ImageBatch | None,
        costs: Costs,
        clock: Clock,
        *,
        few: NDArray[np.intp],
        random_state: int,
    ) -> None:
        self.X, self.y, self._unlabeled = X, y, unlabeled
        self.costs, self.clock = costs, clock
        self._few, self._random_state = few, random_state
        self.reserved = 0.0

    def fit(self, candidate: Candidate) -> Pipeline:
        """Fit the chosen recipe; captchas without a label teach if that may help in time."""
        model = Recipe(candidate.recipe).final_pipeline()
        if self._unlabeled is None or candidate.estimate >= GOOD_ENOUGH:
            return model.fit(self.X, self.y)
        # In warped views, characters are not where fixed boxes expect them.
        segmenter = candidate.recipe["steps"].get("segment", {}).get("use")
        n_views = 0 if segmenter == "FixedBoxes" else N_VIEWS
        return self._fit_to_all(
            candidate, model, self._affordable_rounds(candidate, n_views), n_views
        )

    def fit_networks(self, candidate: Candidate, model: Pipeline, n_rounds: int) -> Pipeline:
        """Fit networks; captchas without a label teach for so many rounds."""
        return self._fit_to_all(candidate, model, n_rounds, N_VIEWS)

    def seconds_for_networks(self) -> float:
        """Return the time that is left but for the final fit of another candidate."""
        left = self.clock.remaining()
        return left - max(self.reserved, _RESERVED_FRACTION * left)

    def plan_networks(self, seconds: float, batch_seconds: float | None) -> tuple[float, int, int]:
        """Divide the seconds for networks among their fits.

        The committees of all rounds of self-training and the final fit share what reading captchas
        without a label leaves. If that is too little, no such captcha teaches.

        Returns
        -------
        seconds : float
            Time for each fit.
        n_rounds : int
            Number of rounds in which captchas without a label teach.
        n_captchas : int
            Number of captchas that may teach.
        """
        n = len(self.y)
        if self._unlabeled is None:
            return seconds, 0, n
        left = seconds
        if batch_seconds is not None:
            n_read = N_ROUNDS * N_MEMBERS * len(self._unlabeled)
            left -= min(n_read * _READING_COST * batch_seconds, _MAX_READING_PART * seconds)
        share = left / (N_ROUNDS * N_MEMBERS / N_NETWORKS + 1)
        if share < MIN_SECONDS_FOR_NETWORKS:
            return seconds, 0, n
        return share, N_ROUNDS, n + len(self._unlabeled)

    def shorten(self, candidate: Candidate) -> str:
        """Skip parts of the final fit that there is no time for, and describe that.

        Warn if the budget will be exceeded nevertheless.
        """
        recipe, left = candidate.recipe, self.clock.remaining()
        needed = self.costs.final_fit(recipe, candidate.fold_seconds)
        shortened = ""
        can_be_shortened = has_networks(recipe) and recipe["final"].keys() > _SHORTENED_FINAL.keys()
        if needed > left and can_be_shortened:
            needed = self.costs.final_fit(recipe, candidate.fold_seconds, shortened=True)
            candidate.recipe = {**recipe, "final": _SHORTENED_FINAL}
            shortened = " (with a shortened final fit: there was no time for more networks)"
        if needed - left > max(_TOLERANCE * self.clock.budget, _TOLERANCE_SECONDS):
            fit = f"fitting {candidate.name} to all captchas takes about {needed:.1f} s"
            why = f"{fit}, and {left:.1f} s are left"
            if left <= 0:
                why = f"it was used up {-left:.1f} s ago, and {fit}"
            _logger.warning("the budget will be exceeded: %s", why)
        return shortened

    def _fit_to_all(
        self, candidate: Candidate, model: Pipeline, n_rounds: int, n_views: int
    ) -> Pipeline:
        """Fit a candidate's pipeline to all captchas, and to those without a label that teach."""
        if self._unlabeled is None or not n_rounds:
            return model.fit(self.X, self.y)
        reader = SelfTrainingInTime(
            model, max_iter=n_rounds, n_views=n_views, random_state=self._random_state
        )
        both = ImageBatch([*self.X, *self._unlabeled])
        labels = [*self.y.tolist(), *[None] * len(self._unlabeled)]
        candidate.self_training = reader.fit_in_time(both, labels, self.seconds_for_networks)
        return candidate.self_training.estimator_

    def _affordable_rounds(self, candidate: Candidate, n_views: int) -> int:
        """Return for how many rounds of self-training there is time.

        Each may multiply the captchas that teach, and with them the time of the next fits.
        """
        assert self._unlabeled is not None
        n, left = len(self.y), self.clock.remaining()
        per_captcha = self.costs.final_fit(candidate.recipe, candidate.fold_seconds) / n
        if (N_MEMBERS + 1) * per_captcha * n > left:
            return 0
        times = self.costs.fit_and_read(candidate.recipe, self._few)
        if times is None:
            return 0
        reading = N_MEMBERS * (1 + n_views) * len(self._unlabeled) * times[1] / len(self._few)
        left, n_taught = self.clock.remaining(), n
        for n_rounds in range(N_ROUNDS):
            left -= N_MEMBERS * per_captcha * n_taught + reading
            n_taught = min((1 + GROWTH) * n_taught, n + len(self._unlabeled))
            if left < per_captcha * n_taught:
                return n_rounds
        return N_ROUNDS
