"""Measure the service: requests, latency, processor time, and memory, beside reading without it.

Run it from the root of the repository, on Linux, on a machine on which no other program runs::

    python benchmarks/serve.py OUT

It fits three models to generated captchas, or takes those given by ``--model``, and starts the
command ``serve`` for each number of workers. Clients are threads of this process; each sends one
image after another over its own connection. The results are printed and written to OUT/serve.md.

The cost of an image is the processor time of the service, without that of the clients, which use
the same cores, in units of the processor time of an image in a batch that `read_images` reads.

Goals: one image at 8 clients costs at most 1.5, with some number of workers; and the memory of the
service grows by less than 5 % during 36,000 requests, as in an hour of ten requests a second. The
exit code is 1 if one is missed.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

# NumPy reads these when it is imported.
os.environ.update(dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"], "1"))

import cv2
import numpy as np

import skcaptcha
from skcaptcha.datasets import make_line_captchas
from skcaptcha.prediction import find_images, read_images

RECIPES: dict[str, dict[str, object]] = {  # and their parameters
    "grid": {},
    "sequence": {},
    "convolutional": {"read__max_iter": 100},  # it reads as fast as a network that trains longer
}
N_TRAIN, N_IMAGES = 200, 512
MAX_COST = 1.5
MAX_GROWTH = 0.05
COST_CLIENTS = 8
WARM_UP = 0.2  # part of the time, or of the requests, that is not measured


class Load(NamedTuple):
    """What some clients saw."""

    rate: float  # requests a second
    latencies: list[float]  # in seconds
    processor_seconds: float  # of the service, for an image


def main() -> int:
    """Measure, print and write the results; return the exit code."""
    options = _options()
    options.out.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []

    def tell(line: str = "") -> None:
        print(line, flush=True)
        lines.append(line)

    missed = []
    for path, images in _models(options):
        batch = _measure_reading(path, images, options.seconds, tell)
        costs = []
        for workers in options.workers:
            with _service(path, workers) as service:
                tell(f"`skcaptcha serve --workers {workers}`:\n")
                tell(
                    "| clients | requests a second | median, ms | 99 %, ms | processor time of an "
                    "image, ms | cost |"
                )
                tell("|---|---|---|---|---|---|")
                for n in options.clients:
                    load = _load(*service, images, n, options.seconds)
                    cost = load.processor_seconds / batch
                    if n == COST_CLIENTS:
                        costs.append(cost)
                    median, slow = np.quantile(load.latencies, [0.5, 0.99]) * 1000
                    tell(
                        f"| {n} | {load.rate:.0f} | {median:.2f} | {slow:.2f} | "
                        f"{1000 * load.processor_seconds:.3f} | {cost:.2f} |"
                    )
                tell()
        if costs and min(costs) > MAX_COST:
            missed.append(
                f"{path.stem}: one image at {COST_CLIENTS} clients costs {min(costs):.2f} times as "
                f"much as in a batch, more than {MAX_COST}"
            )
        growth = _measure_memory(path, images, options, tell)
        if growth > MAX_GROWTH:
            missed.append(f"{path.stem}: the memory grew by {100 * growth:.1f} %")
    for sentence in missed:
        tell(f"Missed: {sentence}.")
    (options.out / "serve.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return int(bool(missed))


def _models(options: argparse.Namespace) -> Iterator[tuple[Path, list[bytes]]]:
    """Yield the path of each model, and images to read with it."""
    if options.model:
        files = [Path(path).read_bytes() for path in find_images([options.images])]
        yield from ((path, files) for path in options.model)
        return
    X, y = make_line_captchas(N_TRAIN + N_IMAGES, random_state=0)
    images = [cv2.imencode(".png", image)[1].tobytes() for image in X[N_TRAIN:]]
    for name, parameters in RECIPES.items():
        path = options.out / f"{name}.joblib"
        if not path.exists():
            model = skcaptcha.load_recipe(name).pipeline().set_params(**parameters)
            skcaptcha.save(model.fit(X[:N_TRAIN], y[:N_TRAIN]), path)
        yield path, images


def _measure_reading(path: Path, images: Sequence[bytes], seconds: float, tell) -> float:
    """Return the processor time of an image in a batch, and print that of single images, too."""
    model = skcaptcha.load(path)
    batch = _seconds_per_image(lambda: len(list(read_images(model, images))), seconds)
    number = iter(range(10**9))
    loop = _seconds_per_image(
        lambda: len(model.predict([images[next(number) % len(images)]])), seconds
    )
    tell(f"## {path.stem}\n")
    eight = _seconds_per_image(
        lambda: len(list(read_images(model, images[:COST_CLIENTS]))), seconds
    )
    tell("| without the service | processor time of an image, ms | cost |")
    tell("|---|---|---|")
    tell(f"| `read_images`, {len(images)} images | {1000 * batch:.3f} | 1 |")
    tell(f"| `read_images`, {COST_CLIENTS} images | {1000 * eight:.3f} | {eight / batch:.2f} |")
    tell(f"| a loop of `model.predict([image])` | {1000 * loop:.3f} | {loop / batch:.2f} |\n")
    return batch


def _seconds_per_image(read, seconds: float) -> float:
    """Return the median processor time of an image; the function returns the number of images."""
    read()
    times = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        began = time.process_time()
        n = read()
        times.append((time.process_time() - began) / n)
    return statistics.median(times)


@contextmanager
def _service(path: Path, workers: int) -> Iterator[tuple[int, int]]:
    """Start the command; yield its port and its process ID."""
    command = [sys.executable, "-m", "skcaptcha", "--quiet", "serve", str(path), "--port", "0"]
    process = subprocess.Popen(
        [*command, "--workers", str(workers)], stdout=subprocess.PIPE, text=True
    )
    try:
        yield int(process.stdout.readline().strip().rpartition(":")[2]), process.pid
        process.send_signal(signal.SIGTERM)
        if process.wait(60):
            raise RuntimeError(f"the service ended with exit code {process.returncode}")
    finally:
        process.kill()
        process.communicate()


def _load(port: int, pid: int, images: Sequence[bytes], n_clients: int, seconds: float) -> Load:
    """Send requests for some time, and measure those after the warm-up."""
    begin = time.perf_counter() + WARM_UP * seconds
    end = begin + seconds
    clients = [_Client(port, images, number) for number in range(n_clients)]
    threads = [threading.Thread(target=client.run_until, args=(end,)) for client in clients]
    for thread in threads:
        thread.start()
    time.sleep(max(0, begin - time.perf_counter()))
    before = _processor_seconds(pid)
    time.sleep(max(0, end - time.perf_counter()))
    used = _processor_seconds(pid) - before
    for thread in threads:
        thread.join()
    if failed := [client.error for client in clients if client.error]:
        raise RuntimeError(failed[0])
    measured = [
        latency
        for client in clients
        for sent, latency in client.latencies
        if begin <= sent + latency <= end
    ]
    if not measured:
        raise RuntimeError(f"no request was answered within {seconds:g} s; give more --seconds")
    return Load(len(measured) / seconds, measured, used / len(measured))


def _processor_seconds(pid: int) -> float:
    """Return the processor time of a process and of its child processes."""
    children = [
        child
        for thread in Path(f"/proc/{pid}/task").iterdir()
        for child in (thread / "children").read_text().split()
    ]
    ticks = 0
    for process in [pid, *children]:
        numbers = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(numbers[11]) + int(numbers[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class _Client:
    """Sends one image after another; as simple as possible, because it uses the same cores."""

    def __init__(self, port: int, images: Sequence[bytes], first: int) -> None:
        import socket  # noqa: PLC0415 - only clients need it

        head = "POST /predict HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: image/png\r\n"
        self._requests = [
            f"{head}content-length: {len(image)}\r\n\r\n".encode() + image for image in images
        ]
        self._next = first
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.latencies: list[tuple[float, float]] = []
        self.error = ""

    def run_until(self, end: float) -> None:
        """Send requests until some time."""
        with self._socket:
            while not self.error and time.perf_counter() < end:
                self.ask()

    def run(self, n: int) -> None:
        """Send some number of requests."""
        with self._socket:
            for _ in range(n):
                self.ask()
        self.latencies.clear()

    def ask(self) -> None:
        """Send a request and wait for the answer."""
        request = self._requests[self._next % len(self._requests)]
        self._next += 1
        sent = time.perf_counter()
        self._socket.sendall(request)
        answer = self._socket.recv(2**16)
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(None, 1)[0])
        while len(body) < length:
            body += self._socket.recv(2**16)
        self.latencies.append((sent, time.perf_counter() - sent))
        if not head.startswith(b"HTTP/1.1 200"):
            self.error = f"{head.decode()}\n{body.decode()}"


def _measure_memory(path: Path, images: Sequence[bytes], options, tell) -> float:
    """Return by which part the memory of the service grew from the first requests to the last."""
    first = int(WARM_UP * options.requests)
    with _service(path, 1) as (port, pid):
        _send(port, images, first)
        before = _memory(pid)
        began = time.perf_counter()
        _send(port, images, options.requests)
        seconds = time.perf_counter() - began
        after = _memory(pid)
    growth = after / before - 1
    tell(
        f"Memory: {before:.1f} MB after {first:,} requests, {after:.1f} MB after "
        f"{options.requests:,} more ({100 * growth:+.1f} %), in {seconds:.0f} s.\n"
    )
    return growth


def _send(port: int, images: Sequence[bytes], n: int) -> None:
    """Send n requests from eight clients, which reconnect now and then, as clients do."""
    while n > 0:
        clients = [_Client(port, images, number) for number in range(min(COST_CLIENTS, n))]
        each = min(200, -(-n // len(clients)))
        threads = [threading.Thread(target=client.run, args=(each,)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        n -= each * len(clients)


def _memory(pid: int) -> float:
    """Return the memory of a process in MB."""
    listed = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, check=True)
    return int(listed.stdout) / 1024


def _options() -> argparse.Namespace:
    def numbers(text: str) -> list[int]:
        return [int(part) for part in text.split(",")]

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("out", metavar="OUT", type=Path, help="folder for the models and the results")
    add("--clients", metavar="N,...", type=numbers, default=[1, 8, 64], help="numbers of clients")
    add("--workers", metavar="N,...", type=numbers, default=[1, 2], help="numbers of workers")
    add("--seconds", metavar="S", type=float, default=10, help="time of each measurement")
    add("--requests", metavar="N", type=int, default=36_000, help="requests to measure memory")
    add("--model", metavar="FILE", type=Path, action="append", help="model, instead of the three")
    add("--images", metavar="DIR", help="folder of images for --model")
    options = parser.parse_args()
    if bool(options.model) != bool(options.images):
        parser.error("--model and --images belong together: give both or none")
    return options


if __name__ == "__main__":
    sys.exit(main())
