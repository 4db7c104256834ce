"""Several processes answer at one address, and are replaced when they are killed."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest

from serving_clients import Client
from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.serve import Limits, PredictionServer
from waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sockets are shared on POSIX only")


def workers_of(parent: int) -> set[int]:
    listed = subprocess.run(
        ["ps", "-wweo", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    )
    rows = [line.split(maxsplit=2) for line in listed.stdout.splitlines()]
    return {int(pid) for pid, ppid, args in rows if int(ppid) == parent and "run_worker" in args}


@pytest.mark.slow
def test_a_killed_worker_is_replaced_while_others_answer(model_file, images, labels, caplog):
    caplog.set_level(logging.WARNING)
    with PredictionServer({"lines": model_file}, workers=2) as server:
        client = Client(server.url)
        first = workers_of(os.getpid())
        assert len(first) == 2
        statuses = [client.predict(image).status for image in images]
        assert set(statuses) == {200}
        counted = client.get("/metrics").content.decode()
        n = f'skcaptcha_images_total{{model="lines",outcome="read"}} {len(images):.1f}'
        assert n in counted, "the metrics are not those of all workers"
        os.kill(min(first), signal.SIGKILL)
        wait_until(lambda: len(workers_of(os.getpid()) - {min(first)}) == 2)
        assert client.predict(images[0]).texts == labels[:1]
        assert n in client.get("/metrics").content.decode().replace(
            f" {len(images) + 1:.1f}", f" {len(images):.1f}"
        )
    wait_until(lambda: not workers_of(os.getpid()))
    assert "a worker ended unexpectedly (exit code -9)" in caplog.text


@pytest.mark.slow
def test_all_workers_end_with_the_command_even_if_it_is_killed(model_file):
    program = (
        "import sys\n"
        "from skcaptcha.serve import PredictionServer\n"
        "with PredictionServer({'lines': sys.argv[1]}, workers=2, trust=True) as server:\n"
        "    print(server.url, flush=True)\n"
        "    server.wait()\n"
    )
    command = subprocess.Popen(
        [sys.executable, "-c", program, str(model_file)], stdout=subprocess.PIPE, text=True
    )
    assert command.stdout is not None
    client = Client(command.stdout.readline().strip())
    workers = workers_of(command.pid)
    assert len(workers) == 2
    assert client.get("/healthz").status == 200
    command.kill()
    command.communicate()
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers))


@pytest.mark.slow
def test_the_end_loses_no_request_of_any_worker(model_file, images, labels):
    server = PredictionServer({"lines": model_file}, workers=2)
    client = Client(server.url)
    texts: list[list[str]] = []
    errors: list[str] = []

    def send() -> None:
        while True:
            try:
                texts.append(client.predict(images[0]).texts)
            except ConnectionRefusedError:
                return
            except Exception as error:
                errors.append(repr(error))
                return

    threads = [threading.Thread(target=send) for _ in range(4)]
    with server:
        for thread in threads:
            thread.start()
        wait_until(lambda: len(texts) > 40)
    for thread in threads:
        thread.join(30)
    assert errors == []
    assert all(text == labels[:1] for text in texts)


@pytest.mark.slow
def test_all_workers_load_a_changed_file(model_file, tmp_path, images):
    from serving_clients import save_model

    path = shutil.copy(model_file, tmp_path / "m.joblib")
    with PredictionServer({"m": path}, workers=2, reload=True) as server:
        client = Client(server.url)
        before = client.predict(images[0]).json()["sha256"]
        save_model(path, 30)
        recent: list[str] = []

        def all_new() -> bool:
            time.sleep(0.02)
            recent.append(client.predict(images[0]).json()["sha256"])
            return len(recent) > 60 and before not in recent[-60:]

        wait_until(all_new)


def test_a_wrong_number_of_workers_is_refused(model_file):
    for n in (0, -1, 257):
        with pytest.raises(SkcaptchaError, match=f"workers: .* not {n}"):
            PredictionServer({"lines": model_file}, workers=n)


@pytest.mark.slow
def test_workers_that_cannot_start_end_the_service(model_file, tmp_path):
    path = shutil.copy(model_file, tmp_path / "m.joblib")
    server = PredictionServer({"m": path}, workers=2, limits=Limits(timeout=1))
    os.truncate(path, 100)  # between the check and the start
    with pytest.raises(SkcaptchaError, match=r"m\.joblib: not a model .*; try fewer --workers$"):
        server.__enter__()
    assert not workers_of(os.getpid())
