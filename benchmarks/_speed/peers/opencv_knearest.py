"""The classic script for "lines", image by image: thresholds, boxes, OpenCV's KNearest.

Runs in its own environment, with OpenCV 4, which still has KNearest. Arguments: a folder of
labeled images to learn from. For each line of the standard input, a file that lists images, it
reads them and prints the seconds that took.
"""

import sys
import time
from pathlib import Path

import cv2
import numpy as np

cv2.setNumThreads(1)
BOXES = [(8, 4, 20, 21), (38, 4, 20, 21), (68, 4, 20, 21), (98, 4, 20, 21)]


def cut(file: str) -> np.ndarray:
    """Return the four characters as rows."""
    gray = cv2.cvtColor(cv2.imread(file), cv2.COLOR_BGR2GRAY)
    _, ink = cv2.threshold(gray, 127, 255, cv2.THRESH_BINARY_INV)
    blurred = cv2.GaussianBlur(ink, (3, 3), 0)
    _, ink = cv2.threshold(blurred, 127, 255, cv2.THRESH_BINARY)
    crops = [ink[y : y + h, x : x + w].ravel() for x, y, w, h in BOXES]
    return np.array(crops, dtype=np.float32)


files = [path for path in sorted(Path(sys.argv[1]).iterdir()) if path.suffix in (".jpg", ".png")]
labels = [path.stem.partition("_")[0] for path in files]
machine = cv2.ml.KNearest_create()
machine.train(
    np.concatenate([cut(str(path)) for path in files]),
    cv2.ml.ROW_SAMPLE,
    np.array([[ord(character)] for label in labels for character in label], dtype=np.float32),
)
for line in sys.stdin:
    images = Path(line.strip()).read_text().splitlines()
    begin = time.perf_counter()
    for image in images:
        _, found, _, _ = machine.findNearest(cut(image), 1)
        "".join(chr(int(code)) for code in found[:, 0])
    print(time.perf_counter() - begin, flush=True)
