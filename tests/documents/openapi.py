"""Write the OpenAPI document: `python -m tests.documents.openapi > docs/openapi.yaml`."""

import sys
from typing import cast

import asyncpg

from dispatch.clock import Clock
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.messaging.gateway_registry import GatewayRegistry
from producers.http import stream
from producers.http.app import build
from producers.http.openapi import render


def current() -> str:
    """Return the document of a process that serves all routes; it makes no connection."""
    uow = UnitOfWork(cast("asyncpg.Pool", None), Clock())
    extra = [stream.router(uow)]
    return render(build(uow, gateways=GatewayRegistry(()), secret=b"", readiness=dict, extra=extra))


if __name__ == "__main__":
    sys.stdout.write(current())
