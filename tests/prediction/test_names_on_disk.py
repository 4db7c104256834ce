"""Names are sorted in bounded memory, with the same result as sorting in memory."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skcaptcha.datasets._list_images import natural_sort_key
from skcaptcha.prediction import _names_on_disk
from skcaptcha.prediction._names_on_disk import sort_names

# An alphabet of few characters gives many equal parts and numbers.
FILE_NAMES = st.text(st.sampled_from("019ab.\n\udcffé"), min_size=1, max_size=6) | st.text(
    st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=300
)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
@given(names=st.lists(FILE_NAMES, max_size=60), n_in_memory=st.integers(0, 70))
def test_sorting_on_disk_equals_sorting_in_memory(names, n_in_memory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_names_on_disk, "_NAMES_IN_MEMORY", n_in_memory)
        assert list(sort_names(names)) == sorted(names, key=natural_sort_key)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_files_of_a_folder():
    code = (
        "import resource, sys\n"
        "from skcaptcha.prediction._names_on_disk import sort_names\n"
        "n = int(sys.argv[1])\n"
        "names = sort_names(f'{i}.png' for i in reversed(range(n)))\n"
        "assert sum(name == f'{i}.png' for i, name in enumerate(names)) == n\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    peaks = []
    for n in ("60000", "300000"):
        command = [sys.executable, "-c", code, n]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout) * (1 / 1024 if sys.platform == "darwin" else 1))
    # All names with their sort keys would take 48 MiB.
    assert peaks[1] - peaks[0] < 10 * 1024
