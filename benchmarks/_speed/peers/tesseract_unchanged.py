"""The command tesseract, image by image, as one line of text.

For each line of the standard input, a file that lists images, it reads them and prints the seconds
that took.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

for line in sys.stdin:
    images = Path(line.strip()).read_text().splitlines()
    begin = time.perf_counter()
    for image in images:
        subprocess.run(
            ["tesseract", image, "-", "--psm", "7"],
            capture_output=True,
            check=True,
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        )
    print(time.perf_counter() - begin, flush=True)
