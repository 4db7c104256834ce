"""Speed of two workers compared with one: local processes and a Dask cluster."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import joblib

from skcaptcha.prediction import read_images

from .reading import CASES, files_of, model_of
from .rows import Row, faster
from .timing import in_turn, seconds

_CASES = (CASES[0], 10_000), (CASES[3], 4_000), (CASES[-1], 1_000)


def workers(data: Path, work: Path, repeat: int) -> Iterator[Row]:
    """Compare reading with two running workers and with one."""
    from distributed import Client, LocalCluster  # noqa: PLC0415 - needs an extra

    def rows(name: str, way: Callable[[Callable, int], float]) -> Iterator[Row]:
        for case, n_files in _CASES:
            model = joblib.load(model_of(case, data, work))
            read = partial(read_images, model, files_of(case, data, n_files))
            two, one = in_turn(
                partial(way, read, 2), partial(way, read, 1), repeat=max(3, repeat // 2)
            )
            yield faster(
                "two workers", f"{case.scheme}, {case.recipe}.yaml, {name}", "one", two, one,
                n=n_files, at_least=1.7,
            )  # fmt: skip

    # Before the cluster starts: its memory settings apply to all processes that start later.
    yield from rows("processes", lambda read, n: _seconds(read(n_jobs=n)))
    with ExitStack() as stack:
        clients = {}
        for n in (1, 2):
            cluster = stack.enter_context(
                LocalCluster(n_workers=n, threads_per_worker=1, dashboard_address=":0")
            )
            clients[n] = stack.enter_context(Client(cluster, set_as_default=False))
        yield from rows("cluster", lambda read, n: _seconds(read(client=clients[n])))


def _seconds(readings: Iterator[object]) -> float:
    return seconds(partial(deque, readings, maxlen=0))
