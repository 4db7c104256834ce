"""Worker processes are started only if they save time."""

from skcaptcha.auto import _process_pool
from skcaptcha.auto._process_pool import ProcessPool


def test_processes_start_only_if_they_save_time(monkeypatch):
    started: list[int] = []
    monkeypatch.setattr(_process_pool, "start_workers", started.append)
    pool = ProcessPool(4)
    assert pool.n_jobs_for(4.0) == 1
    assert not started
    assert pool.seconds(4.0) == 4.0
    assert 15.0 < pool.seconds(60.0) < 30.0  # includes the start-up time
    assert pool.n_jobs_for(60.0) == 4
    assert pool.n_jobs_for(0.1) == 4
    # Four processes need two rounds for five tasks of equal length.
    assert pool.seconds(50.0, 5) == 20.0
    assert started == [4]
