"""The proxy passes everything, or nothing, as it is told."""

import asyncio
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator

import pytest

from tests.kafka.cluster import free_ports
from tests.storm.proxy import HOST, Proxy

MOMENT_S = 0.05


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """Stand before an absent server and one that says back what it hears."""

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
    """Connect, say something, and read what comes back until the line ends."""
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    writer.write(word)
    writer.write_eof()
    try:
        return await reader.read(-1)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_each_connection_goes_to_a_server_that_is_there(proxy: Proxy) -> None:
    assert [await say(proxy, b"hello") for _ in range(3)] == [b"hello"] * 3


async def test_a_line_that_is_cut_ends_those_who_are_on_it_and_those_who_come_until_it_is_healed(
    proxy: Proxy,
) -> None:
    reader, _ = await asyncio.open_connection(HOST, proxy.port)
    proxy.cut()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    assert await say(proxy, b"hello") == b""
    proxy.heal()
    assert await say(proxy, b"hello") == b"hello"


async def test_what_a_black_hole_swallowed_comes_when_it_is_healed(proxy: Proxy) -> None:
    proxy.swallow()
    saying = asyncio.create_task(say(proxy, b"hello"))
    done, _ = await asyncio.wait({saying}, timeout=MOMENT_S)
    assert not done
    proxy.heal()
    assert await saying == b"hello"


async def test_a_slow_line_holds_back_each_piece(proxy: Proxy) -> None:
    proxy.slow(MOMENT_S)
    began = asyncio.get_running_loop().time()
    assert await say(proxy, b"hello") == b"hello"
    assert asyncio.get_running_loop().time() - began >= 2 * MOMENT_S


async def test_who_waits_for_an_answer_is_not_left_waiting_when_the_server_is_reset() -> None:
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
