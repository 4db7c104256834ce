"""The benchmarks of accuracy: their results, and resuming after an interruption."""

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from skcaptcha.datasets import load_captchas, make_line_captchas, write_captchas
from waiting import wait_until

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
RECIPE = """
data: {generate: lines, n: 10, train: 8}
steps:
  denoise:
    gray: {use: Grayscale}
    binarize: {use: Binarizer, method: fixed, threshold: 127}
  segment:
    use: FixedBoxes
    boxes: [[8, 4, 20, 21], [38, 4, 20, 21], [68, 4, 20, 21], [98, 4, 20, 21]]
  features: {use: RawPixels}
  read: {use: CharacterReader, estimator: {use: KNeighborsClassifier, n_neighbors: 1}}
search: {cv: 2}
output: {model: model.joblib}
"""
PEERS = """scheme,peer,string_accuracy,remark
good,strong,1,ignoring case
good,weak,0,n.c.
good,silent,,not measured
broken,weak,0.5,
elsewhere,weak,0.5,
"""
N_TRAIN, N_PART = 30, 25
TIMES = ("fit_seconds", "images_per_second")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recipe, accuracies of peers, and the schemes good, broken and untrained."""
    folder = tmp_path_factory.mktemp("benchmark")
    (folder / "recipe.yaml").write_text(RECIPE)
    (folder / "peers.csv").write_text(PEERS)
    images, labels = make_line_captchas(N_TRAIN + 10, charset="AB1", random_state=0)
    texts = labels.tolist()
    for scheme in ("good", "broken"):
        write_captchas(folder / "data" / scheme / "train", images[:N_TRAIN], texts[:N_TRAIN])
        write_captchas(folder / "data" / scheme / "dev", images[N_TRAIN:], texts[N_TRAIN:])
    (folder / "data" / "broken" / "train" / "labels.csv").write_text("filename,label\nx.png,A\n")
    (folder / "data" / "untrained" / "dev").mkdir(parents=True)
    return folder


def start(workshop: Path, out: Path, *arguments: object) -> subprocess.Popen[str]:
    """Start the benchmark in its own session, as a terminal does."""
    command = [sys.executable, BENCHMARKS / "accuracy.py", workshop / "data", out, *arguments]
    return subprocess.Popen(
        [str(part) for part in command], text=True, stderr=subprocess.PIPE, start_new_session=True
    )


def run(workshop: Path, out: Path, *arguments: object) -> tuple[int, str]:
    benchmark = start(workshop, out, *arguments)
    _, said = benchmark.communicate(timeout=120)
    return benchmark.returncode, said


def fits_of(workshop: Path, *schemes: str) -> tuple[object, ...]:
    recipe = workshop / "recipe.yaml"
    only = ",".join(schemes)
    return "--only", only, "--recipe", recipe, "--jobs", 1, "--curve-schemes", "good"


def rows(out: Path) -> list[dict[str, str]]:
    """Return the rows of the results, without the measured times."""
    with (out / "results.csv").open(newline="") as stream:
        found = list(csv.DictReader(stream))
    return [{k: v for k, v in row.items() if k not in TIMES} for row in found]


@pytest.fixture(scope="module")
def finished(workshop: Path) -> tuple[Path, int, str]:
    """Return the folder of a run over all schemes, its exit code and its messages."""
    out = workshop / "out"
    arguments = fits_of(workshop, "good", "broken", "untrained")
    return out, *run(workshop, out, *arguments, "--peers", workshop / "peers.csv")


def test_every_scheme_has_its_row(finished):
    out, code, said = finished
    assert code == 1
    assert "untrained: skipped, because it has no folder train" in said
    broken, whole, part = rows(out)
    assert broken["scheme"] == "broken"
    assert "x.png" in broken["failed"]
    assert (whole["scheme"], whole["n"], whole["seed"]) == ("good", str(N_TRAIN), "")
    assert (part["scheme"], part["n"], part["seed"]) == ("good", str(N_PART), "0")
    for row in (whole, part):
        assert row["n_dev"] == "10"
        assert row["recipe"] == "recipe"
        low, share, high = (float(row[name]) for name in ("low", "string_accuracy", "high"))
        assert 0 <= low <= share <= high <= 1


def test_the_report_compares_with_peers(finished):
    out, _, _ = finished
    text = (out / "results.md").read_text()
    table = {line.split()[1]: line for line in text.splitlines()[:12] if line.startswith("| ")}
    assert "strong (ignoring case)" in table["scheme"]
    assert "silent" in table["scheme"]
    assert "0.0 (n.c.)" in table["good"]
    assert "failed" in table["broken"]
    assert "▼" in table["broken"]
    assert "elsewhere" not in text
    for name in ("accuracy.png", "curve.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("theirs", "remark", "mark"),
    [(0.55, "", "▽"), (0.9, "", "▼"), (0.5, "", ""), (0.9, "ignoring case", "▼"),
     (0.82, "it came ignoring case", "▽"), (0.7, "ignoring case", "")],
)  # fmt: skip
def test_accuracies_of_the_same_kind_are_compared(monkeypatch, theirs, remark, mark):
    monkeypatch.syspath_prepend(BENCHMARKS)
    from _accuracy.peers import Figure
    from _accuracy.report import markdown
    from _accuracy.results import Result

    result = Result(
        scheme="a", n=9, n_all=9, method="fit", n_dev=200, string_accuracy=0.5, low=0.4, high=0.6,
        ignoring_case=0.8, ignoring_case_low=0.75, ignoring_case_high=0.85, fit_seconds=1,
        images_per_second=1,
    )  # fmt: skip
    text = markdown([result], {"peer": {"a": Figure(theirs, remark)}})
    row = next(line for line in text.splitlines() if line.startswith("| a |"))
    assert "".join(sign for sign in row if sign in "▽▼") == mark


def test_the_report_is_written_again_without_a_fit(workshop, finished, tmp_path):
    out, _, _ = finished
    (tmp_path / "results.csv").write_bytes((out / "results.csv").read_bytes())
    code, _ = run(workshop, tmp_path, "--report-only", "--peers", workshop / "peers.csv")
    assert code == 1
    assert (tmp_path / "results.md").read_text() == (out / "results.md").read_text()
    assert (tmp_path / "curve.png").exists()
    assert not (tmp_path / "work").exists()


@pytest.fixture
def stopped_during_the_second_fit(
    workshop: Path, finished: tuple[Path, int, str], tmp_path: Path
) -> tuple[Path, Callable[[int], tuple[int, str]]]:
    """Return the folder of a run during its second fit, and a function that sends a signal to it.

    SIGKILL ends only the benchmark: the fit continues and conflicts with the next run.
    """
    text = (finished[0] / "results.csv").read_text().splitlines(keepends=True)
    first = [line for line in text if line.startswith(("scheme,", f"good,{N_TRAIN},"))]
    (tmp_path / "results.csv").write_text("".join(first))
    benchmark = start(workshop, tmp_path, *fits_of(workshop, "good"))
    lock = tmp_path / "work" / "good" / f"{N_PART}-0.lock"
    wait_until(lambda: lock.exists() and lock.read_text().strip().isdigit())

    def stop(how: int) -> tuple[int, str]:
        os.killpg(benchmark.pid, how)
        _, said = benchmark.communicate(timeout=30)
        return benchmark.returncode, said

    return tmp_path, stop


def test_killed_and_started_again_it_gives_the_same_rows(
    workshop, finished, stopped_during_the_second_fit
):
    expected = [row for row in rows(finished[0]) if row["scheme"] == "good"]
    out, stop = stopped_during_the_second_fit
    orphan = int((out / "work" / "good" / f"{N_PART}-0.lock").read_text())
    os.kill(orphan, signal.SIGSTOP)
    stop(signal.SIGKILL)
    assert rows(out) == expected[:1]
    code, said = run(workshop, out, *fits_of(workshop, "good"))
    assert code == 0, said
    assert f"good, {N_TRAIN} captchas" not in said
    assert rows(out) == expected
    ps = ["ps", "-o", "stat=", "-p", str(orphan)]
    state = subprocess.run(ps, check=False, capture_output=True, text=True)
    assert state.stdout.strip() in ("", "Z", "Zs"), "the orphaned fit is still running"


def test_ctrl_c_keeps_finished_fits_and_ends_all_processes(finished, stopped_during_the_second_fit):
    out, stop = stopped_during_the_second_fit
    code, said = stop(signal.SIGINT)
    assert code == 130
    assert said.splitlines()[-1].startswith("interrupted")
    assert rows(out) == [row for row in rows(finished[0]) if row["n"] == str(N_TRAIN)]
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert str(out / "work") not in running.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--only", "good", "--recipe", "other.yaml"), "use --fresh to start over"),
        (("--only", "nowhere"), "contains no scheme 'nowhere'; its schemes are broken, good"),
        (("--only", "broken", "--curve-schemes", "good"), "good is not among the schemes"),
        (("--report-only", "--peers", "recipe.yaml"), "lacks the column scheme"),
    ],
)
def test_invalid_usage_gives_one_sentence(workshop, finished, arguments, sentence):
    recipe = () if "--recipe" in arguments else ("--recipe", "recipe.yaml")
    given = [workshop / part if part.endswith(".yaml") else part for part in (*arguments, *recipe)]
    code, said = run(workshop, finished[0], *given)
    assert code == 2
    assert sentence in said
    assert len(said.splitlines()) == 1


def test_samples_are_nested(workshop, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    from _accuracy.schemes import look_at, subset

    scheme = look_at(workshop / "data" / "good")
    original = load_captchas(scheme.train)
    label_of = dict(zip(map(os.path.realpath, original.data), original.target, strict=True))
    chosen: set[str] = set()
    for n in (5, 12, N_TRAIN):
        folder = tmp_path / str(n)
        subset(scheme, n, 3, folder)
        captchas = load_captchas(folder)
        paths = [os.path.realpath(path) for path in captchas.data]
        assert [label_of[path] for path in paths] == captchas.target.tolist()
        assert len(set(paths)) == n
        assert chosen <= set(paths)
        chosen = set(paths)


def test_few_labels_are_compared_with_and_without_other_images(workshop, tmp_path):
    names = ("--only", "good,broken", "--sizes", 20, "--samples", 1, "--budgets", "10,20")
    arguments = [BENCHMARKS / "labels.py", workshop / "data", tmp_path, *names]
    command = [sys.executable, *map(str, arguments)]
    first = subprocess.run(command, text=True, capture_output=True, timeout=240, check=False)
    assert first.returncode == 1, first.stderr
    assert "x.png" in first.stderr  # the label file of broken names it
    with (tmp_path / "labels.csv").open(newline="") as stream:
        found = [row for row in csv.DictReader(stream) if not row["failed"]]
    assert [(row["unlabeled"], row["n_unlabeled"]) for row in found] == [
        ("False", "0"),
        ("True", str(N_TRAIN - 20)),
    ]
    for row in found:
        assert float(row["low"]) <= float(row["string_accuracy"]) <= float(row["high"])
        assert int(row["n_wrong"]) <= int(row["n_checked"]) == int(row["n_taught"])
    assert "| good | 20 | 1 |" in (tmp_path / "labels.md").read_text()
    assert (tmp_path / "labels.png").read_bytes().startswith(b"\x89PNG")
    # What has a result is not fitted again.
    model = tmp_path / "work" / "good" / "20-0-with" / "model.joblib"
    written = model.stat().st_mtime_ns
    again = subprocess.run(command, text=True, capture_output=True, timeout=240, check=False)
    assert again.returncode == 1
    assert "good" not in again.stderr
    assert model.stat().st_mtime_ns == written
