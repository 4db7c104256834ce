"""Images of several requests are read together, in order, and never more than allowed wait."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import chain
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skcaptcha.serve._batcher import Batcher, QueueFullError
from skcaptcha.serve._limits import Limits


class Reader:
    """Function that records its batches, and waits until it is allowed to continue."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun = threading.Event()
        self.goes_on = threading.Event()
        self.goes_on.set()

    def __call__(self, images: list[int]) -> list[int]:
        self.batches.append(images)
        self.begun.set()
        assert self.goes_on.wait(30)
        if any(image < 0 for image in images):
            raise RuntimeError("negative")
        return [10 * image for image in images]


def run(
    reader: Reader,
    limits: Limits,
    use: Callable[[Batcher[int, int]], Awaitable[Any]],
    on_batch: Callable[[int, float], object] = lambda n, seconds: None,
) -> Any:
    """Run a coroutine that uses a batcher."""

    async def main() -> Any:
        with ThreadPoolExecutor(1) as executor:
            batcher = Batcher(reader, executor, limits, on_batch)
            running = asyncio.create_task(batcher.run())
            try:
                return await use(batcher)
            finally:
                reader.goes_on.set()
                running.cancel()
                with suppress(asyncio.CancelledError):
                    await running

    return asyncio.run(main())


@settings(max_examples=20)
@given(
    requests=st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=4), max_size=12),
    batch_size=st.integers(1, 9),
)
def test_each_request_gets_its_own_results(requests, batch_size):
    reader, sizes = Reader(), []
    limits = Limits(max_images=4, batch_size=batch_size, batch_wait=0)

    async def use(batcher: Batcher[int, int]) -> list[list[int]]:
        return await asyncio.gather(*map(batcher.read, requests))

    found = run(reader, limits, use, lambda n, seconds: sizes.append(n))
    assert found == [[10 * image for image in images] for images in requests]
    assert [image for batch in reader.batches for image in batch] == list(chain(*requests))
    assert sizes == list(map(len, reader.batches))
    # A request that is larger than a batch is a batch of its own.
    assert all(n <= max(batch_size, 4) for n in sizes)


def test_images_that_arrive_within_the_wait_are_read_together():
    reader = Reader()

    async def use(batcher: Batcher[int, int]) -> None:
        first = asyncio.create_task(batcher.read([1]))
        await asyncio.sleep(0.01)
        await asyncio.gather(first, batcher.read([2, 3]))

    run(reader, Limits(batch_wait=0.5), use)
    assert reader.batches == [[1, 2, 3]]


def test_a_batch_waits_for_the_clients_that_were_answered_and_not_longer():
    reader = Reader()

    async def use(batcher: Batcher[int, int]) -> float:
        first = asyncio.gather(*(batcher.read([image]) for image in range(3)))
        await first
        second = [asyncio.create_task(batcher.read([image])) for image in range(2)]
        await asyncio.sleep(0.05)
        assert len(reader.batches) == 1  # the third client is still expected
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*second, batcher.read([2]))
        return asyncio.get_running_loop().time() - began

    seconds = run(reader, Limits(batch_wait=1), use)
    assert reader.batches == [[0, 1, 2], [0, 1, 2]]
    assert seconds < 0.9


def test_images_that_arrive_while_a_batch_is_read_are_the_next_batch():
    reader = Reader()
    reader.goes_on.clear()

    async def use(batcher: Batcher[int, int]) -> None:
        tasks = [asyncio.create_task(batcher.read([1]))]
        await asyncio.to_thread(reader.begun.wait, 30)
        tasks += [asyncio.create_task(batcher.read([image])) for image in (2, 3)]
        await asyncio.sleep(0.01)
        assert batcher.n_waiting == 2
        reader.goes_on.set()
        await asyncio.gather(*tasks)

    run(reader, Limits(batch_wait=0), use)
    assert reader.batches == [[1], [2, 3]]


def test_a_full_queue_refuses_at_once_and_accepts_again_later():
    reader = Reader()
    reader.goes_on.clear()

    async def use(batcher: Batcher[int, int]) -> None:
        first = asyncio.create_task(batcher.read([1]))
        await asyncio.to_thread(reader.begun.wait, 30)
        second = asyncio.create_task(batcher.read([2, 3]))
        await asyncio.sleep(0.01)
        with pytest.raises(QueueFullError) as full:
            await batcher.read([4, 5])
        assert (full.value.n_waiting, full.value.seconds) == (2, 1)
        third = asyncio.create_task(batcher.read([6]))  # there is space for one
        await asyncio.sleep(0.01)
        reader.goes_on.set()
        assert await asyncio.gather(first, second, third) == [[10], [20, 30], [60]]
        assert await batcher.read([7, 8]) == [70, 80]

    run(reader, Limits(max_images=2, max_queued=3), use)


def test_requests_that_were_cancelled_are_not_read():
    reader = Reader()
    reader.goes_on.clear()

    async def use(batcher: Batcher[int, int]) -> None:
        first = asyncio.create_task(batcher.read([1]))
        await asyncio.to_thread(reader.begun.wait, 30)
        second = asyncio.create_task(batcher.read([2]))
        third = asyncio.create_task(batcher.read([3]))
        await asyncio.sleep(0.01)
        first.cancel()
        second.cancel()
        reader.goes_on.set()
        assert await third == [30]
        assert batcher.n_waiting == 0

    run(reader, Limits(batch_wait=0), use)
    assert reader.batches == [[1], [3]]


def test_an_error_reaches_the_requests_of_its_batch_only():
    reader = Reader()

    async def use(batcher: Batcher[int, int]) -> None:
        with pytest.raises(RuntimeError, match="negative"):
            await batcher.read([-1])
        assert await batcher.read([1]) == [10]

    run(reader, Limits(batch_wait=0), use)
