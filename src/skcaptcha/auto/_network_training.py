"""Training of networks in the race, with most of the time that is left."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skcaptcha.auto._candidate import NO_TIME, Candidate
from skcaptcha.auto._families import Content, Family, Variant, name_of
from skcaptcha.auto._final_fits import MIN_SECONDS_FOR_NETWORKS, N_NETWORKS, FinalFits
from skcaptcha.auto._network_recipe import (
    Heights,
    affordable_height,
    network_heights,
    network_recipe,
)
from skcaptcha.auto._process_pool import ProcessPool
from skcaptcha.images import decode
from skcaptcha.metrics import character_accuracy, string_accuracy
from skcaptcha.recipes import Recipe

_logger = logging.getLogger(__name__)

NETWORK = -1
"""Number of the family of networks, which is not in auto.yaml."""

_MAX_BATCHES = 3000
_N_TIMED = 20  # captchas that a batch is timed with
_N_MEASURED = 100  # captchas that the height of images is measured with


class NetworkTraining:
    """Networks that start from the positions that another candidate finds.

    The captchas that each network does not learn from replace cross-validation, which would train
    several times as many networks. ``sample`` holds the indices of captchas that sizes and times
    are measured with, and ``report_progress`` is called with what is being done.
    """

    def __init__(
        self,
        fits: FinalFits,
        pool: ProcessPool,
        report_progress: Callable[[str], None],
        sample: NDArray[np.intp],
    ) -> None:
        self._X, self._y = fits.X, fits.y
        self._fits, self._costs, self._clock, self._pool = fits, fits.costs, fits.clock, pool
        self._report_progress = report_progress
        self._sample = sample

    def train(self, start: Candidate) -> Candidate:
        """Train networks, and score them on captchas that they did not learn from.

        If that is not possible, the candidate's outcome says why.
        """
        found = start.recipe
        heights = self._heights(found)
        recipe_of = partial(network_recipe, found, original_height=heights.original)
        recipe = recipe_of(heights.usual)
        variant = Variant(start.variant.settings, ((found,), (recipe,)))
        candidate = Candidate(Family(NETWORK, name_of(recipe), (variant,), ""), variant)
        batch_seconds = None
        if self._fits.seconds_for_networks() >= MIN_SECONDS_FOR_NETWORKS:
            with joblib.parallel_config(n_jobs=self._pool.n_max):
                some = self._sample[:_N_TIMED]
                batch_seconds = self._costs.batch(recipe, some)
        seconds = self._fits.seconds_for_networks()
        if seconds < MIN_SECONDS_FOR_NETWORKS:
            candidate.out_of_time = True
            candidate.outcome = NO_TIME
            return candidate
        seconds, n_rounds, n_captchas = self._fits.plan_networks(seconds, batch_seconds)
        height = affordable_height(heights, n_captchas, batch_seconds, seconds)
        self._report_progress(f"training {candidate.name}")
        recipe = recipe_of(height, n_estimators=N_NETWORKS, max_iter=_MAX_BATCHES, budget=seconds)
        begin = self._clock.elapsed()
        try:
            with (
                warnings.catch_warnings(action="ignore"),
                joblib.parallel_config(n_jobs=self._pool.n_max),
                logged_to(self._report_progress),
            ):
                model = self._fits.fit_networks(candidate, Recipe(recipe).pipeline(), n_rounds)
        except Exception as error:
            candidate.outcome = f"cannot apply: {error}"
            return candidate
        candidate.seconds = self._clock.elapsed() - begin
        reader = model[-1]
        # The same recipe without a budget trains for about as long on any machine. Whoever fits it
        # in folds needs no average of networks, as with windows.
        candidate.recipe = {
            **recipe_of(height, max_iter=max(reader.n_iter_)),
            "final": {"read__n_estimators": len(reader.networks_)},
        }
        self._score(candidate, model)
        return candidate

    def _score(self, candidate: Candidate, model: Pipeline) -> None:
        reader, labels = model[-1], self._y
        if candidate.self_training is not None:
            labels = candidate.self_training.transduction_
            labels = labels[labels != ""]
        candidate.model = model
        held_out = labels[reader.validation_indices_]
        candidate.n_validated = len(held_out)
        if len(held_out):
            read = reader.validation_texts_
            candidate.accuracy = string_accuracy(held_out, read)
            candidate.character_accuracy = character_accuracy(held_out, read)
            candidate.ignoring_case = string_accuracy(held_out, read, ignore_case=True)
        _logger.debug(
            "trained %s: string accuracy %.4f of %d captchas, %.1f s left",
            candidate.name,
            candidate.estimate,
            candidate.n_validated,
            self._clock.remaining(),
        )

    def _heights(self, start: Content) -> Heights:
        sample = self._sample[:_N_MEASURED]
        images = [decode(self._X[i]) for i in sample.tolist()]
        return network_heights(start, images, self._y[sample].tolist())


@contextmanager
def logged_to(report_progress: Callable[[str], None]) -> Iterator[None]:
    """Report what a network logs about its training."""

    class Forward(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            report_progress(record.getMessage())

    loggers = [logging.getLogger(f"skcaptcha.{name}") for name in ("read", "semi_supervised")]
    before = [(logger.level, logger.propagate) for logger in loggers]
    handler = Forward()
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        # Handlers of the program would show each message twice, or in spite of their logger's
        # level.
        logger.propagate = False
    try:
        yield
    finally:
        for logger, (level, propagate) in zip(loggers, before, strict=True):
            logger.propagate = propagate
            logger.setLevel(level)
            logger.removeHandler(handler)
