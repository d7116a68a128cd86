"""An organisation for the tests of the intake."""

from uuid import UUID

import pytest

from dispatch.services.access import organisations
from dispatch.services.core.unit_of_work import UnitOfWork


@pytest.fixture
async def organisation(uow: UnitOfWork) -> UUID:
    return await organisations.create(uow, "SDIS 67")
