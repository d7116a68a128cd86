"""A real Kannel with a fake network, on free ports of this machine; nothing outlives the test run."""

import secrets
import shutil
import socket
import subprocess
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qsl, quote_from_bytes, unquote_to_bytes, urlsplit
from uuid import uuid4

import pytest
from pydantic import SecretStr

from dispatch.gateways.kannel.client import KannelGateway
from dispatch.gateways.kannel.settings import KannelSettings
from dispatch.gateways.kannel.webhook import INBOUND_QUERY
from dispatch.services.messaging.gateway import GatewayUnavailableError, OutboundText

USERNAME = "renfort"
PASSWORD = "not-for-any-log"
KEY = "webhook-key"

BOXES = "/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin"
FAKE_NETWORK = Path("/usr/lib/kannel/test/fakesmsc")

SAMPLE = Path(__file__).parents[2] / "deploy" / "kannel" / "kannel.conf"
FAKE_PROVIDER = """group = smsc
smsc = fake
smsc-id = fake
port = {port}
connect-allow-ip = 127.0.0.1

"""


def gateway_to(
    url: str, *, password: str = PASSWORD, receipts_url: str = "http://r/", timeout: float = 10.0
) -> KannelGateway:
    settings = KannelSettings(url=url, username=USERNAME, password=SecretStr(password), sender="RENFORT")
    return KannelGateway(settings, receipts_url, timeout=timeout)


def a_message(text: str, to: str, *, urgent: bool = False) -> OutboundText:
    return OutboundText(uuid4(), "sms", to, text, urgent)


async def unavailable(gateway: KannelGateway, message: OutboundText) -> str:
    """Send, and return every text of the failure, tracebacks included."""
    with pytest.raises(GatewayUnavailableError) as failure:
        await gateway.send(message)
    assert failure.value.__context__ is None
    return "".join(traceback.format_exception(failure.value)) + repr(failure.value)


def missing() -> str:
    """Return why Kannel cannot run here; empty if it can."""
    absent = [name for name in ("bearerbox", "smsbox") if not shutil.which(name, path=BOXES)]
    if not FAKE_NETWORK.exists():
        absent.append(str(FAKE_NETWORK))
    return f"Kannel is not here ({', '.join(absent)}): apt-get install kannel kannel-extras" if absent else ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A part of a text as it reached the network."""

    to: str
    text: str
    last: bool = True


class Webhooks:
    """The server of Kannel's HTTP calls: rejects as many as the test sets, then stores every query."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.refuse_next = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/gateways/kannel"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def queries(self, path: str) -> list[dict[str, str]]:
        return [query for called, query in self.calls if called.endswith(path)]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _take(self, address: str) -> int:
        parts = urlsplit(address)
        self.calls.append((parts.path, dict(parse_qsl(parts.query, keep_blank_values=True))))
        self.refuse_next -= 1
        return 503 if self.refuse_next >= 0 else 202

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self._take

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(take(self.path))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return Handler


class Kannel:
    """Bearerbox, smsbox and fakesmsc; the last one is all the phones of the world.

    `changes` are made to the sample's lines in place of what the tests of the gateway alone make of them.
    """

    def __init__(self, folder: Path, changes: Mapping[str, str] | None = None) -> None:
        self.webhooks = Webhooks()
        self._changes = changes or {}
        self._folder = folder
        self._ports = dict(zip(("admin", "boxes", "network", "sendsms"), _free_ports(4), strict=True))
        self._boxes: list[subprocess.Popen[bytes]] = []
        self._phones: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._ports['sendsms']}/cgi-bin/sendsms"

    def start(self) -> None:
        """Start all three processes and wait until texts are accepted."""
        (self._folder / "kannel.conf").write_text(self._config())
        for box, port in (("bearerbox", "boxes"), ("smsbox", "sendsms")):
            self._boxes.append(self._spawn(shutil.which(box, path=BOXES) or box, "kannel.conf"))
            _await_port(self._ports[port])
        self._connect_phones("0", "1 1 text unused")

    def stop(self) -> None:
        """Kill everything at once: nothing here is worth a slow goodbye."""
        self.kill()
        self.webhooks.close()

    def kill(self) -> None:
        """Kill it as in a power cut; it may be started again with its spool."""
        self.hang_up()
        while self._boxes:
            _end(self._boxes.pop())

    def hang_up(self) -> None:
        """Take the network away, phones and all."""
        if self._phones:
            _end(self._phones)

    def say(self, sender: str, text: str) -> None:
        """Send a text from a phone to us."""
        data = quote_from_bytes(text.encode("utf-16-be"), safe="")
        self._connect_phones("1", f"{sender} 12345 ucs2 {data}")

    def arrivals(self) -> list[Arrival]:
        """Return the texts that have reached phones, in order."""
        lines = (self._folder / "fakesmsc.log").read_text(errors="replace").splitlines()
        marked = (line.partition("Got message")[2] for line in lines)
        return [_arrival(mark[mark.index("<") + 1 : -1]) for mark in marked if mark]

    def _config(self) -> str:
        """Fill in the sample that operators start from, with a fake provider."""
        before, _, provider = SAMPLE.read_text().partition("group = smsc\n")
        after = provider[provider.index("group = smsbox") :]
        config = before + FAKE_PROVIDER.format(port=self._ports["network"]) + after
        for theirs, ours in self._values().items():
            assert theirs in config, f"the sample lacks {theirs}"
            config = config.replace(theirs, ours)
        return config

    def _values(self) -> dict[str, str]:
        return {
            "13000": str(self._ports["admin"]),
            "13001": str(self._ports["boxes"]),
            "13013": str(self._ports["sendsms"]),
            "/var/spool/kannel": str(self._folder),
            "/var/log/kannel": str(self._folder),
            "http-queue-delay = 10": "http-queue-delay = 1",
            "CHANGE-THIS-ADMIN-PASSWORD": PASSWORD,
            "CHANGE-THIS-PASSWORD": PASSWORD,
            "CHANGE-THIS-KEY": KEY,
            "https://CHANGE-THIS-PUBLIC-ADDRESS/v1/gateways/kannel": self.webhooks.url,
            INBOUND_QUERY: INBOUND_QUERY,
            **self._changes,
        }

    def _connect_phones(self, count: str, message: str) -> None:
        self.hang_up()
        port = str(self._ports["network"])
        self._phones = self._spawn(str(FAKE_NETWORK), "-r", port, "-i", "0.1", "-m", count, message)

    def _spawn(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        leash = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        with (self._folder / f"{Path(program).name}.log").open("ab") as log:
            command = [*leash, program, *arguments]
            return subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=subprocess.STDOUT)


def _arrival(line: str) -> Arrival:
    """Read fakesmsc's "from to [udh HEADER] text|data|ucs-2 WORDS"."""
    _, to, kind, words = line.split(" ", 3)
    last = True
    if kind == "udh":
        header, kind, words = words.split(" ", 2)
        parts, number = unquote_to_bytes(header)[-2:]
        last = number == parts
    if kind == "text":
        return Arrival(to, words, last)
    data = unquote_to_bytes(words.replace("+", " "))
    # Beside a header, fakesmsc says "data" of UCS-2 too; French in UCS-2 always holds a zero byte.
    return Arrival(to, data.decode("utf-16-be" if kind == "ucs-2" or b"\0" in data else "utf-8"), last)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _free_ports(count: int) -> list[int]:
    """Pick ports below the range that outgoing connections take."""
    candidates = secrets.SystemRandom().sample(range(20_000, 32_000), 50)
    return [port for port in candidates if not _listens(port)][:count]


def _listens(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def _await_port(port: int, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not _listens(port):
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing listens on port {port}")
        time.sleep(0.02)
