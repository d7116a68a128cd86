"""The proxy passes, delays, blocks or closes connections as set."""

import asyncio
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator

import pytest

from tests.kafka.support.cluster import free_ports
from tests.storm.rig.proxy import HOST, Proxy

MOMENT_S = 0.05


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """Start a proxy before an absent server and an echo server."""

    async def echo(reader: StreamReader, writer: StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    absent, here, ours = free_ports(3)
    server = await asyncio.start_server(echo, HOST, here)
    proxy = Proxy(ours, [absent, here])
    await proxy.start()
    yield proxy
    await proxy.stop()
    server.close()


async def say(proxy: Proxy, word: bytes) -> bytes:
    """Connect, send bytes, and return what comes back until the connection ends."""
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    writer.write(word)
    writer.write_eof()
    try:
        return await reader.read(-1)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_each_connection_goes_to_a_server_that_answers(proxy: Proxy) -> None:
    assert [await say(proxy, b"hello") for _ in range(3)] == [b"hello"] * 3


async def test_a_cut_proxy_closes_open_and_new_connections_until_it_is_healed(
    proxy: Proxy,
) -> None:
    reader, _ = await asyncio.open_connection(HOST, proxy.port)
    proxy.cut()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    assert await say(proxy, b"hello") == b""
    proxy.heal()
    assert await say(proxy, b"hello") == b"hello"


async def test_blocked_data_arrives_when_the_proxy_is_healed(proxy: Proxy) -> None:
    proxy.blackhole()
    saying = asyncio.create_task(say(proxy, b"hello"))
    done, _ = await asyncio.wait({saying}, timeout=MOMENT_S)
    assert not done
    proxy.heal()
    assert await saying == b"hello"


async def test_a_slow_proxy_delays_each_chunk(proxy: Proxy) -> None:
    proxy.slow(MOMENT_S)
    began = asyncio.get_running_loop().time()
    assert await say(proxy, b"hello") == b"hello"
    assert asyncio.get_running_loop().time() - began >= 2 * MOMENT_S


async def test_a_client_connection_closes_when_the_server_resets() -> None:
    there, ours = free_ports(2)

    async def crash(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.read(1)
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        writer.transport.abort()

    server = await asyncio.start_server(crash, HOST, there)
    proxy = Proxy(ours, [there])
    await proxy.start()
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    writer.write(b"?")
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(1), 2)
    await proxy.stop()
    server.close()
