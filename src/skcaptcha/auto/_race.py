"""A race of recipes: candidates are screened on few captchas, and the best are cross-validated."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skcaptcha._display.percent import points
from skcaptcha.auto._candidate import (
    GOOD_ENOUGH,
    NO_TIME,
    Candidate,
    Trial,
    laplace_estimate,
    two_standard_errors,
)
from skcaptcha.auto._costs import FINAL_FIT, Costs, has_networks
from skcaptcha.auto._evaluations import Evaluations, Splits
from skcaptcha.auto._families import Family
from skcaptcha.auto._final_fits import MIN_SECONDS_FOR_NETWORKS, N_NETWORKS, FinalFits
from skcaptcha.auto._network_recipe import is_start_of_network, opening_size, reads_windows
from skcaptcha.auto._network_training import NetworkTraining
from skcaptcha.auto._process_pool import ProcessPool
from skcaptcha.exceptions import ReadingError
from skcaptcha.images import ImageBatch
from skcaptcha.images._duplicates import group_folds
from skcaptcha.read._convolutional_reader import n_held_out
from skcaptcha.recipes import Recipe

_logger = logging.getLogger(__name__)

SCREENING_FOLDS = 2
_N_SCREENED = 300
_N_PILOT = 60  # captchas that the prediction time is measured with
_N_TIMED = 20  # captchas that the fit time is measured with

_SCREENING_FRACTION = 0.4  # of the time
# With less time left, the first variant of a family is timed before it is screened.
_LITTLE_TIME = 60.0

_PROMISING, _ENOUGH_VALIDATED = 0.98, 100
_CLOSE = 0.01
# A network is preferred to a quick recipe that reads about as much if at least so many captchas
# were held out of it. With fewer, such a network could not be told from one that reads less.
_ENOUGH_HELD_OUT = 40
# Networks are trained before candidates that read less than this part of the captchas in the
# screening are cross-validated, and may win over them by their characters.
_HOPEFUL = 0.5
# Networks start from windows if the best ones read this part of the characters that the best
# segments read, and then from windows that read this part of what the best ones read.
_GOOD_WINDOWS, _GOOD_START = 0.6, 0.9
_MAX_VARIANTS = 3
# A candidate that is behind after this number of captchas is given up. A slow reader leaves the
# time to others even if it is ahead.
_ENOUGH_TO_COMPARE = 200


class Race:
    """Captchas, time, and the results of all candidates so far.

    Duplicate captchas have the same number in ``groups``, which keeps them in the same fold.
    ``report_progress`` is called with what is being done. See `choose_recipe` for the rest.
    """

    def __init__(
        self,
        X: ImageBatch,
        y: NDArray[np.str_],
        groups: NDArray[np.intp],
        evaluations: Evaluations,
        report_progress: Callable[[str], None],
        *,
        folds: int,
        pool: ProcessPool,
        random_state: int,
        networks: bool,
        unlabeled: ImageBatch | None = None,
    ) -> None:
        self.X, self.y, self.groups = X, y, groups
        self.evaluations, self.clock = evaluations, evaluations.clock
        self.report_progress, self.pool = report_progress, pool
        self.folds = min(folds, len(np.unique(groups)))
        self.costs = Costs(X, y, self.folds, pool, report_progress)
        order = np.random.default_rng(random_state).permutation(len(y))
        self.screened, self.pilot = order[:_N_SCREENED], order[:_N_PILOT]
        self.everything = np.arange(len(y))
        self.candidates: list[Candidate] = []
        # Single-process seconds for a fold of each family's own reader, if it has a surrogate.
        self.own_fold_seconds: dict[int, float] = {}
        self.longest_screening = 0.0  # of the first variants of families
        self._may_train_network = networks
        self.fits = FinalFits(
            X,
            y,
            unlabeled,
            self.costs,
            self.clock,
            few=self.pilot[:_N_TIMED],
            random_state=random_state,
        )
        self.networks = NetworkTraining(self.fits, pool, report_progress, self.screened)

    def run(self, families: Sequence[Family]) -> None:
        """Screen all families that can apply, and cross-validate the candidates within reach."""
        reserved = (1 - _SCREENING_FRACTION) * self.clock.remaining()
        for i, family in enumerate(families):
            if family.excluded:
                outcome = f"cannot apply: {family.excluded}"
                self.candidates.append(Candidate(family, outcome=outcome))
            elif self._is_decided():
                self.candidates.append(Candidate(family, outcome="not tried: not needed"))
            else:
                seconds = (self.clock.remaining() - reserved) / (len(families) - i)
                screened = self._screen(family, seconds)
                if screened and screened[0].estimate >= _PROMISING:
                    self._cross_validate(screened[0])
        if not self._is_decided():
            for candidate in self._within_reach():
                slow = candidate.has_surrogate or candidate.estimate < _HOPEFUL
                if slow and self._may_train_network:
                    self._train_network()
                best = max(other.estimate for other in self.candidates)
                # Candidates without a surrogate cost little.
                bonus = 0.0 if candidate.has_surrogate else _CLOSE
                if candidate.accuracy is None and candidate.upper_bound + bonus > best:
                    self._cross_validate(candidate)

    def best_model(self, *, refit: bool) -> tuple[Pipeline, Candidate]:
        """Return the pipeline of the best candidate, and the candidate.

        With `refit`, it is fitted to all captchas; if that fails, the next candidate is used.
        """
        for candidate in self._ranked():
            if not refit:
                candidate.outcome = "chosen"
                return Recipe(candidate.recipe).pipeline(), candidate
            if candidate.model is not None:
                candidate.outcome = "chosen"
                return candidate.model, candidate
            shortened = self.fits.shorten(candidate)
            self.report_progress(f"fitting {candidate.name} to all captchas")
            # Only networks are trained by several processes.
            work = FINAL_FIT * candidate.fold_seconds if has_networks(candidate.recipe) else 0.0
            n_jobs = self.pool.n_jobs_for(work)
            try:
                with (
                    warnings.catch_warnings(action="ignore"),
                    joblib.parallel_config(n_jobs=n_jobs),
                ):
                    model = self.fits.fit(candidate)
            except Exception as error:
                candidate.outcome = f"cannot be fitted to all captchas: {error}"
                continue
            candidate.outcome = f"chosen{shortened}"
            return model, candidate
        reasons = {each.family.name: f"{each.name}: {each.outcome}" for each in self.candidates}
        raise ReadingError(
            f"no recipe can be fitted to these captchas ({'; '.join(reasons.values())})"
        )

    def trials(self, winner: Candidate) -> Iterator[Trial]:
        """Report on all candidates, the winner first."""
        self.candidates.sort(key=lambda each: (each is winner, each.rank), reverse=True)
        for each in self.candidates:
            yield Trial(
                each.family.number,
                each.name,
                each.variant.settings,
                each.outcome or self._compare(each, winner),
                each.screened,
                len(self.screened),
                each.accuracy,
                each.n_validated,
                each.seconds,
            )

    def _compare(self, candidate: Candidate, winner: Candidate) -> str:
        if candidate.accuracy is None:
            return "dropped after screening"
        if candidate.score == winner.score:
            return "same accuracy, slower prediction"
        if candidate.estimate == winner.estimate:
            return "same string accuracy, lower character accuracy"
        n = candidate.n_validated or len(self.screened)
        behind = points(winner.estimate - candidate.estimate, n)
        return f"{behind.removeprefix('+')} points behind"

    def _is_decided(self) -> bool:
        return any(
            each.n_validated >= _ENOUGH_VALIDATED and each.estimate >= GOOD_ENOUGH
            for each in self.candidates
        )

    # Screening

    def _screen(self, family: Family, seconds: float) -> list[Candidate]:
        """Score a family's variants on a subset of the captchas; return them, the best first."""
        new = [Candidate(family, variant) for variant in family.variants]
        fitted = [each for each in self.candidates if each.recipe]
        self.candidates += new
        self.report_progress(f"screening {family.name}")
        first, rest = new[0], new[1:]
        if fitted and self.clock.remaining() < self._seconds_to_screen(first, fitted):
            for each in new:
                each.outcome = f"not tried: {NO_TIME}"
            return []
        # The time of the first variant is the estimate for the others.
        work = self._screen_variants([first], 0.0)
        self.longest_screening = max(self.longest_screening, first.seconds)
        n = len(rest)
        while n and first.seconds + self.pool.seconds(n * work) > seconds:
            n -= 1
        for each in rest[n:]:
            each.outcome = f"not tried: {NO_TIME}"
        if n:
            self._screen_variants(rest[:n], n * work)
        return sorted(new, key=lambda each: -each.character_accuracy)

    def _seconds_to_screen(self, candidate: Candidate, fitted: Sequence[Candidate]) -> float:
        """Estimate the time for screening a new family and for the final fit."""
        best = max(fitted, key=lambda each: each.rank)
        final_fit = self.costs.final_fit(best.recipe, best.fold_seconds, shortened=True)
        screening = self.longest_screening
        n = len(self.screened)
        if n > 2 * _N_TIMED and self.clock.remaining() < _LITTLE_TIME:
            # Each captcha is used for training in one fold, and read in the other.
            recipe = candidate.variant.stages[0][0]
            times = self.costs.fit_and_read(recipe, self.screened[:_N_TIMED])
            screening = sum(times or ()) * n / _N_TIMED
            final_fit = max(final_fit, screening / SCREENING_FOLDS * len(self.y) / n)
        return screening + final_fit

    def _screen_variants(self, candidates: Sequence[Candidate], work: float) -> float:
        """Screen variants, given an estimate of the work; return the measured work."""
        recipes = [each.variant.stages[0][0] for each in candidates]
        n = len(self.screened)
        scores = self.evaluations(
            recipes,
            self.screened,
            self._splits(self.screened, SCREENING_FOLDS),
            n_jobs=self.pool.n_jobs_for(work),
        )
        for each, recipe, means in zip(candidates, recipes, scores.sums.T / n, strict=True):
            each.seconds = scores.seconds / len(candidates)
            each.fold_seconds = scores.work / len(candidates) / SCREENING_FOLDS * len(self.y) / n
            if np.isnan(means[0]):
                each.outcome = f"cannot apply: {scores.error}"
                continue
            each.screened, each.character_accuracy, each.ignoring_case = means.tolist()
            each.recipe = recipe
            _logger.debug(
                "screened %s %s: string accuracy %.4f in %.2f s",
                each.name,
                each.variant.settings,
                each.screened,
                each.seconds,
            )
        return scores.work

    # Cross-validation

    def _within_reach(self) -> list[Candidate]:
        """Return the promising candidates of all families in the order of cross-validation.

        The best of each family come before the second best of any. Candidates without a surrogate
        come first, because they cost little, unless a surrogate itself reads more: together they
        might leave no time for the reader that it stands for.
        """
        promising: list[tuple[int, Candidate]] = []
        for _, family in groupby(self.candidates, key=lambda each: each.family.number):
            promising += enumerate(self._promising(list(family)))
        surrogates = [each.character_accuracy for _, each in promising if each.has_surrogate]
        best = max(surrogates, default=0.0)
        best -= two_standard_errors(best, len(self.screened))
        promising.sort(
            key=lambda item: (
                item[1].has_surrogate or item[1].character_accuracy < best,
                item[0],
                -item[1].upper_bound,
            )
        )
        return [candidate for _, candidate in promising]

    def _promising(self, family: Sequence[Candidate]) -> list[Candidate]:
        """Return the variants of a family that are the best within two standard errors."""
        screened = [each for each in family if each.screened is not None]
        if not screened:
            return []
        screened.sort(key=lambda each: -each.character_accuracy)
        highest = screened[0].character_accuracy
        lowest = highest - two_standard_errors(highest, len(self.screened))
        near: dict[float, Candidate] = {}  # equal accuracies most likely mean equal readings
        for each in screened:
            if each.character_accuracy >= lowest:
                near.setdefault(each.character_accuracy, each)
        best, *others = near.values()
        if not best.has_surrogate:
            return [best, *others][: 2 * _MAX_VARIANTS]
        # Noise can mislead a surrogate, but not the reader itself, so the plainest variant is
        # always second.
        plain = family[0]
        second = [each for each in screened[1:] if each is plain]
        others = [each for each in others if each is not plain]
        return [best, *second, *others][:_MAX_VARIANTS]

    def _cross_validate(self, candidate: Candidate) -> None:
        """Score a candidate fold by fold while it is ahead or undecided and there is time.

        A reader of unknown fit time is first fitted to a few captchas. Its first folds only have
        to leave time for a shortened final fit: the score of its surrogate says little about it.
        """
        self.report_progress(f"cross-validating {candidate.name}")
        stage, number = candidate.variant.stages[-1], candidate.family.number
        minimum = MIN_SECONDS_FOR_NETWORKS if has_networks(stage[0]) else 0.0
        is_known = number in self.own_fold_seconds or not candidate.has_surrogate
        work = self.own_fold_seconds.get(number, candidate.fold_seconds)
        if not is_known and self.clock.remaining() >= minimum:
            few = self.pilot[: min(_N_TIMED, len(self.y) // 2)]
            work += self.costs.fold(stage[0], few)
        parts = [self._splits(self.everything, self.folds)]
        if candidate.has_surrogate:
            n = self.pool.n_max
            parts = [parts[0][first : first + n] for first in range(0, len(parts[0]), n)]
        read = np.zeros((3, len(stage)))
        for part in parts:
            n_tasks = len(stage) * len(part)
            needed = self.costs.final_fit(stage[0], work, shortened=not is_known)
            if is_known:
                needed = max(self.fits.reserved, needed)
            needed += self.pool.seconds(work * n_tasks, n_tasks)
            if not is_known:
                needed = max(needed, minimum)
            if self.clock.remaining() < needed:
                if candidate.accuracy is None:
                    candidate.out_of_time = True
                    candidate.outcome = f"{NO_TIME}: needs about {needed:.0f} s more"
                return
            n_jobs = self.pool.n_jobs_for(work * n_tasks)
            scores = self.evaluations(stage, self.everything, part, n_jobs=n_jobs)
            candidate.seconds += scores.seconds
            work = candidate.fold_seconds = scores.work / n_tasks
            if candidate.has_surrogate:
                self.own_fold_seconds[number] = work
                is_known = True
            read += scores.sums
            if np.isnan(read[0]).all():
                candidate.outcome = f"cannot apply: {scores.error}"
                candidate.screened = candidate.accuracy = None
                candidate.recipe, candidate.n_validated = {}, 0
                return
            candidate.n_validated += sum(len(test) for _, test in part)
            n_validated = candidate.n_validated
            best = int(np.nanargmax(read[0] + 1e-3 * read[1] / n_validated))
            candidate.accuracy, candidate.character_accuracy, candidate.ignoring_case = (
                read[:, best] / n_validated
            ).tolist()
            candidate.recipe = stage[best]
            _logger.debug(
                "cross-validated %s on %d captchas: string accuracy %.4f, %.1f s, %.1f s left",
                candidate.name,
                n_validated,
                candidate.accuracy,
                scores.seconds,
                self.clock.remaining(),
            )
            self.fits.reserved = max(self.fits.reserved, self.costs.final_fit(stage[0], work))
            enough = n_validated >= _ENOUGH_TO_COMPARE
            if self._is_behind(candidate, significantly=not enough) or (
                candidate.has_surrogate and enough
            ):
                return

    def _train_network(self) -> None:
        """Train networks that start from the best candidate, with most of the time that is left."""
        self._may_train_network = False
        start = self._start_of_network()
        # Without held-out captchas, nothing would tell how well networks read.
        n_tested = N_NETWORKS * n_held_out(len(self.y))
        if start is not None and n_tested and not self._is_out_of_reach(n_tested):
            self.candidates.append(self.networks.train(start))

    def _is_out_of_reach(self, n_tested: int) -> bool:
        """Check whether a network that reads all held-out captchas would not be chosen."""
        greatest = laplace_estimate(1.0, n_tested), 1.0
        return any(
            each.accuracy is not None
            and not each.has_surrogate
            and not _is_preferred(greatest, n_tested, each)
            for each in self.candidates
        )

    def _start_of_network(self) -> Candidate | None:
        """Return the candidate to start from: the best, or nearly as good windows.

        Boxes of segments do not overlap, and are far from the characters where these do. Of
        windows, those are preferred that keep more ink: an opening that helps hand-made features
        can remove strokes that a network would use. Without any windows, no network is trained.
        """
        starts = [
            each
            for each in self.candidates
            if each.screened is not None and is_start_of_network(each.recipe)
        ]
        windows = [each for each in starts if reads_windows(each.recipe)]
        if not windows:
            return None
        best = max(starts, key=lambda each: each.character_accuracy)
        most = max(each.character_accuracy for each in windows)
        if most < _GOOD_WINDOWS * best.character_accuracy:
            return best
        return min(
            (each for each in windows if each.character_accuracy >= _GOOD_START * most),
            key=lambda each: (opening_size(each.recipe), -each.character_accuracy),
        )

    def _is_behind(self, candidate: Candidate, *, significantly: bool) -> bool:
        """Check whether another candidate reads at least as much, or significantly more."""
        margin = 0.0
        if significantly:
            margin = two_standard_errors(candidate.estimate, candidate.n_validated)
        return any(
            other is not candidate
            and other.accuracy is not None
            and other.score >= (candidate.estimate + margin, candidate.character_accuracy)
            for other in self.candidates
        )

    def _splits(self, sample: NDArray[np.intp], folds: int) -> Splits:
        # All captchas are split as in Recipe.search.
        groups = self.groups[sample]
        return group_folds(groups, min(folds, len(np.unique(groups))))

    def _ranked(self) -> list[Candidate]:
        """Return the candidates that can be fitted, the best first, and of equals the fastest."""
        able = [each for each in self.candidates if each.recipe]
        ranked = sorted(able, key=lambda each: each.rank, reverse=True)
        tied = [each for each in ranked if each.rank == ranked[0].rank]
        if not ranked:
            return []
        best = ranked[0]
        if best.model is None:
            for each in able:
                if each.model is not None and _is_preferred(each.score, each.n_validated, best):
                    return [each, *(other for other in ranked if other is not each)]
        # Readers with a surrogate are slow to fit and to read.
        quick = [each for each in tied if not each.has_surrogate]
        slow = [each for each in tied if each.has_surrogate]
        if len(quick) > 1:
            quick.sort(key=self._seconds_to_read)
        return [*quick, *slow, *ranked[len(tied) :]]

    def _seconds_to_read(self, candidate: Candidate) -> float:
        times = self.costs.fit_and_read(candidate.recipe, self.pilot)
        return times[1] if times else math.inf


def _is_preferred(score: tuple[float, float], n_held_out: int, other: Candidate) -> bool:
    """Check whether a network with a score is preferred to another candidate.

    Networks usually read more than others that have read as many captchas in cross-validation, or
    as many characters if few captchas were held out, and few can be read.
    """
    estimate, character_accuracy = score
    margin = 0.0
    if other.has_surrogate or n_held_out >= _ENOUGH_HELD_OUT:
        margin = two_standard_errors(other.estimate, max(n_held_out, 1))
    elif other.estimate < _HOPEFUL and character_accuracy >= other.character_accuracy:
        return True
    return estimate + margin >= other.estimate
