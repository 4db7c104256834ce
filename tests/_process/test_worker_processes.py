"""Worker processes are started only if joblib will use processes."""

import subprocess
import sys


def test_threads_need_no_processes():
    """In a thread, the check for a missing parent would end this process."""
    code = (
        "import joblib, time\n"
        "from skcaptcha._process.worker_processes import start_workers, workers_run\n"
        "with joblib.parallel_config(backend='threading'):\n"
        "    start_workers(2)\n"
        "time.sleep(0.5)\n"
        "print(workers_run())\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    assert run.stdout == "False\n"
