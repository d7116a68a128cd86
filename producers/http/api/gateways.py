"""What gateways tell: people's texts and delivery reports, by GET as Kannel does or by POST of a form."""

from collections.abc import Callable, Mapping
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Path, Request, Response

from dispatch.services.access.keys import Key
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.messaging import sending, webhook_calls
from dispatch.services.messaging.webhook_calls import Call
from dispatch.services.replies import receiving
from producers.http.auth import Credentials, UowDep, authenticate, require_scope

router = APIRouter(tags=["gateways"])

T = TypeVar("T")
Name = Annotated[str, Path(pattern=r"^[a-z0-9_-]{1,32}$")]


async def told(request: Request) -> dict[str, str]:
    """Read what a gateway tells, in the query or in a form."""
    values = dict(request.query_params)
    if request.method == "POST":
        async with request.form(max_files=0) as form:
            values |= {name: value for name, value in form.items() if isinstance(value, str)}
    return values


Told = Annotated[dict[str, str], Depends(told)]


async def speaker(name: Name, request: Request, credentials: Credentials, values: Told) -> Key:
    """Admit who speaks for this gateway; Kannel cannot set headers, so its key may ride in the query."""
    presented = credentials.credentials if credentials else values.get("key", "")
    return require_scope(await authenticate(request, presented), f"gateway:{name}")


Speaker = Annotated[Key, Depends(speaker)]


@router.get("/v1/gateways/{name}/inbound", status_code=202)
@router.post("/v1/gateways/{name}/inbound", status_code=202)
async def inbound(name: Name, key: Speaker, values: Told, uow: UowDep) -> Response:
    """Take in a person's text: `id`, `from`, `text`, `charset`. Scope `gateway:NAME`."""
    text = await _read(webhook_calls.inbound_from, Call(key.organisation, name, "inbound", values), uow)
    if text is not None:
        await receiving.receive_text(uow, name, text, uow.clock.now())
    # Nothing in the body: a gateway might send it to the phone.
    return Response(status_code=202)


@router.get("/v1/gateways/{name}/receipts", status_code=202)
@router.post("/v1/gateways/{name}/receipts", status_code=202)
async def receipts(name: Name, key: Speaker, values: Told, uow: UowDep) -> Response:
    """Take in what became of a message: `message`, `status`, `reply`. Scope `gateway:NAME`."""
    heard = await _read(webhook_calls.receipt_from, Call(key.organisation, name, "receipts", values), uow)
    if heard is not None:
        await sending.receipt(uow, heard)
    return Response(status_code=202)


async def _read(reader: Callable[[Mapping[str, str]], T], call: Call, uow: UnitOfWork) -> T | None:
    """Read a call, or park it: refused, it would be repeated for days and no human would know."""
    try:
        return reader(call.values)
    except ValueError as error:
        await webhook_calls.park(uow, call, str(error))
        return None
