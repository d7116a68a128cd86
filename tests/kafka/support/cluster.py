"""An Apache Kafka cluster that a test can kill, freeze, restart or replace by an empty one."""

import atexit
import secrets
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import Popen

import pytest

from deploy.kafka import start as kafka

# A node's JVM dies with the thread that launched it, so that thread lives as long as Python does.
_launcher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kafka-launcher")


def skip_without_java() -> None:
    """Skip the test that calls this where real Kafka can't run."""
    if missing := kafka.missing_tools():
        pytest.skip(f"real Kafka needs {' and '.join(missing)}, not found on this machine")


def free_ports(count: int) -> list[int]:
    """Return ports outside the ephemeral range, so that a killed node can use its own again."""
    candidates = secrets.SystemRandom().sample(range(20_000, 32_000), 50)
    return [port for port in candidates if kafka.port_is_free(port)][:count]


class KafkaCluster:
    """Nodes of Apache Kafka on this machine, numbered from 1; every method blocks until it has finished."""

    def __init__(self, folder: Path, nodes: int = 1, access: kafka.Access | None = None) -> None:
        self.folder = folder
        self._access = access
        self.cluster_id = ""
        self._jars = kafka.fetch_jars()
        self._nodes = {node.number: node for node in kafka.lay_out(folder, free_ports(2 * nodes))}
        self._processes: dict[int, Popen[bytes]] = {}
        atexit.register(self.stop)

    @property
    def bootstrap(self) -> str:
        """The addresses of all nodes, also of those that are down."""
        return ",".join(node.address for node in self._nodes.values())

    @property
    def controller(self) -> str:
        """The address of the first controller."""
        return f"{kafka.HOST}:{self._nodes[1].controller_port}"

    def start(self) -> None:
        """Format missing storage and start every node that is not running."""
        nodes = list(self._nodes.values())
        self.cluster_id = kafka.stored_cluster_id(nodes[0]) or kafka.new_cluster_id()
        kafka.format_storage(self._jars, nodes, self.cluster_id, self._access)
        down = [number for number in self._nodes if not self.is_running(number)]
        for number in down:
            self._launch(number)
        for number in down:
            self._await(number)

    def stop(self) -> None:
        """Kill every node at once; the data stays."""
        for number in list(self._processes):
            self.kill(number)

    def is_running(self, node: int) -> bool:
        """Return whether a node's process exists, frozen or not."""
        return node in self._processes and self._processes[node].poll() is None

    def kill(self, node: int = 1) -> None:
        """End a node as a crash does (SIGKILL)."""
        process = self._processes.pop(node)
        process.kill()
        process.wait()

    def pause(self, node: int = 1) -> None:
        """Freeze a node: its connections stay open and nothing answers (SIGSTOP)."""
        self._processes[node].send_signal(signal.SIGSTOP)

    def resume(self, node: int = 1) -> None:
        """Resume a frozen node (SIGCONT)."""
        self._processes[node].send_signal(signal.SIGCONT)

    def restart(self, node: int = 1) -> None:
        """Restart a node on its data; kills it first where it still runs."""
        if self.is_running(node):
            self.kill(node)
        self._launch(node)
        self._await(node)

    def replace(self) -> None:
        """Replace the cluster by an empty one with a new id on the same addresses."""
        self.stop()
        shutil.rmtree(self.folder)
        self.start()

    def _launch(self, number: int) -> None:
        launched = _launcher.submit(kafka.launch, self._jars, self._nodes[number])
        self._processes[number] = launched.result()

    def _await(self, number: int) -> None:
        kafka.await_ready(self._nodes[number], self._processes[number])
