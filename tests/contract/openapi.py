"""Write the OpenAPI document: `python -m tests.contract.openapi > docs/openapi.yaml`."""

import sys
from typing import cast

import asyncpg

from consumers import console
from dispatch.clock import Clock
from dispatch.services import keys
from dispatch.services.engine import Engine
from producers.http.app import build
from producers.http.openapi import render


def current() -> str:
    """Describe all routes of a process that serves everything; nothing connects."""
    engine = Engine(cast("asyncpg.Pool", None), Clock())
    extra = [console.router(engine, keys.authenticate)]
    return render(build(engine, secret=b"", ready=dict, extra=extra))


if __name__ == "__main__":
    sys.stdout.write(current())
