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
from fastapi import Request, Response
from starlette.middleware.base import RequestResponseEndpoint

from dispatch.clock import Clock
from dispatch.runtime.http_server import HttpServer
from dispatch.services.core.unit_of_work import UnitOfWork
from producers.http.app import build
from tests.domain.builders import plan
from tests.http.site import GATEWAYS, SECRET, Site, served
from tests.support.scene import Scene

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, which is not installed here")


@pytest.fixture
async def site(pool: asyncpg.Pool) -> AsyncIterator[Site]:
    """Yield a site that processes the answers it has stored whenever a page is read again."""
    uow, reads = UnitOfWork(pool, Clock()), count()
    scene = await Scene.open(uow)
    app = build(uow, gateways=GATEWAYS, secret=SECRET, readiness=dict)

    @app.middleware("http")
    async def process_replies(request: Request, call_next: RequestResponseEndpoint) -> Response:
        if request.method == "GET" and next(reads):
            await scene.process_replies()
        return await call_next(request)

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
    await site.client.post(link, data={"answer": "accepted"})
    page = await opened(site, link, tmp_path, 8)
    state = "On vous attend. Signalez ici votre départ."
    assert f'<p class="said" role="status">{state}</p>' in page
    assert f'<p data-say="">{state}</p>' in page
    assert "Réponse bien reçue" not in page
    assert "Je pars" in page
