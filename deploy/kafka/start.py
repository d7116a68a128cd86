#!/usr/bin/env python3
"""Run real Apache Kafka (KRaft) from the jars that pom.xml names: one node, or a cluster of three."""

import argparse
import base64
import fcntl
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOST = "127.0.0.1"
READY = "Kafka Server started"
JAVA = (
    *("java", "-Xms64m", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
    *("-Dlog4j2.level=INFO", "-Djava.awt.headless=true"),
)
# Groups form at once and a killed node is detected in seconds: for tests on one machine, not for production.
FAST = {
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "auto.create.topics.enable": "false",
}


class KafkaFailedError(RuntimeError):
    """A node of the cluster did not start; the message contains the last lines of its log."""


@dataclass(frozen=True)
class Node:
    """One combined broker and controller: its number, its two ports and its folder."""

    number: int
    port: int
    controller_port: int
    folder: Path

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def config(self) -> Path:
        return self.folder / "server.properties"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"


@dataclass(frozen=True)
class Access:
    """Authentication: settings that override those of every node, and users with their passwords."""

    settings: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict)

    def format_arguments(self) -> Iterator[str]:
        """Return the arguments that create the users when storage is formatted."""
        for name, password in self.users.items():
            yield "--add-scram"
            yield f"SCRAM-SHA-512=[name={name},password={password}]"


def missing_tools() -> list[str]:
    """Return the commands that the broker needs and this machine lacks."""
    return [tool for tool in ("java", "mvn") if shutil.which(tool) is None]


def fetch_jars() -> Path:
    """Return the folder of the broker's jars, filled by Maven when pom.xml is newer than what is there."""
    libs, pom, done = HERE / "target" / "libs", HERE / "pom.xml", HERE / "target" / "fetched"
    with _locked(HERE / "target" / "lock"):
        if not done.exists() or done.stat().st_mtime < pom.stat().st_mtime:
            shutil.rmtree(libs, ignore_errors=True)
            subprocess.run([shutil.which("mvn") or "mvn", "-q", "-B", "-f", str(pom), "package"], check=True)
            done.touch()
    return libs


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def new_cluster_id() -> str:
    """Return a random id in Kafka's form: 16 bytes in URL-safe base64, never beginning with a dash."""
    raw = uuid.uuid4().bytes
    return base64.urlsafe_b64encode(bytes([raw[0] & 0x7F]) + raw[1:]).decode().rstrip("=")


def lay_out(folder: Path, ports: Sequence[int]) -> list[Node]:
    """Plan one node for each pair of ports: all client ports first, then all controller ports."""
    count = len(ports) // 2
    pairs = zip(ports[:count], ports[count:], strict=True)
    return [Node(n, client, ctl, folder / f"node-{n}") for n, (client, ctl) in enumerate(pairs, start=1)]


def properties(node: Node, nodes: Sequence[Node]) -> dict[str, str]:
    """Return the server.properties of one node among all of its cluster."""
    copies = str(min(3, len(nodes)))
    return FAST | {
        "process.roles": "broker,controller",
        "node.id": str(node.number),
        "controller.quorum.voters": ",".join(f"{n.number}@{HOST}:{n.controller_port}" for n in nodes),
        "listeners": f"CLIENT://{node.address},CONTROLLER://{HOST}:{node.controller_port}",
        "advertised.listeners": f"CLIENT://{node.address}",
        "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "CLIENT",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(node.folder / "data"),
        "default.replication.factor": copies,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": copies,
    }


def format_storage(jars: Path, nodes: Sequence[Node], cluster_id: str, access: Access | None = None) -> None:
    """Write each node's configuration and empty storage; storage that is already formatted stays."""
    access = access or Access()
    tools = [
        _format(
            jars, node, properties(node, nodes) | access.settings, [cluster_id, *access.format_arguments()]
        )
        for node in nodes
    ]
    for node, tool in zip(nodes, tools, strict=True):
        output, _ = tool.communicate()
        if tool.returncode:
            raise KafkaFailedError(f"node {node.number}: its storage could not be formatted:\n{output}")


def _format(
    jars: Path, node: Node, config: Mapping[str, str], identity: Sequence[str]
) -> subprocess.Popen[str]:
    node.folder.mkdir(parents=True, exist_ok=True)
    node.config.write_text("".join(f"{key}={value}\n" for key, value in config.items()))
    words = ("format", "--ignore-formatted", "-c", str(node.config), "-t", *identity)
    command = _java(jars, "kafka.tools.StorageTool", *words)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def stored_cluster_id(node: Node) -> str | None:
    """Return the cluster id in a node's storage, or None where nothing is formatted yet."""
    meta = node.folder / "data" / "meta.properties"
    lines = meta.read_text().splitlines() if meta.exists() else []
    return next((line.partition("=")[2] for line in lines if line.startswith("cluster.id=")), None)


def launch(jars: Path, node: Node) -> subprocess.Popen[bytes]:
    """Start one node's JVM, which ends with the calling thread; its output goes to `node.log`."""
    with node.log.open("wb") as log:
        command = _java(jars, "kafka.Kafka", str(node.config))
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)


def _java(jars: Path, main: str, *words: str) -> list[str]:
    binding = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    return [*binding, *JAVA, "-cp", f"{jars}/*", main, *words]


def await_ready(node: Node, process: subprocess.Popen[bytes], timeout: float = 60) -> None:
    """Block until the node has joined its cluster and serves clients."""
    end = time.monotonic() + timeout
    while READY not in (log := node.log.read_text(errors="replace")):
        if process.poll() is not None or time.monotonic() > end:
            tail = "\n".join(log.splitlines()[-15:])
            raise KafkaFailedError(f"node {node.number} did not start (exit {process.poll()}):\n{tail}")
        time.sleep(0.05)


def terminate(processes: Sequence[subprocess.Popen[bytes]], patience: float = 10) -> None:
    """Ask every node to stop, and kill those that have not after `patience` seconds."""
    for process in processes:
        process.terminate()
    end = time.monotonic() + patience
    for process in processes:
        try:
            process.wait(max(0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def port_is_free(port: int) -> bool:
    """Return whether a server could listen on this port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def main() -> None:
    """Run a cluster in the foreground until it is interrupted; its data stays for the next start."""
    parser = argparse.ArgumentParser(description=__doc__, epilog="example: start.py --nodes 3 --data kafka")
    parser.add_argument("--data", type=Path, default=HERE / "target" / "data", help="folder of the files")
    parser.add_argument("--nodes", type=int, choices=(1, 3), default=1)
    parser.add_argument("--port", type=int, default=9092, help="the first port; each node uses two")
    options = parser.parse_args()
    if missing := missing_tools():
        sys.exit(f"not found: {', '.join(missing)} (Debian: apt-get install default-jre-headless maven)")
    ports = range(options.port, options.port + 2 * options.nodes)
    if busy := [port for port in ports if not port_is_free(port)]:
        sys.exit(f"in use: port {', '.join(map(str, busy))}; choose others with --port")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _serve(lay_out(options.data.resolve(), ports))


def _serve(nodes: Sequence[Node]) -> None:
    jars = fetch_jars()
    format_storage(jars, nodes, stored_cluster_id(nodes[0]) or new_cluster_id())
    processes = [launch(jars, node) for node in nodes]
    try:
        for node, process in zip(nodes, processes, strict=True):
            await_ready(node, process)
        print(f"DISPATCH_KAFKA={','.join(node.address for node in nodes)}", flush=True)
        while all(process.poll() is None for process in processes):
            time.sleep(0.5)
        sys.exit("a node has stopped: see its server.log in the data folder")
    except KeyboardInterrupt:
        print("stopping", file=sys.stderr)
    finally:
        terminate(processes)


if __name__ == "__main__":
    main()
