"""Webhooks of gateways: inbound texts and receipts, by GET or by POST of a form, as the provider calls them."""

from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Path, Request, Response

from dispatch.services.access.keys import Key
from dispatch.services.core.errors import NotFoundError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.messaging import webhook_parking
from dispatch.services.messaging.gateway import Capabilities, Parameters, detail
from dispatch.services.messaging.gateway_registry import GatewayRegistry
from dispatch.services.messaging.receipts import ReceiptWriter, Reported
from dispatch.services.messaging.webhook_parking import WebhookCall
from dispatch.services.replies import inbound_texts
from producers.http.api.webhook_parameters import read_parameters, read_query
from producers.http.auth import Presented, UowDep, authenticate, require_scope

router = APIRouter(tags=["gateways"])

T = TypeVar("T")
Name = Annotated[str, Path(pattern=r"^[a-z0-9_-]{1,32}$")]


async def authorize_gateway(name: Name, request: Request, presented: Presented) -> Key:
    """Return the key if it is valid for this gateway: that of the header, of the query, or of the form.

    Some providers cannot set headers. A form is read before its key is known only where no key comes with the address.
    """
    presented = presented or detail(read_query(request), "key")
    presented = presented or detail(await read_parameters(request), "key")
    return require_scope(await authenticate(request, presented), f"gateway:{name}")


GatewayKey = Annotated[Key, Depends(authorize_gateway)]


async def read_values(request: Request, _key: GatewayKey) -> dict[str, str]:
    """Return the parameters of a call, those of its form too, to authorized callers only."""
    return await read_parameters(request)


Values = Annotated[dict[str, str], Depends(read_values)]


async def find_capabilities(name: Name, request: Request, _key: GatewayKey) -> Capabilities:
    """Return the capabilities of the gateway of this name; raises NotFoundError, to authorized callers only."""
    registry: GatewayRegistry = request.app.state.gateways
    return registry.named(name).capabilities


GatewayCapabilities = Annotated[Capabilities, Depends(find_capabilities)]


@router.get("/v1/gateways/{name}/inbound", status_code=202)
@router.post("/v1/gateways/{name}/inbound", status_code=202)
async def inbound(
    name: Name, key: GatewayKey, can: GatewayCapabilities, values: Values, uow: UowDep
) -> Response:
    """Accept a person's text, in the form in which the gateway's provider sends it. Scope `gateway:NAME`."""
    call = WebhookCall(key.organisation, name, "inbound", values)
    text = await _read(can.read_inbound, call, uow)
    if text is not None:
        await inbound_texts.receive_text(uow, name, text, uow.clock.now(), key.gateway_organisation)
    # No body: a gateway might send it to the phone.
    return Response(status_code=202)


@router.get("/v1/gateways/{name}/receipts", status_code=202)
@router.post("/v1/gateways/{name}/receipts", status_code=202)
async def receipts(
    request: Request, name: Name, key: GatewayKey, can: GatewayCapabilities, values: Values, uow: UowDep
) -> Response:
    """Accept a receipt for a message, in the form in which the gateway's provider sends it. Scope `gateway:NAME`."""
    call = WebhookCall(key.organisation, name, "receipts", values)
    receipt = await _read(can.read_receipt, call, uow)
    if receipt is not None:
        writer: ReceiptWriter = request.app.state.receipt_writer
        await writer.submit(Reported(receipt, key.gateway_organisation))
    return Response(status_code=202)


async def _read(read: Callable[[Parameters], T] | None, call: WebhookCall, uow: UnitOfWork) -> T | None:
    """Read a call, or park it if it is invalid: a rejected call would be repeated for days, and no human would know.

    Raises NotFoundError if the gateway's provider makes no such calls.
    """
    if read is None:
        raise NotFoundError(f"the gateway {call.gateway} has no {call.path}")
    try:
        return read(call.values)
    except ValueError as error:
        await webhook_parking.park(uow, call, str(error))
        return None
