"""A recipe is found for any labeled captchas, in bounded time, and can be used again."""

import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from skcaptcha import load_recipe
from skcaptcha.auto import choose_recipe, load_families, measure
from skcaptcha.auto._candidate import Candidate
from skcaptcha.auto._costs import training_size
from skcaptcha.auto._evaluations import Clock, Evaluations
from skcaptcha.auto._families import Family, families_for
from skcaptcha.auto._process_pool import ProcessPool, started_by
from skcaptcha.auto._race import Race
from skcaptcha.datasets import load_captchas, make_line_captchas
from skcaptcha.exceptions import DatasetError, ReadingError
from skcaptcha.images import ImageBatch
from skcaptcha.recipes import Recipe

CONFIGS = Path(__file__).parents[2] / "configs"

ALL = load_families()
SEGMENTING = {
    **ALL,
    "grid": [
        {name: values[:2] for name, values in family.items()}
        for family in ALL["grid"]
        if "SequenceReader" not in str(family)
    ],
}
PLACES = {**SEGMENTING, "grid": SEGMENTING["grid"][:1]}


def strings(n: int, characters: str, lengths: list[int], seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list(characters), rng.choice(lengths))) for _ in range(n)]


def bars(labels: list[str], *, ink: int = 0, ground: int = 255) -> list[np.ndarray]:
    """Draw each character as bars whose number is its place in the alphabet."""
    images = []
    for label in labels:
        image = np.full((20, 16 * len(label) + 4), ground, dtype=np.uint8)
        for i, character in enumerate(label):
            left = 16 * i + 4
            image[2:17, left : left + 2] = ink
            for k in range("ABCDE".index(character)):
                image[2 + 4 * k : 4 + 4 * k, left : left + 10] = ink
        images.append(image)
    return images


def outcomes(choice) -> dict[int, str]:
    """What became of the best of each family."""
    return {trial.family: trial.outcome for trial in reversed(choice.trials)}


def race_of(images: list[np.ndarray], labels: list[str], left: float) -> Race:
    y, clock = np.array(labels), Clock(time.perf_counter(), left)
    batch = ImageBatch(images)
    race = Race(
        batch, y, clock, Evaluations(batch, y, clock, None), [].append,
        groups=np.arange(len(y)), pool=ProcessPool(1), random_state=0,
    )  # fmt: skip
    race.folds = 4
    return race


def test_measure_counts():
    labels = ["AAB", "AC", "AAA"]
    gray, wide = np.full((20, 40), 250, np.uint8), np.full((20, 50, 3), 250, np.uint8)
    gray[5:15, 5:10] = 3
    wide[5:15, 5:10] = 3, 3, 90
    measurement = measure([gray, 255 - gray, wide], labels)
    assert (measurement.n, measurement.n_labels) == (3, 3)
    assert measurement.heights == (20, 20, 20)
    assert measurement.widths == (40, 40, 50)
    assert measurement.color == pytest.approx(1 / 3)
    assert measurement.dark_ink == pytest.approx(2 / 3)
    assert measurement.lengths == {2: 1, 3: 2}
    assert measurement.length is None
    assert measurement.characters == {"A": 6, "B": 1, "C": 1}
    assert measurement.rare == "BC"
    assert not measurement.one_size
    assert measurement.boxes is None


def test_measure_finds_the_places_of_the_characters():
    labels = strings(60, "ABCDE", [4])
    images = bars(labels)
    for shift in (0, 7):
        moved = [np.pad(image, ((3, 0), (shift, 9)), constant_values=255) for image in images]
        for shown in (moved, [255 - image for image in moved]):
            boxes = np.array(measure(shown, labels).boxes)
            assert np.diff(boxes[:, 0]) == pytest.approx(16, abs=1)
            assert boxes[0, 0] == pytest.approx(4 + shift, abs=2)
            assert boxes[0, 1] == pytest.approx(5, abs=1)


def test_a_usual_length_is_that_of_nine_in_ten():
    images, labels = make_line_captchas(40, random_state=1)
    several = ["".join(label) for label in labels]
    several[:4] = ["A", "AB", "ABC", "ABCDE"]
    measurement = measure(images, several)
    assert (measurement.length, measurement.n_unusual) == (4, 4)
    assert len(measurement.boxes) == 4
    segmenters = [
        variant.settings["segment"]["n_characters"]
        for family in families_for(measurement, ALL)
        for variant in family.variants
        if "n_characters" in variant.settings.get("segment", {})
    ]
    assert set(segmenters) == {4, None}
    assert not any(family.excluded for family in families_for(measurement, ALL))
    several[4] = "AB"
    measurement = measure(images, several)
    assert (measurement.length, measurement.n_unusual, measurement.boxes) == (None, 0, None)


def test_measure_wants_as_many_labels_as_images():
    with pytest.raises(DatasetError, match="no captchas"):
        measure([], [])
    with pytest.raises(DatasetError, match="labels left after 1 images"):
        measure([np.zeros((5, 5), np.uint8)], ["A", "B"])


def test_a_captcha_without_a_label_is_refused():
    images, _ = make_line_captchas(4, random_state=0)
    with pytest.raises(DatasetError, match="captcha 2 has no label"):
        choose_recipe(list(images), ["AB12", "CD34", "", "EF56"])


def test_auto_yaml_is_an_ordinary_recipe_in_one_place(monkeypatch):
    monkeypatch.chdir(CONFIGS)
    recipe = load_recipe("auto.yaml")
    assert len(recipe.grid) == len(ALL["grid"])
    assert Path("auto.yaml").resolve().parent.name == "ready"


def test_the_best_is_chosen_and_others_are_not_tried_if_it_reads_everything():
    images, labels = make_line_captchas(160, random_state=0)
    choice = choose_recipe(
        list(images[:120]), labels[:120], families=PLACES | {"grid": ALL["grid"]}
    )
    best = choice.trials[0]
    assert "FixedBoxes" in best.name
    assert best.outcome == "chosen"
    assert best.accuracy == choice.accuracy >= 0.995
    assert (choice.folds, choice.n_validated) == (4, 120)
    assert choice.model.score(images[120:], labels[120:]) > 0.95
    assert set(list(outcomes(choice).values())[:-1]) == {"not tried: not needed"}
    assert choice.seconds < choice.budget


def test_the_chosen_recipe_can_be_written_and_gives_the_same_model():
    images, labels = make_line_captchas(60, random_state=1)
    choice = choose_recipe(list(images[:40]), labels[:40], families=PLACES)
    content = {"data": {"generate": "lines"}, **choice.recipe}
    recipe = Recipe(yaml.safe_load(yaml.safe_dump(content, sort_keys=False)))
    model, search = recipe.fit(list(images[:40]), labels[:40])
    assert search.best_score_ == choice.accuracy
    assert model["read"].temperature_ == choice.model["read"].temperature_
    assert repr(model) == repr(choice.model)
    np.testing.assert_array_equal(model.predict(images), choice.model.predict(images))


def test_labels_of_mixed_lengths_and_images_of_many_sizes():
    labels = strings(60, "ABC", [2, 3, 4])
    images = bars(labels)
    images[::2] = [255 - image for image in images[::2]]
    choice = choose_recipe(images[:50], labels[:50], families=SEGMENTING)
    assert outcomes(choice)[0] == "cannot apply: labels differ in length"
    assert choice.model.score(images[50:], labels[50:]) == 1
    same_length = ["ABC", "BCA", "CAB"] * 4
    widths = [np.pad(image, ((0, 0), (0, i)), "edge") for i, image in enumerate(bars(same_length))]
    choice = choose_recipe(widths, same_length, families=SEGMENTING)
    assert outcomes(choice)[0] == "cannot apply: images differ in size"


@pytest.mark.parametrize("n", [2, 5])
def test_very_few_captchas(n):
    labels = strings(n, "AB", [3], seed=1)
    choice = choose_recipe(bars(labels), labels, families=SEGMENTING)
    assert choice.folds == min(n, 4)
    assert choice.model.predict(bars(labels)).tolist() == labels
    with pytest.raises(DatasetError, match="1 labeled captchas are too few"):
        choose_recipe(bars(labels)[:1], labels[:1])


def test_wrong_labels_and_characters_that_occur_once():
    labels = strings(100, "ABCD", [3], seed=2)
    images = bars([*labels, "AEA"])
    wrong = [label[::-1] if i % 10 == 0 else label for i, label in enumerate([*labels, "AEA"])]
    choice = choose_recipe(images, wrong, families=SEGMENTING)
    assert choice.measurement.rare == "E"
    assert choice.accuracy > 0.8
    assert np.mean(choice.model.predict(images[:100]) == labels) > 0.9


def test_equal_labels_leave_families_that_can_apply():
    images = bars(["AAA"] * 12)
    for i, image in enumerate(images):
        image[0, i] ^= 1  # or else they would be copies
    choice = choose_recipe(images, ["AAA"] * 12, families=SEGMENTING)
    assert choice.model.predict(images).tolist() == ["AAA"] * 12
    assert any("class" in outcome for outcome in outcomes(choice).values())


def test_accuracies_are_counts_of_captchas():
    images, labels = make_line_captchas(33, charset="ABCDEFGH", random_state=3)
    choice = choose_recipe(list(images), labels, families=SEGMENTING)
    counts = [t.accuracy * t.n_validated for t in choice.trials if t.accuracy is not None]
    assert counts
    assert counts == pytest.approx(np.rint(counts), abs=1e-9)


def test_of_what_reads_no_string_right_the_most_characters_decide():
    shown = strings(24, "ABCDE", [4], seed=4)
    # A character that occurs once cannot be read where it was not seen.
    labels = [text[:3] + "abcdefghijklmnopqrstuvwx"[i] for i, text in enumerate(shown)]
    seeing = {
        "denoise": [{"gray": {"use": "Grayscale"}, "ink": {"use": "Binarizer", "ink": "auto"}}],
        "segment": [{"use": "EqualSplit", "n_characters": None}],
        "features": [{"use": "RawPixels", "shape": [20, 16]}],
        "read": [{"use": "CharacterReader", "estimator": {"use": "KNeighborsClassifier"}}],
    }
    blank = {"use": "Binarizer", "method": "fixed", "threshold": 255, "ink": "bright"}
    blind = {**seeing, "denoise": [{"gray": {"use": "Grayscale"}, "ink": blank}]}
    for families in ([blind, seeing], [seeing, blind]):
        choice = choose_recipe(bars(shown), labels, families=ALL | {"grid": families})
        assert [trial.accuracy for trial in choice.trials] == [0, 0]
        assert choice.trials[0].family == families.index(seeing)
        assert choice.trials[1].outcome == "as many strings, but fewer characters"


def test_when_nothing_can_apply_each_family_says_why():
    images = [np.full((20, 60), 255 - i, np.uint8) for i in range(20)]
    labels = strings(20, "ABC", [2, 3])
    with pytest.raises(ReadingError, match=r"no recipe can be fitted .*differ in length.*segments"):
        choose_recipe(images, labels, families=SEGMENTING)


def test_without_time_it_still_gives_a_model():
    labels = strings(60, "ABC", [3])
    choice = choose_recipe(bars(labels), labels, families=SEGMENTING, budget=0.01)
    assert choice.model.score(bars(labels), labels) > 0.9
    assert any("no time left" in trial.outcome for trial in choice.trials)


def test_a_reader_is_screened_by_its_stand_in():
    family = {
        "read": [
            {"use": "CharacterReader", "estimator": {"use": "KNeighborsClassifier"}},
            {"use": "CharacterReader", "estimator": {"use": "SVC"}},
        ]
    }
    labels = strings(60, "ABC", [3])
    choice = choose_recipe(bars(labels), labels, families=PLACES | {"grid": [family]})
    assert choice.trials[0].name.endswith("SVC")
    assert choice.trials[0].screened is not None


def test_what_reads_nothing_does_not_take_the_time_of_a_reader_with_a_stand_in():
    blank = {
        "denoise__ink__threshold": [254],
        "denoise__binarize__threshold": [254],
        "read": [{"use": "CharacterReader", "estimator": {"use": "RidgeClassifier"}}],
    }
    meant = {
        "read": [
            {"use": "CharacterReader", "estimator": {"use": "KNeighborsClassifier"}},
            {"use": "CharacterReader", "estimator": {"use": "SVC"}},
        ]
    }
    labels = strings(80, "ABC", [3])
    images = bars(labels)
    labels[::10] = [label[::-1] for label in labels[::10]]
    said: list[str] = []
    clock, y = Clock(time.perf_counter(), 60), np.array(labels)
    batch = ImageBatch(images)
    race = Race(
        batch,
        y,
        clock,
        Evaluations(batch, y, clock, None),
        said.append,
        groups=np.arange(80),
        pool=ProcessPool(1),
        random_state=0,
    )
    families = PLACES | {"grid": [blank, meant]}
    race.run(list(families_for(measure(images, labels), families)), 4)
    validated = [text for text in said if text.startswith("cross-validating")]
    assert validated[0].endswith("KNeighborsClassifier")  # it is called by its stand-in


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize(
    ("scheme", "least"), [("lines", 0.98), ("really_simple", 0.98), ("amazon", 0.96)]
)
def test_real_captchas(real_data, scheme, least):
    train, dev = (load_captchas(real_data / scheme / part) for part in ("train", "dev"))
    choice = choose_recipe(train.data, train.target, n_jobs=-1)
    assert choice.model.score(dev.data, dev.target) >= least


def test_without_refit_the_chosen_recipe_is_given_as_it_was_validated():
    images, labels = make_line_captchas(60, charset="ABC", random_state=0)
    choice = choose_recipe(list(images), labels, budget=1, refit=False)
    assert choice.trials[0].outcome == "chosen"
    content = {"data": {"generate": "lines", "n": 10}, **choice.recipe}
    assert repr(choice.model) == repr(Recipe(content).pipeline())
    assert choice.model.fit(list(images), labels).score(list(images), labels) > 0.9


def test_the_last_fit_is_shortened_or_announced_when_time_runs_out(caplog):
    """The clock shows what is left at each of three moments; the networks are ten seconds each."""
    labels = strings(40, "ABC", [3])
    images = bars(labels)
    recipe = {
        **PLACES,
        "final": {"read__calibration_cv": 3, "read__n_estimators": 3},
        "search": {"cv": 4},
    }
    del recipe["grid"]
    recipe["steps"] = {**recipe["steps"], "read": {"use": "SequenceReader", "n_windows": 40000}}
    for left, final, warned in (
        (100.0, recipe["final"], False),
        (40.0, {"read__calibration_cv": 2}, False),
        (5.0, {"read__calibration_cv": 2}, True),
    ):
        race = race_of(images, labels, left)
        entry = Candidate(Family(0, "", (), ""), None, recipe=recipe, fold_seconds=10.0)
        caplog.clear()
        race._shorten_final_fit(entry)
        assert entry.recipe["final"] == final
        said = [message for _, _, message in caplog.record_tuples]
        assert said == (
            ["the budget will be exceeded: fitting FixedBoxes + RawPixels + SequenceReader to all "
             "captchas takes about 30.0 s, and 5.0 s are left"] if warned else []
        )  # fmt: skip


@pytest.mark.parametrize(("seconds", "screened"), [(1000.0, False), (0.1, True)])
def test_a_family_whose_screening_would_take_too_long_is_not_begun(monkeypatch, seconds, screened):
    """Its first variant is timed on a few captchas, if others can be read already."""
    labels = strings(60, "ABC", [3])
    images = bars(labels)
    timed = []
    monkeypatch.setattr(
        Race, "_time_fit", lambda race, recipe, few, predict: timed.append(few) or seconds
    )
    race = race_of(images, labels, 30.0)
    families = list(families_for(measure(images, labels), SEGMENTING))[:2]
    for family in families:
        race._screen(family, 10.0)
    assert len(timed) == 1
    second = [entry for entry in race.candidates if entry.family is families[1]]
    assert [entry.screened is not None for entry in second] == [screened] * len(second)
    assert all(entry.outcome == "not tried: no time left" for entry in second) != screened


def test_what_goes_over_says_by_how_much_before_it_is_fitted(caplog):
    labels = strings(40, "ABC", [3])
    family = next(families_for(measure(bars(labels), labels), PLACES))
    recipe = family.variants[0].stages[0][0]
    for left, needed, said in (
        (10.0, 2.0, []),
        (-0.1, 0.0, []),  # as good as in time
        (1.0, 8.0, ["to all captchas takes about 20.0 s, and 1.0 s are left"]),
        (-3.0, 8.0, ["it was used up 3.0 s ago, and fitting"]),
    ):
        race = race_of(bars(labels), labels, 10.0)
        race.clock.advance_to(10.0 - left)
        caplog.clear()
        race._shorten_final_fit(Candidate(family, None, recipe=recipe, fold_seconds=needed))
        messages = [message for _, _, message in caplog.record_tuples]
        assert len(messages) == len(said)
        assert all(a in b for a, b in zip(said, messages, strict=True))


def test_processes_start_when_they_save_more_time_than_they_take():
    started: list[int] = []
    with started_by(started.append):
        pool = ProcessPool(4)
        assert pool.n_jobs_for(4.0) == 1
        assert not started
        assert pool.seconds(4.0) == 4.0
        assert 15.0 < pool.seconds(60.0) < 30.0  # the start is counted
        assert pool.n_jobs_for(60.0) == 4
        assert pool.n_jobs_for(0.1) == 4
        # Five tasks of equal length take two rounds.
        assert pool.seconds(50.0, 5) == 20.0
    assert started == [4]


def test_a_reader_that_would_take_too_long_is_not_begun(monkeypatch):
    """One that nobody knows is timed by a few captchas before it is fitted to all."""
    labels = strings(80, "ABC", [3])
    labels[::10] = [label[::-1] for label in labels[::10]]
    family = {
        "read": [
            {"use": "CharacterReader", "estimator": {"use": "KNeighborsClassifier"}},
            {"use": "CharacterReader", "estimator": {"use": "SVC"}},
        ]
    }
    timed = []
    monkeypatch.setattr(Race, "_time_fold", lambda race, recipe: timed.append(recipe) or 1000.0)
    choice = choose_recipe(bars(labels), labels, families=PLACES | {"grid": [family]}, budget=120)
    assert len(timed) == 1
    assert "needs about" in choice.trials[0].outcome or choice.trials[0].outcome == "chosen"
    assert choice.trials[0].name.endswith("KNeighborsClassifier")


def test_the_time_of_a_reader_grows_with_what_it_learns_from():
    def work(n_characters, **read):
        return training_size({"steps": {"read": read}}, n_characters)

    assert work(400) == 4 * work(100)
    # Windows are drawn until there are so many: more captchas take hardly longer.
    assert work(100, n_windows=40000) == 16 * 100
    assert work(4000, n_windows=40000) == pytest.approx(40000 / 3, rel=0.3)
