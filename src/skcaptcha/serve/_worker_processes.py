"""Several processes that serve at the same address, so that all cores read images."""

from __future__ import annotations

import logging
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from tempfile import TemporaryDirectory

import cv2
from prometheus_client.multiprocess import mark_process_dead

from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.prediction._local_workers import BLAS_THREADS
from skcaptcha.serve._metrics import SHARED_FOLDER
from skcaptcha.serve._server_thread import SECONDS_TO_END, ServerThread, terminated
from skcaptcha.serve._settings import Settings

_logger = logging.getLogger(__name__)

# `python -m` would import this module a second time.
_PROGRAM = f"from {__name__} import run_worker; run_worker()"
_READY = b"ready\n"
_SECONDS_TO_START = 120
# A worker that ends so early has not recovered; after some failures, it waits for as long.
_SECONDS_TO_RECOVER = 10
_MAX_FAILURES = 3


class ServerProcesses:
    """Processes that share a listening socket. One that ends unexpectedly is started again.

    Parameters
    ----------
    settings : Settings
        Settings of the service. Each process loads the models.
    listener : socket
        Socket that listens; it is closed at the end.
    n : int
        Number of processes.

    Attributes
    ----------
    ended : threading.Event
        Whether the service has ended, because no process could be started again.
    reason : str
        Why it has ended.
    """

    def __init__(self, settings: Settings, listener: socket.socket, n: int) -> None:
        if sys.platform == "win32":
            raise SkcaptchaError(
                "several workers need Linux or macOS; use one, or start several services at "
                "different ports"
            )
        self.ended = threading.Event()
        self.reason = ""
        self._settings = settings
        self._listener = listener
        self._lock = threading.Lock()
        self._started = threading.Event()
        self._stopping = threading.Event()
        self._ready = [threading.Event() for _ in range(n)]
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._threads = [
            threading.Thread(target=self._supervise, args=(index,), daemon=True)
            for index in range(n)
        ]

    def start(self) -> None:
        """Start the processes and wait until all answer. Raise SkcaptchaError if one does not."""
        self._metrics = TemporaryDirectory(prefix="skcaptcha-", ignore_cleanup_errors=True)
        for thread in self._threads:
            thread.start()
        deadline = time.monotonic() + _SECONDS_TO_START
        for ready in self._ready:
            while not ready.wait(0.05):
                if self.ended.is_set() or time.monotonic() > deadline:
                    self.stop()
                    reason = self.reason or "the workers did not start"
                    raise SkcaptchaError(f"{reason}; try fewer --workers")
        self._started.set()

    def stop(self) -> None:
        """Have all processes answer the requests that were sent before, and end."""
        with self._lock:
            self._stopping.set()
        self._listener.close()
        deadline = time.monotonic() + self._settings.limits.timeout + SECONDS_TO_END
        for process in self._processes.values():
            _close_input(process)
        for thread in self._threads:
            thread.join(max(0, deadline - time.monotonic()))
        for process in self._processes.values():
            process.kill()
        self._metrics.cleanup()

    def _supervise(self, index: int) -> None:
        """Start a process, and start it again whenever it ends."""
        n_failures = 0
        while (process := self._launch(index)) is not None:
            began = time.monotonic()
            assert process.stdout is not None
            with process.stdout:
                said = process.stdout.readline()
                if said == _READY:
                    self._ready[index].set()
                code = process.wait()
            _close_input(process)
            self._ready[index].clear()
            mark_process_dead(process.pid, self._metrics.name)
            if self._stopping.is_set():
                return
            ended = f"a worker ended unexpectedly (exit code {code})"
            self.reason = ended if said in (_READY, b"") else said.decode().strip()
            if not self._started.is_set():
                self.ended.set()
                return
            _logger.warning("%s; the worker is started again", self.reason)
            if said == _READY and time.monotonic() - began > _SECONDS_TO_RECOVER:
                n_failures = 0
            n_failures += 1
            if n_failures >= _MAX_FAILURES:
                if not any(ready.is_set() for ready in self._ready):
                    self.ended.set()
                    return
                # The others still answer, perhaps with a model whose file is now damaged.
                self._stopping.wait(_SECONDS_TO_RECOVER)

    def _launch(self, index: int) -> subprocess.Popen[bytes] | None:
        """Start a process; return None if the service ends."""
        with self._lock:
            if self._stopping.is_set():
                return None
            socket_number = self._listener.fileno()
            process = subprocess.Popen(  # noqa: S603 - no argument comes from outside
                # Without -P, it would also import modules from the current folder.
                [sys.executable, "-P", "-c", _PROGRAM],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=[socket_number],
                env={
                    **os.environ,
                    **dict.fromkeys(BLAS_THREADS, "1"),
                    "PYTHONPATH": os.pathsep.join(entry or os.getcwd() for entry in sys.path),
                    SHARED_FOLDER: self._metrics.name,
                },
                # Ctrl-C is for this process, which ends the others.
                start_new_session=True,
            )
            self._processes[index] = process
        assert process.stdin is not None
        # If the process has just ended, its output is empty.
        with suppress(OSError):
            pickle.dump((self._settings, socket_number, index), process.stdin)
            process.stdin.flush()
        return process


def _close_input(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.close()


def run_worker() -> None:
    """Serve until SIGTERM, or until standard input is closed, as when the parent process ends."""
    # Output of libraries must not end up in the answer to the parent.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    cv2.setNumThreads(1)
    with terminated() as asked:
        settings, socket_number, index = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the parent
        # All workers watch the files of the models, but one warning is enough.
        level = logging.ERROR if index else logging.WARNING
        logging.basicConfig(format="warning: %(message)s", level=level)
        try:
            running = ServerThread(
                settings, settings.load_models(), socket.socket(fileno=socket_number)
            )
            running.start()
        except SkcaptchaError as error:
            out.write(f"{error}\n".encode(errors="replace"))
            out.flush()
            sys.exit(1)
        out.write(_READY)
        out.flush()

        def listen() -> None:
            sys.stdin.buffer.read()
            asked.set()

        threading.Thread(target=listen, daemon=True).start()
        while not asked.is_set():
            if running.ended.wait(0.1):
                break
        running.stop()
    # The thread still waits for input, which the end of the interpreter would wait for.
    sys.stderr.flush()
    os._exit(0)
