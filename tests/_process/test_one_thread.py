import threading

import pytest
import sklearn.svm  # noqa: F401 - loads libraries
from threadpoolctl import threadpool_info, threadpool_limits

from skcaptcha._process.one_thread import one_thread


def n_threads() -> dict[str, int]:
    """Return the number of threads of each library; some libraries always have one."""
    libraries = [found for found in threadpool_info() if found["user_api"] == "blas"]
    return {found["filepath"]: found["num_threads"] for found in libraries}


@pytest.fixture(autouse=True)
def two_threads():
    with threadpool_limits(2):
        yield


def test_the_limit_lasts_until_no_thread_needs_it():
    entered, leave = threading.Event(), threading.Event()

    def other() -> None:
        with one_thread():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with one_thread():
        thread.start()
        assert entered.wait(10)
    try:
        assert set(n_threads().values()) == {1}
    finally:
        leave.set()
        thread.join()


def test_the_limit_ends_after_an_error():
    before = n_threads()
    with pytest.raises(ZeroDivisionError), one_thread(), one_thread():
        assert 1 / 0
    assert n_threads() == before
    assert max(before.values()) == 2
