"""The commands work."""

import subprocess
import sys

import pytest

from skcaptcha.datasets import load_captchas


def test_help_does_not_import_heavy_libraries():
    code = (
        "import sys, runpy\n"
        "sys.argv = ['skcaptcha', '--help']\n"
        "try: runpy.run_module('skcaptcha', run_name='__main__')\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'sklearn', 'scipy', 'cv2', 'skimage', 'matplotlib', 'PIL'} & set(sys.modules)\n"
        "sys.exit(repr(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "predict" in done.stdout


def test_the_package_imports_heavy_libraries_on_first_use():
    code = (
        "import sys, skcaptcha\n"
        "heavy = {'numpy', 'scipy', 'sklearn', 'cv2', 'skimage', 'PIL', 'matplotlib', 'rich'}\n"
        "early = heavy & set(sys.modules)\n"
        "assert dir(skcaptcha) and skcaptcha.__version__\n"
        "skcaptcha.load_recipe\n"
        "sys.exit(repr(early) if early or 'sklearn' not in sys.modules else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_scikit_learn_is_imported_without_pandas():
    pytest.importorskip("pandas")
    code = (
        "import sys\n"
        "from skcaptcha._process.fast_imports import import_sklearn\n"
        "import_sklearn()\n"
        "assert 'pandas' not in sys.modules\n"
        "from sklearn.preprocessing import StandardScaler\n"
        "import pandas\n"
        "table = pandas.DataFrame({'a': [1.0, 3.0]})\n"
        "scaled = StandardScaler().set_output(transform='pandas').fit_transform(table)\n"
        "assert scaled['a'].tolist() == [-1, 1]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_script_loads_the_model_and_predicts(model, captchas, texts):
    code = (
        "import sys, joblib, numpy as np; from PIL import Image; from pathlib import Path\n"
        "path = sys.argv[2]\n"
        "images = [path, Path(path).read_bytes(), np.asarray(Image.open(path))]\n"
        "print(*joblib.load(sys.argv[1]).predict(images))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, model, load_captchas(captchas).data[0]],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == texts[:1] * 3
