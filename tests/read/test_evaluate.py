import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

import skcaptcha
from skcaptcha import Segments
from skcaptcha.cli import main
from skcaptcha.cli.predict import _constrain
from skcaptcha.datasets import Captchas, write_captchas
from skcaptcha.denoise import Binarizer, Grayscale
from skcaptcha.exceptions import ReadingError
from skcaptcha.features import RawPixels
from skcaptcha.fitting import check_labels, fit_recipe
from skcaptcha.images import ImageDecoder
from skcaptcha.inspection import evaluate, predict_labeled
from skcaptcha.model_selection import SharedGridSearchCV
from skcaptcha.persistence import load, save
from skcaptcha.prediction import table_row
from skcaptcha.read import CharacterReader, ConvolutionalReader, Evaluate, SequenceReader
from skcaptcha.read._base import reads_images
from skcaptcha.read._evaluate import evaluate_arithmetic
from skcaptcha.read._reading import PackedReadings, read_captchas
from skcaptcha.report._errors_section import errors_section
from skcaptcha.segment import ConnectedComponents

CHARACTERS = "0123456789+-x="


def segments_of(labels):
    """Segments whose features are the characters of the labels, without noise."""
    rows = np.eye(len(CHARACTERS), dtype=np.float32)
    values = rows[[CHARACTERS.index(character) for label in labels for character in label]]
    offsets = np.cumsum([0, *map(len, labels)])
    return Segments(np.ones((len(values), 4), int), offsets, values=values)


def arithmetic(n, seed=0):
    rng = np.random.default_rng(seed)
    pairs, signs = rng.integers(0, 10, size=(n, 2)), rng.choice(list("+-x"), size=n)
    labels = [f"{a}{sign}{b}=" for (a, b), sign in zip(pairs, signs, strict=True)]
    sums = {"+": np.add, "-": np.subtract, "x": np.multiply}
    answers = [str(sums[s](*pair)) for pair, s in zip(pairs, signs, strict=True)]
    return labels, answers


def reader():
    return CharacterReader(KNeighborsClassifier(n_neighbors=1))


@given(
    numbers=st.lists(st.integers(0, 99), min_size=1, max_size=5),
    signs=st.lists(st.sampled_from("+-*"), min_size=4, max_size=4),
    end=st.sampled_from(["", "=", "?", "=?", " = ?"]),
    negative=st.booleans(),
)
def test_results_are_those_of_python(numbers, signs, end, negative):
    text = "-" * negative + str(numbers[0])
    text += "".join(f" {s} {n}" for s, n in zip(signs, numbers[1:], strict=False))
    assert evaluate_arithmetic(text + end) == str(eval(text))


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("3+4=?", "7"),
        ("12 x 3", "36"),
        ("12X3=", "36"),
        ("5 \N{MULTIPLICATION SIGN} 5", "25"),
        ("7\N{MINUS SIGN}9", "-2"),
        ("three plus Four = ?", "7"),
        ("seventeenminussix", "11"),
        ("six times seven", "42"),
        ("6 multiplied by 7", "42"),
        ("eighteen divided by 6", "3"),
        ("twenty-one", "21"),
        ("twenty one", "21"),
        ("twenty - one", "19"),
        ("Sixty-six/six", "11"),
        ("five-twenty-one", "-16"),
        ("twenty-one-thirty-two=", "-11"),
        ("twenty-seventeen", "3"),
        ("ten-one", "9"),
        ("ninetynineplusone", "100"),
        ("1 + 2 x 3", "7"),
        ("6/4*2", "3"),
        ("8:2", "4"),
        ("007", "7"),
        ("7/2", None),
        ("7/0", None),
        ("", None),
        ("=?", None),
        ("3+", None),
        ("3+=4", None),
        ("3++4", None),
        ("x3", None),
        ("ABC", None),
        ("__import__('os')", None),
        ("9" * 101, None),
    ],
)
def test_expressions(text, answer):
    assert evaluate_arithmetic(text) == answer


def test_answers_and_strings():
    labels, answers = arithmetic(40)
    X = segments_of(labels)
    fitted = Evaluate(reader()).fit(X, labels)
    assert fitted.predict(X).tolist() == answers
    readings = fitted.read(X)
    assert [(r.text, r.answer) for r in readings] == list(zip(labels, answers, strict=True))
    assert [r.confidence for r in readings] == [r.confidence for r in fitted.reader_.read(X)]
    assert fitted.score(X, labels) == fitted.score(X, answers) == 1
    wrong = [str(int(answer) + 1) for answer in answers[:10]]
    assert fitted.score(X, wrong + answers[10:]) == 0.75
    assert [s.lengths.argmax() for s in fitted.score_labels(X, labels)] == [*map(len, labels)]


def test_a_string_that_is_not_arithmetic_has_no_answer():
    labels, _ = arithmetic(40)
    fitted = Evaluate(reader()).fit(segments_of(labels), labels)
    X = segments_of(["3+=", "4+4="])
    assert fitted.predict(X).tolist() == ["", "8"]
    nothing, right = fitted.read(X)
    assert (nothing.text, nothing.answer, nothing.confidence) == ("3+=", "", 0)
    assert (right.text, right.answer) == ("4+4=", "8")
    assert right.confidence > 0
    assert table_row("1.png", nothing)[1] == ""
    assert table_row("2.png", right)[1] == "8"
    assert [r.answer for r in PackedReadings([nothing, right]).unpack()] == ["", "8"]


def test_labels_must_be_arithmetic():
    labels, _ = arithmetic(5)
    labels[3] = "3+4=x"
    with pytest.raises(ReadingError, match=r"label 3: '3\+4=x' is not arithmetic"):
        Evaluate(reader()).fit(segments_of(labels), labels)
    with pytest.raises(ValueError, match="reader"):
        Evaluate(KNeighborsClassifier()).fit(segments_of(labels), labels)


def test_it_reads_what_its_reader_reads():
    assert not reads_images(Evaluate(CharacterReader()))
    assert reads_images(Evaluate(ConvolutionalReader()))
    assert not reads_images(Evaluate)


def drawn(n=60, seed=0):
    """Captchas whose characters are combs with teeth for the bits of a number."""
    labels, answers = arithmetic(n, seed)
    images = []
    for label in labels:
        image = np.full((40, 12 * len(label)), 255, dtype=np.uint8)
        for i, character in enumerate(label):
            k = CHARACTERS.index(character)
            comb = image[2:38, 12 * i + 2 : 12 * i + 10]
            comb[:, :3] = comb[:4] = 0
            for bit in range(4):
                comb[7 * bit + 7 : 7 * bit + 11] *= 1 - (k >> bit & 1)
        images.append(image)
    return images, labels, answers


def pipeline():
    return make_pipeline(
        ImageDecoder(),
        Grayscale(),
        Binarizer(ink="dark"),
        ConnectedComponents(),
        RawPixels(),
        Evaluate(reader()),
    )


def test_in_a_pipeline_and_in_searches():
    X, y, answers = drawn()
    assert cross_val_score(pipeline(), X, y, cv=2).mean() == 1
    grid = {"evaluate__reader__estimator__n_neighbors": [1, 2]}
    search = SharedGridSearchCV(pipeline(), grid, cv=2).fit(X, y)
    assert search.best_score_ == 1
    assert search.predict(X).tolist() == answers
    assert clone(search.best_estimator_)[-1].get_params()["reader__estimator__n_neighbors"] == 1
    readings = read_captchas(search, X)
    assert [r.answer for r in readings] == answers
    assert {r.out_of_distribution for r in readings} == {False}
    assert evaluate(search, X, y)["string_accuracy"] == 1
    assert evaluate(search, X, answers)["string_accuracy"] == 1


def test_labels_that_are_answers_are_compared_with_answers():
    X, y, answers = drawn(30)
    model = pipeline().fit(X, y)
    labels = [y[0], answers[1], "-99", "9+9="]
    predictions = predict_labeled(model, X[:4], labels)
    assert [p.text for p in predictions] == [y[0], *answers[1:3], y[3]]
    assert [p.is_correct for p in predictions] == [True, True, False, False]
    figures = evaluate(model, X[:4], labels)
    assert figures["string_accuracy"] == 0.5
    assert {c["true"] for c in figures["confusions"]} <= {*"-99+=", ""}
    section = errors_section(predictions, "these captchas")
    assert "unknown, because the label is an answer (1)" in str(section.blocks[0])


def test_score_and_predict_as_commands(tmp_path, monkeypatch, capsys):
    X, y, answers = drawn(40)
    save(pipeline().fit(X, y), tmp_path / "m.joblib")
    write_captchas(tmp_path / "x", X[:9], answers[:9])

    def run(name, *options):
        made = [name, "x", "--model", "m.joblib", "--json", "x.json", *options]
        monkeypatch.setattr("sys.argv", ["skcaptcha", *made])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code

    monkeypatch.chdir(tmp_path)
    run("score", "--csv", "x.csv")
    assert json.loads((tmp_path / "x.json").read_text())["string_accuracy"] == 1
    first = f"00001.png,{answers[0]},{answers[0]},"
    assert (tmp_path / "x.csv").read_text().splitlines()[1].startswith(first)
    assert "cannot read" not in capsys.readouterr().err
    run("predict", "--min-confidence", "1")
    found = json.loads((tmp_path / "x.json").read_text())["captchas"]
    assert {(row["text"], row["answer"]) for row in found} == {("", "")}


@pytest.mark.parametrize("name", ["m.joblib", "m.skops"])
def test_model_files(name, tmp_path):
    X, y, answers = drawn()
    save(pipeline().fit(X, y), tmp_path / name)
    assert load(tmp_path / name).predict(X).tolist() == answers


def test_a_recipe(tmp_path):
    (tmp_path / "sums.yaml").write_text(
        """
data: {generate: lines}
steps:
  denoise: {ink: {use: Binarizer, ink: dark}}
  segment: {use: ConnectedComponents}
  features: {use: RawPixels}
  read:
    use: Evaluate
    reader: {use: CharacterReader, estimator: {use: KNeighborsClassifier}}
grid: {read__reader__estimator__n_neighbors: [1]}
"""
    )
    X, y, answers = drawn()
    search = skcaptcha.load_recipe(tmp_path / "sums.yaml", ["search.cv=2"]).search()
    assert search.fit(X, y).predict(X).tolist() == answers


def test_commands_refuse_to_fit_to_answers(tmp_path):
    X, _, answers = drawn(20)
    captchas = Captchas(data=X, target=answers)
    message = r"all labels are numbers, such as .*'3\+4=\?'"
    with pytest.raises(ReadingError, match=message):
        check_labels(captchas, pipeline())
    reader = "steps.read={use: Evaluate, reader: {use: CharacterReader}}"
    recipe = skcaptcha.load_recipe("grid", [reader, "grid=null", "final={}"])
    with pytest.raises(ReadingError, match=message):
        fit_recipe(recipe, captchas, tmp_path / "m.joblib")


def test_constraints_of_the_fitted_reader():
    labels, answers = arithmetic(60)
    X = segments_of(labels)
    X.boxes[:, 0] = np.concatenate([10 * np.arange(len(label)) for label in labels])
    X.boxes[:, 2] = 10
    fitted = Evaluate(SequenceReader(random_state=0)).fit(X, labels)
    assert fitted.predict(X).tolist() == answers
    mask = [None, "+", None, None]
    fitted.reader_.set_params(mask=mask)
    assert all(reading.text[1] == "+" for reading in fitted.read(X) if reading.text)
    fitted.reader_.set_params(mask=None)
    assert _constrain(make_pipeline(fitted), {"charset": "12+=", "length": None})
    assert {*"".join(reading.text for reading in fitted.read(X))} <= set("12+=")
