"""A race of recipes against time: screened cheaply, then cross-validated, the best one fitted."""

from __future__ import annotations

import logging
import math
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skcaptcha._display.percent import points
from skcaptcha.auto._entry import Entry, Trial, chance
from skcaptcha.auto._evaluations import Clock, Evaluations
from skcaptcha.auto._families import Content, Family, name_of
from skcaptcha.auto._processes import Processes
from skcaptcha.auto._scoring import Scores, Splits
from skcaptcha.exceptions import ReadingError
from skcaptcha.images._duplicates import group_folds
from skcaptcha.read.sequence._ensemble import n_copies_for
from skcaptcha.recipes import Recipe

_logger = logging.getLogger(__name__)

_SCREENED = 300
SCREENING_FOLDS = 2
_PILOT = 60  # captchas that tell how fast a model reads

_SCREENING_SHARE = 0.4  # of the time
# In a fold, a network takes half of the time, and to find the places of the characters the other
# half. The last fit has three networks, and is repeated three times to calibrate; the shortened one
# has one network, and is repeated twice. Of readers that have no network, both take about as long.
_LAST_FIT = 6.0
_SHORTENED_FIT = 1.5
_LAST_FIT_OF_OTHERS = 2.5
_SHORTENED = {"read__calibration_cv": 2}
_LEAST_FOR_UNKNOWN = 20.0  # seconds, for a network of which nobody knows how long it takes
_TIMED = 20  # captchas that tell how long such a reader takes to fit
# With less time left, the first variant of a family is timed before it is screened.
_LITTLE_TIME = 60.0
# What is said to exceed the budget does so by more than this share of it, and these seconds.
_TOLERATED_SHARE, _TOLERATED = 0.05, 1.0
_NO_TIME = "no time left"

_PROMISING, _GOOD_ENOUGH, _ENOUGH_EVIDENCE = 0.98, 0.998, 100
_CLOSE = 0.01
_MOST_VARIANTS = 3
# What was validated on so many captchas and is behind is given up; a slow reader leaves the time to
# others even if it is ahead.
_ENOUGH_TO_TELL = 200


class Race:
    """The captchas, the time left, and how far every variant has come.

    Parameters
    ----------
    X : sequence of n captchas
    y : ndarray of n str
    clock : Clock
        Tells how much time is left.
    evaluations : Evaluations
        Score recipes.
    say : callable
        Is told what is being done.
    groups : ndarray of n int
        Equal for duplicate captchas, which are in the same fold.
    processes : Processes
        Share the work.
    random_state
        See `choose_recipe`.
    """

    def __init__(
        self,
        X: Sequence[Any],
        y: NDArray[np.str_],
        clock: Clock,
        evaluations: Evaluations,
        say: Callable[[str], None],
        *,
        groups: NDArray[np.intp],
        processes: Processes,
        random_state: int,
    ) -> None:
        self.X, self.y, self.groups = X, y, groups
        self.clock, self.evaluations, self.processes = clock, evaluations, processes
        self.say = say
        order = np.random.default_rng(random_state).permutation(len(y))
        self.screened, self.pilot = order[:_SCREENED], order[:_PILOT]
        self.everything = np.arange(len(y))
        self.entries: list[Entry] = []
        # How long one process takes for a family's reader in one fold, if it has a stand-in.
        self.meant: dict[int, float] = {}
        # What to keep of the time for fitting the winner, whichever that is.
        self.last_fit = 0.0
        self.longest_screening = 0.0  # of the first variants of families

    def run(self, families: Sequence[Family], folds: int) -> None:
        """Screen all families that can apply, and cross-validate what is within reach."""
        self.folds = min(folds, len(np.unique(self.groups)))
        kept_for_validation = (1 - _SCREENING_SHARE) * self.clock.left()
        for i, family in enumerate(families):
            if family.excluded:
                verdict = f"cannot apply: {family.excluded}"
                self.entries.append(Entry(family, None, verdict))
            elif self._is_sure():
                self.entries.append(Entry(family, None, "not tried: not needed"))
            else:
                share = (self.clock.left() - kept_for_validation) / (len(families) - i)
                entries = self._screen(family, share)
                if entries and entries[0].value >= _PROMISING:
                    self._cross_validate(entries[0])
        if not self._is_sure():
            self._cross_validate_the_best()

    def fit_best(self) -> tuple[Pipeline, Entry]:
        """Fit the best to all captchas; if that fails, the next best."""
        for entry in self._ranked():
            assert entry.recipe is not None
            shortened = self._shorten_last_fit(entry)
            self.say(f"fitting {entry.name} to all captchas")
            n_jobs = self._processes_for_last_fit(entry)
            try:
                with (
                    warnings.catch_warnings(action="ignore"),
                    joblib.parallel_config(n_jobs=n_jobs),
                ):
                    model = Recipe(entry.recipe).final_pipeline().fit(self.X, self.y)
            except Exception as error:
                entry.verdict = f"cannot be fitted to all: {error}"
                continue
            entry.verdict = f"chosen{shortened}"
            return model, entry
        raise self._nothing_fits()

    def _processes_for_last_fit(self, entry: Entry) -> int:
        assert entry.recipe is not None
        # Others do not use them.
        return self.processes.for_work(
            _LAST_FIT * entry.fold_work if _has_networks(entry.recipe) else 0.0
        )

    def _shorten_last_fit(self, entry: Entry) -> str:
        """Leave out of the last fit what there is no time for, and say what that is."""
        assert entry.recipe is not None
        final, left = entry.recipe["final"], self.clock.left()
        needed, shortened = self._last_fit(entry.recipe, entry.fold_work), ""
        if needed > left and final.keys() > _SHORTENED.keys() and _has_networks(entry.recipe):
            needed = self._last_fit(entry.recipe, entry.fold_work, shortened=True)
            entry.recipe = {**entry.recipe, "final": _SHORTENED}
            shortened = " (its last fit was shortened: no time was left for more networks)"
        if needed - left > max(_TOLERATED_SHARE * self.clock.budget, _TOLERATED):
            self._say_over(entry, needed)
        return shortened

    def _say_over(self, entry: Entry, needed: float) -> None:
        last_fit = f"fitting {entry.name} to all captchas takes about {needed:.1f} s"
        left = self.clock.left()
        if left > 0:
            why = f"{last_fit}, and {left:.1f} s are left"
        else:
            why = f"it was used up {-left:.1f} s ago, and {last_fit}"
        _logger.warning("the budget will not suffice: %s", why)

    def best(self) -> tuple[Pipeline, Entry]:
        """Give the best, not fitted."""
        entry = next(iter(self._ranked()), None)
        if entry is None:
            raise self._nothing_fits()
        assert entry.recipe is not None
        entry.verdict = "chosen"
        return Recipe(entry.recipe).pipeline(), entry

    def _nothing_fits(self) -> ReadingError:
        reasons = "; ".join(
            {e.family.name: f"{e.name}: {e.verdict}" for e in self.entries}.values()
        )
        return ReadingError(f"no recipe can be fitted to these captchas ({reasons})")

    def trials(self, winner: Entry) -> Iterator[Trial]:
        """Say what became of each, the winner first."""
        self.entries.sort(key=lambda entry: (entry is winner, entry.rank), reverse=True)
        for entry in self.entries:
            verdict = entry.verdict
            if not verdict and entry.accuracy is None:
                verdict = "left behind in the screening"
            elif not verdict and entry.merit == winner.merit:
                verdict = "as good, but slower to read"
            elif not verdict and entry.value == winner.value:
                verdict = "as many strings, but fewer characters"
            elif not verdict:
                behind = points(winner.value - entry.value, entry.n_validated or len(self.screened))
                verdict = f"{behind.removeprefix('+')} points behind"
            yield Trial(
                entry.family.number,
                entry.name,
                {} if entry.variant is None else entry.variant.settings,
                verdict,
                entry.screened,
                len(self.screened),
                entry.accuracy,
                entry.n_validated,
                entry.seconds,
            )

    def _screen(self, family: Family, seconds: float) -> list[Entry]:
        """Score a family's variants on a part of the captchas, the best first."""
        entries = [Entry(family, variant) for variant in family.variants]
        able = [entry for entry in self.entries if entry.recipe]
        self.entries += entries
        self.say(f"screening {family.name}")
        # The first one tells how long the others may take.
        first, rest = entries[:1], entries[1:]
        if able and self.clock.left() < self._needed_to_screen(first[0], able):
            for entry in entries:
                entry.verdict = f"not tried: {_NO_TIME}"
            return []
        work = self._screen_together(first, 0.0)
        self.longest_screening = max(self.longest_screening, first[0].seconds)
        affordable = len(rest)
        while affordable and first[0].seconds + self.processes.seconds(affordable * work) > seconds:
            affordable -= 1
        for entry in rest[affordable:]:
            entry.verdict = f"not tried: {_NO_TIME}"
        self._screen_together(rest[:affordable], affordable * work)
        return sorted(entries, key=lambda entry: -entry.characters)

    def _needed_to_screen(self, entry: Entry, able: Sequence[Entry]) -> float:
        """Estimate the seconds for a variant of which nothing is known, and for the last fit."""
        best = max(able, key=lambda entry: entry.rank)
        assert best.recipe is not None
        last_fit = self._last_fit(best.recipe, best.fold_work, shortened=True)
        screening = self.longest_screening
        n = len(self.screened)
        if entry.variant and n > 2 * _TIMED and self.clock.left() < _LITTLE_TIME:
            # Each of the captchas is learned from in one fold, and read in the other.
            seconds = self._time(entry.variant.stages[0][0], self.screened[:_TIMED], read=True)
            screening = seconds * n / _TIMED
            last_fit = max(last_fit, screening / SCREENING_FOLDS * len(self.y) / n)
        return screening + last_fit

    def _screen_together(self, entries: Sequence[Entry], work: float) -> float:
        """Screen variants, given an estimate of the work, and say how much it was."""
        if not entries:
            return 0.0
        candidates = [entry.variant.stages[0][0] for entry in entries if entry.variant]
        splits = self._splits(self.screened, SCREENING_FOLDS)
        scores = self._score(candidates, self.screened, splits, work)
        for entry, candidate, strings, characters, ignoring_case in zip(
            entries,
            candidates,
            scores.strings,
            scores.characters,
            scores.ignoring_case,
            strict=True,
        ):
            entry.seconds = scores.seconds / len(entries)
            entry.fold_work = scores.work / len(entries) / SCREENING_FOLDS
            entry.fold_work *= len(self.y) / len(self.screened)
            if math.isnan(strings):
                entry.verdict = f"cannot apply: {scores.problem}"
            else:
                entry.screened = float(strings) / len(self.screened)
                _logger.debug(
                    "screened %s %s: %.4f of strings in %.2f s",
                    entry.name,
                    entry.variant.settings if entry.variant else {},
                    entry.screened,
                    entry.seconds,
                )
                entry.characters = float(characters) / len(self.screened)
                entry.ignoring_case = float(ignoring_case) / len(self.screened)
                entry.recipe = candidate
        return scores.work

    def _cross_validate_the_best(self) -> None:
        for entry in self._within_reach():
            best = max(other.value for other in self.entries)
            # What needs no stand-in costs little.
            hope = entry.hope if entry.stood_in else entry.hope + _CLOSE
            if entry.accuracy is None and hope > best:
                self._cross_validate(entry)

    def _is_behind(self, entry: Entry, *, by_chance: bool) -> bool:
        """Tell whether another one reads at least as much: perhaps by chance, or by more."""
        margin = 0.0 if by_chance else chance(entry.value, entry.n_validated)
        return any(
            other is not entry
            and other.accuracy is not None
            and other.merit >= (entry.value + margin, entry.characters)
            for other in self.entries
        )

    def _within_reach(self) -> list[Entry]:
        """Of each family what is promising, that first which needs no stand-in: it costs little.

        Unless a stand-in reads more by itself: however little each costs, all together would leave
        no time for the reader that is meant.
        """
        chosen: list[tuple[int, Entry]] = []
        for number in range(1 + max(entry.family.number for entry in self.entries)):
            of_family = [entry for entry in self.entries if entry.family.number == number]
            chosen += enumerate(self._promising(of_family))
        stand_ins = [entry.characters for _, entry in chosen if entry.stood_in]
        best = max(stand_ins, default=0.0)
        best -= chance(best, len(self.screened))
        # The best of every family come before the second best of any.
        chosen.sort(
            key=lambda item: (
                item[1].stood_in or item[1].characters < best,
                item[0],
                -item[1].hope,
            )
        )
        return [entry for _, entry in chosen]

    def _promising(self, of_family: Sequence[Entry]) -> list[Entry]:
        """The best variants of a family, as far as chance may have ordered them."""
        screened = [entry for entry in of_family if entry.screened is not None]
        if not screened:
            return []
        screened.sort(key=lambda entry: -entry.characters)
        least = screened[0].characters - chance(screened[0].characters, len(self.screened))
        near: dict[float, Entry] = {}  # equals are most likely twins
        for entry in screened:
            if entry.characters >= least:
                near.setdefault(entry.characters, entry)
        best, *others = near.values()
        if not best.stood_in:
            return [best, *others][: 2 * _MOST_VARIANTS]
        # A stand-in is led astray by noise that the reader itself copes with, so that the plainest
        # variant comes second in any case.
        plain = of_family[0]
        second = [entry for entry in screened[1:] if entry is plain]
        others = [entry for entry in others if entry is not plain]
        return [best, *second, *others][:_MOST_VARIANTS]

    def _cross_validate(self, entry: Entry) -> None:
        """Score a variant fold after fold, as long as it is ahead, unclear, and there is time.

        A reader of which nobody knows yet how long it takes is fitted to a few captchas first. Its
        first folds need no more time than they take and a shortened last fit: its stand-in says
        little of how well it reads.
        """
        assert entry.variant is not None
        self.say(f"cross-validating {entry.name}")
        stage, number = entry.variant.stages[-1], entry.family.number
        work = self.meant.get(number)
        known = work is not None or not entry.stood_in
        least = _LEAST_FOR_UNKNOWN if _has_networks(stage[0]) else 0.0
        if work is None:
            work = entry.fold_work
            if entry.stood_in and self.clock.left() >= least:
                work += self._time_a_fold(stage[0])
        splits = self._splits(self.everything, self.folds)
        parts = [splits]
        if entry.stood_in:
            at_once = range(0, len(splits), self.processes.most)
            parts = [splits[first : first + self.processes.most] for first in at_once]
        read = np.zeros((3, len(stage)))
        for part in parts:
            n_tasks = len(stage) * len(part)
            needed = self._last_fit(stage[0], work, shortened=not known)
            if known:
                needed = max(self.last_fit, needed)
            needed += self.processes.seconds(work * n_tasks, n_tasks)
            if not known:
                needed = max(needed, least)
            if self.clock.left() < needed:
                if entry.accuracy is None:
                    entry.out_of_time = True
                    entry.verdict = f"{_NO_TIME}: needs about {needed:.0f} s more"
                return
            scores = self._score(stage, self.everything, part, work * n_tasks)
            entry.seconds += scores.seconds
            work = entry.fold_work = scores.work / n_tasks
            if entry.stood_in:
                self.meant[number] = work
                known = True
            read += scores.strings, scores.characters, scores.ignoring_case
            if np.isnan(read[0]).all():
                entry.verdict = f"cannot apply: {scores.problem}"
                entry.screened = entry.accuracy = entry.recipe = None
                entry.n_validated = 0
                return
            entry.n_validated += sum(len(test) for _, test in part)
            best = int(np.nanargmax(read[0] + 1e-3 * read[1] / entry.n_validated))
            shares = (read[:, best] / entry.n_validated).tolist()
            entry.accuracy, entry.characters, entry.ignoring_case = shares
            entry.recipe = stage[best]
            _logger.debug(
                "cross-validated %s on %d captchas: %.4f of strings, %.1f s, %.1f s left",
                entry.name,
                entry.n_validated,
                entry.accuracy,
                scores.seconds,
                self.clock.left(),
            )
            self.last_fit = max(self.last_fit, self._last_fit(stage[0], work))
            enough = entry.n_validated >= _ENOUGH_TO_TELL
            if self._is_behind(entry, by_chance=enough) or (entry.stood_in and enough):
                return

    def _last_fit(self, recipe: Content, work: float, *, shortened: bool = False) -> float:
        """Estimate the seconds of the last fit from what one process takes for a fold."""
        if not _has_networks(recipe):
            return _LAST_FIT_OF_OTHERS * work
        n_characters = int(np.char.str_len(self.y).sum())
        growth = _work(recipe, n_characters) / _work(recipe, self._n_learned(n_characters))
        more = growth * (_SHORTENED_FIT if shortened else _LAST_FIT)
        return self.processes.seconds(work * (1 + more), self.folds)

    def _n_learned(self, n_characters: int) -> int:
        """Give how many characters are learned from in a fold."""
        return max(1, int(n_characters * (1 - 1 / self.folds)))

    def _time_a_fold(self, candidate: Content) -> float:
        """Estimate the seconds that one process takes for a fold by fitting a few captchas."""
        few = self.pilot[: min(_TIMED, max(1, len(self.y) // 2))]
        taken = self._time(candidate, few)
        n_characters = self._n_learned(int(np.char.str_len(self.y).sum()))
        work = _work(candidate, n_characters) / _work(candidate, np.char.str_len(self.y[few]).sum())
        return taken * work

    def _time(self, candidate: Content, few: NDArray[np.intp], *, read: bool = False) -> float:
        """Give the seconds that it takes to fit a recipe to a few captchas, and to read them."""
        self.say(f"timing {name_of(candidate)}")
        X = [self.X[i] for i in few]
        begin = time.perf_counter()
        try:
            with warnings.catch_warnings(action="ignore"):
                model = Recipe(candidate).pipeline().fit(X, self.y[few])
                if read:
                    model.predict(X)
        except Exception:  # what so few captchas do not suffice for
            return 0.0
        return time.perf_counter() - begin

    def _splits(self, sample: NDArray[np.intp], folds: int) -> Splits:
        # Random folds, and in the full cross-validation those of Recipe.search.
        groups = self.groups[sample]
        return group_folds(groups, min(folds, len(np.unique(groups))))

    def _score(
        self,
        candidates: Sequence[Content],
        sample: NDArray[np.intp],
        splits: Splits,
        work: float,
    ) -> Scores:
        n_jobs = self.processes.for_work(work)
        return self.evaluations(candidates, sample, splits, n_jobs=n_jobs)

    def _ranked(self) -> list[Entry]:
        """What can be fitted, the best first, the faster reader before an equal."""
        able = [entry for entry in self.entries if entry.recipe is not None]
        ranked = sorted(able, key=lambda entry: entry.rank, reverse=True)
        tied = [entry for entry in ranked if entry.rank == ranked[0].rank]
        # What has a stand-in is slow to fit, and to read.
        tied.sort(key=lambda entry: entry.stood_in)
        quick = [entry for entry in tied if not entry.stood_in]
        if len(quick) > 1:
            quick.sort(key=self._seconds_to_read)
        return quick + tied[len(quick) :] + ranked[len(tied) :]

    def _seconds_to_read(self, entry: Entry) -> float:
        assert entry.recipe is not None
        X = [self.X[i] for i in self.pilot]
        try:
            with warnings.catch_warnings(action="ignore"):
                model = Recipe(entry.recipe).pipeline().fit(X, self.y[self.pilot])
            begin = time.perf_counter()
            model.predict(X)
        except Exception:  # what so few captchas do not suffice for
            return math.inf
        return time.perf_counter() - begin

    def _is_sure(self) -> bool:
        return any(
            entry.n_validated >= _ENOUGH_EVIDENCE and entry.value >= _GOOD_ENOUGH
            for entry in self.entries
        )


def _has_networks(candidate: Content) -> bool:
    """Tell whether what a reader learns is drawn anew for each of its copies, which takes long."""
    return candidate["steps"]["read"].get("n_windows") is not None


def _work(candidate: Content, n_characters: int) -> float:
    """Number of windows that a reader learns from, or of characters: what its time grows with."""
    n_windows = candidate["steps"]["read"].get("n_windows")
    if n_windows is None:
        return float(n_characters)
    return float(n_characters) * n_copies_for(n_windows, n_characters)
