"""Sessions that label generated captchas with their true labels."""

import subprocess
import sys

from skcaptcha.datasets import load_captchas, make_line_captchas, write_captchas
from skcaptcha.label._selection import shuffled
from skcaptcha.recipes import Recipe

# Fast and reproducible on every machine.
BOXES = [[8, 4, 20, 21], [38, 4, 20, 21], [68, 4, 20, 21], [98, 4, 20, 21]]


RECIPE = Recipe(
    {
        "data": {"generate": "lines", "n": 10},
        "steps": {
            "denoise": {
                "gray": {"use": "Grayscale"},
                "ink": {"use": "Binarizer", "method": "fixed", "threshold": 127},
                "smooth": {"use": "Smoother", "method": "binomial", "size": 3},
                "binarize": {
                    "use": "Binarizer", "method": "fixed", "threshold": 155, "ink": "bright",
                },
            },
            "segment": {"use": "FixedBoxes", "boxes": BOXES},
            "features": {"use": "RawPixels"},
            "read": {
                "use": "CharacterReader",
                "estimator": {"use": "KNeighborsClassifier", "n_neighbors": 1},
            },
        },
    },
    "quick.yaml",
)  # fmt: skip


def make_folder(folder, n):
    """Write captchas without labels; return the labels."""
    images, labels = make_line_captchas(n, random_state=0)
    write_captchas(folder, images, labels)
    captchas = load_captchas(folder)
    (folder / "labels.csv").unlink()
    return dict(zip(captchas.filenames, captchas.target.tolist(), strict=True))


def label_first(folder, truth, n):
    """Write the labels of the first n images of the random order; return the other images."""
    order = shuffled(truth, 0)
    rows = "".join(f"{name},{truth[name]}\n" for name in order[:n])
    (folder / "labels.csv").write_text("filename,label\n" + rows)
    return order[n:]


def label_next(session, truth, tab="a"):
    task = session.next(tab)
    session.label(task.filename, truth[task.filename], tab=tab, expected=task.label)
    return task


PROGRAM = """
import sys
from skcaptcha.label import LabelingSession
session = LabelingSession(sys.argv[1], train=sys.argv[2] == "True")
while True:
    task = session.next("a")
    session.label(task.filename, "L" + task.filename[:5], tab="a", expected=task.label)
    print(task.filename, flush=True)
"""


def start(folder, train):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, folder, str(train)], stdout=subprocess.PIPE, text=True
    )
