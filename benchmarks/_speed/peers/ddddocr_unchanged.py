"""ddddocr, image by image, in its own environment.

For each line of the standard input, a file that lists images, it reads them and prints the seconds
that took.
"""

import os
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
import onnxruntime


class OneThread(onnxruntime.InferenceSession):
    """A session with one thread, regardless of the number of cores."""

    def __init__(self, *arguments, **options) -> None:
        only = options.pop("sess_options", None) or onnxruntime.SessionOptions()
        only.intra_op_num_threads = only.inter_op_num_threads = 1
        super().__init__(*arguments, sess_options=only, **options)


onnxruntime.InferenceSession = OneThread
import ddddocr  # noqa: E402 - it takes the session that it finds

try:
    reader = ddddocr.DdddOcr(show_ad=False)
except TypeError:
    reader = ddddocr.DdddOcr()
for line in sys.stdin:
    images = Path(line.strip()).read_text().splitlines()
    begin = time.perf_counter()
    for image in images:
        reader.classification(Path(image).read_bytes())
    print(time.perf_counter() - begin, flush=True)
