"""The page of one volunteer and offer: plain HTML for old phones, kept current by a script; a GET stores no answer."""

from base64 import b64encode
from collections.abc import Callable, Coroutine
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any, get_args

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.exceptions import HTTPException

from dispatch.domain.messaging.texts import distance, until
from dispatch.domain.scheduling.windows import in_words
from dispatch.services.console.own_reasons import OwnReason, own_reasons
from dispatch.services.core.error_classification import TRANSIENT
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.messaging import tokens
from dispatch.services.messaging.tokens import TokenView
from dispatch.services.replies import receiving
from producers.http.auth import UowDep, uow_of
from producers.http.page import wording
from producers.http.page.content import PageContent, may_answer, page_content
from schemas.base import Window
from schemas.replies import Answer
from schemas.volunteers import Language

SCRIPT = (Path(__file__).parent / "page.js").read_text()
HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
        f"connect-src 'self'; script-src 'sha256-{b64encode(sha256(SCRIPT.encode()).digest()).decode()}'"
    ),
}
ANSWERS = get_args(Answer)
OTHER: dict[Language, Language] = {"fr": "en", "en": "fr"}
RETRY_AFTER_S = 5

templates = Environment(
    loader=PackageLoader("producers.http.page"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
templates.globals["script"] = Markup(SCRIPT)  # noqa: S704 - our own file


class PageRoute(APIRoute):
    """A route that responds with a page that asks again where the database is unavailable, or the answer too slow."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the route's handler."""
        handle = super().get_route_handler()

        async def handle_or_retry(request: Request) -> Response:
            try:
                return await handle(request)
            except TRANSIENT:
                return unavailable()
            except HTTPException as error:
                if error.status_code in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS):
                    return unavailable()
                raise

        return handle_or_retry


def unavailable() -> Response:
    """Return a page that asks again after a few seconds."""
    return _html("unavailable.html", 503, {"Retry-After": str(RETRY_AFTER_S)}, seconds=RETRY_AFTER_S)


router = APIRouter(tags=["page"], route_class=PageRoute, default_response_class=HTMLResponse)


@router.get("/a/{token}")
async def show(token: str, request: Request, uow: UowDep, lang: str | None = None) -> Response:
    """Show a volunteer their offer. It stores no answer, since programs that preview links open them too."""
    view = await _open(request, uow, token)
    return _gone() if view is None else _page(request, view, lang)


@router.post("/a/{token}")
async def answer(token: str, request: Request, uow: UowDep, lang: str | None = None) -> Response:
    """Store the volunteer's answer (form field `answer`) and confirm that it was received."""
    # Read first: an answer counts even where the client disconnects while the database is slow.
    submitted = await _submitted_answer(request)
    view = await _open(request, uow, token)
    if view is None:
        return _gone()
    if submitted is None or not may_answer(view, submitted):
        return _page(request, view, lang, bad=True)
    await receiving.receive(
        uow,
        offer_id=view.offer_id,
        answer=submitted,
        channel="page",
        received_at=uow.clock.now(),
        volunteer_id=view.volunteer_id,
    )
    view = await _open(request, uow, token)
    return _gone() if view is None else _page(request, view, lang)


@router.get("/a/{token}/why")
async def why(token: str, request: Request, uow: UowDep, lang: str | None = None) -> Response:
    """Tell a volunteer why they were or were not asked in the last days."""
    view = await _open(request, uow, token)
    if view is None:
        return _gone()
    found = await own_reasons(uow, view.organisation, view.volunteer_id)
    language, now = _language(view, lang), uow.clock.now()
    return _html(
        "why.html",
        200,
        lang=language,
        other=OTHER[language],
        organisation=view.organisation_name,
        reasons=[_own_reason(one, view.zone, language, now) for one in found],
        label={name: label[language] for name, label in wording.LABELS.items()},
    )


async def _open(request: Request, uow: UnitOfWork, token: str) -> TokenView | None:
    """Return what a token stands for; the log names its offer as the reader."""
    view = await tokens.open_token(uow, token, secret=request.app.state.secret)
    request.state.offer_id = view and view.offer_id
    return view


def _own_reason(one: OwnReason, zone: str, language: Language, now: datetime) -> dict[str, str]:
    words = [wording.OWN_GATES[gate][language] for gate in one.gates]
    words = [wording.PICKED[language]] if one.picked else words
    away = wording.LABELS["away"][language].format(distance=distance(one.distance_m, language))
    return {"at": until(one.at, zone, now), "away": away, "why": "; ".join(words)}


async def _submitted_answer(request: Request) -> Answer | None:
    async with request.form(max_files=0, max_fields=10) as form:
        submitted = form.get("answer")
    return next((one for one in ANSWERS if one == submitted), None)


def _page(request: Request, view: TokenView, lang: str | None, *, bad: bool = False) -> Response:
    now = uow_of(request).clock.now()
    language = _language(view, lang)
    shown = page_content(view, now)
    asked = shown.state == "asked"
    words = wording.buttons(informs=view.informs, crew=view.crew)
    return _html(
        "offer.html",
        422 if bad else 200,
        lang=language,
        other=OTHER[language],
        token=request.path_params["token"],
        mark=f"{wording.DRILL[language]} " if view.mode != "actual" else "",
        title=view.title[language],
        organisation=view.organisation_name,
        banner=wording.BANNERS[shown.banner][language] if shown.banner else "",
        state=wording.state(shown.state, informs=view.informs, crew=view.crew)[language].format(
            place=view.place
        ),
        buttons=[(answer, words[answer][language]) for answer in shown.answers if answer != "danger"],
        danger=words["danger"][language] if "danger" in shown.answers else "",
        refresh_s=shown.refresh_s,
        received=view.pending is not None,
        bad=bad,
        when=_when(view, language, now),
        where=_where(view, language, shown),
        maps=_maps(shown, view, language),
        until=until(view.expires_at, view.zone, now, language) if asked else "",
        until_ms=_milliseconds(view.expires_at),
        now_ms=_milliseconds(now),
        label={name: label[language] for name, label in wording.LABELS.items()},
    )


def _language(view: TokenView, lang: str | None) -> Language:
    return "en" if lang == "en" else "fr" if lang == "fr" else view.language


def _when(view: TokenView, language: Language, now: datetime) -> str:
    if view.starts_at is None or view.ends_at is None:
        return ""
    return in_words(Window(starts_at=view.starts_at, ends_at=view.ends_at), view.zone, now, language)


def _where(view: TokenView, language: Language, shown: PageContent) -> str:
    if shown.where == "station":
        return wording.LABELS["station"][language]
    away = wording.LABELS["away"][language].format(distance=distance(view.distance_m, language))
    if shown.where == "muster":
        return f"{view.muster}, {away}"
    return {"exact": f"{away}, {view.lat:.5f}, {view.lon:.5f}", "distance": away}.get(shown.where or "", "")


def _maps(shown: PageContent, view: TokenView, language: Language) -> list[tuple[str, str]]:
    """Return links to a map, each for one kind of phone: none opens the way to go on all of them."""
    lat, lon = view.lat, view.lon
    if shown.where == "muster" and view.muster_at:
        lat, lon = view.muster_at["lat"], view.muster_at["lon"]
    elif shown.where != "exact":
        return []
    at = f"{lat:.5f},{lon:.5f}"
    return [
        ("iPhone", f"https://maps.apple.com/?daddr={at}"),
        ("Android", f"geo:{at}?q={at}"),
        (
            wording.LABELS["other_phone"][language],
            f"https://www.openstreetmap.org/?mlat={lat:.5f}&mlon={lon:.5f}#map=17/{at.replace(',', '/')}",
        ),
    ]


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _gone() -> Response:
    """Return the same page for forged, revoked and expired tokens: it does not reveal which it was."""
    return _html("gone.html", 404)


def _html(name: str, status: int, headers: dict[str, str] | None = None, **values: object) -> Response:
    text = templates.get_template(name).render(**values)
    return HTMLResponse(text, status, HEADERS | (headers or {}))
