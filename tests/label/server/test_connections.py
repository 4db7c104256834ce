"""Idle connections from other programs do not block the user."""

import asyncio
import contextlib
import resource
import socket
from types import SimpleNamespace

import pytest

from labeling_clients import Client, Server
from skcaptcha.label.server._connections import Connections


@pytest.mark.slow
def test_idle_connections_do_not_block_the_user(start, folder):
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, before[1]))
    try:
        server: Server = start(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    client = Client(SimpleNamespace(url=server.url))
    with contextlib.ExitStack() as idle:
        for k in range(300):
            stranger = socket.create_connection(("127.0.0.1", client.port), timeout=60)
            idle.enter_context(stranger)
            if k % 2:
                stranger.sendall(b"POST /api/resume HTTP/1.1\r\ncontent-length: 9\r\nx:")
        assert client.post("open").status == 200


def test_untrusted_connections_are_limited():
    async def closed(stream: asyncio.StreamReader, seconds: float) -> bool:
        try:
            return await asyncio.wait_for(stream.read(), seconds) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    async def scene() -> None:
        connections = Connections(limit=2, seconds=1.0)
        came: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connections.opened(writer.transport)
            await came.put(writer)

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            place = server.sockets[0].getsockname()
            streams, ends = [], []
            for k in range(4):
                streams.append(await asyncio.open_connection(*place))
                ends.append(writer := await came.get())
                if k == 0:
                    connections.trust(writer.get_extra_info("peername"))
            user, oldest, *strangers = (reader for reader, _ in streams)
            assert await closed(oldest, 0.5)
            for stranger in strangers:
                assert await closed(stranger, 30)
            assert not await closed(user, 0.5)
            for writer in [*ends, *(writer for _, writer in streams)]:
                writer.close()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()

    asyncio.run(scene())
