"""The volunteer's page in a real browser: it stays current without reloading, and counts down."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import asyncpg
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from dispatch.clock import Clock
from dispatch.runtime.http_server import HttpServer
from dispatch.services.core.unit_of_work import UnitOfWork
from producers.http.app import build
from tests.domain.builders import plan
from tests.http.site import GATEWAYS, SECRET, Site, served
from tests.support.scene import Scene

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, which is not installed here")


class ProcessesReplies:
    """Processes the answers that are stored before each reading of a page but the first."""

    def __init__(self, app: ASGIApp, scene: Scene) -> None:
        self.app = app
        self.scene = scene
        self.reads = count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET" and next(self.reads):
            await self.scene.process_replies()
        await self.app(scope, receive, send)


@pytest.fixture
async def site(pool: asyncpg.Pool) -> AsyncIterator[Site]:
    """Yield a site that processes the answers it has stored whenever a page is read again."""
    uow = UnitOfWork(pool, Clock())
    scene = await Scene.open(uow)
    app = build(uow, gateways=GATEWAYS, secret=SECRET, readiness=dict)
    app.add_middleware(ProcessesReplies, scene=scene)
    async with served(HttpServer(app, "127.0.0.1", 0)) as client:
        yield Site(scene, client, {})


async def opened(site: Site, link: str, folder: Path, seconds: int) -> str:
    """Open a page in a browser for so long, on the browser's own clock; return the page as it then stands."""
    process = await asyncio.create_subprocess_exec(
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}",
        f"--virtual-time-budget={seconds * 1000}", "--dump-dom", f"{site.client.base_url}{link}",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    async with asyncio.timeout(60):
        found, _ = await process.communicate()
    return found.decode()


async def accept(site: Site, link: str) -> None:
    """Accept as a person does, who presses again where the page says that the service does not answer."""
    for _ in range(5):
        if (await site.client.post(link, data={"answer": "accepted"})).status_code == 200:
            return
    pytest.fail("the service does not answer")


async def test_the_time_that_is_left_is_counted_down(site: Site, tmp_path: Path) -> None:
    link = await site.link(0, await site.scene.incident(plan(offers={"window_s": 600})))
    served_text = (await site.client.get(link)).text
    assert re.search(r'<span role="timer" data-until="\d+"></span>', served_text)
    page = await opened(site, link, tmp_path, 5)
    left = re.search(r'role="timer"[^>]*>\((\d+):(\d\d)\)<', page)
    assert left is not None
    assert (
        timedelta(minutes=9) < timedelta(minutes=int(left[1]), seconds=int(left[2])) < timedelta(minutes=10)
    )


async def test_the_page_shows_a_new_state_and_says_it_without_reloading(site: Site, tmp_path: Path) -> None:
    link = await site.link()
    await accept(site, link)
    page = await opened(site, link, tmp_path, 8)
    state = "On vous attend. Signalez ici votre départ."
    assert f'<p class="said" role="status">{state}</p>' in page
    assert f'<p data-say="">{state}</p>' in page
    assert "Réponse bien reçue" not in page
    assert "Je pars" in page
