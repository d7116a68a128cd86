"""API keys on a real database."""

from uuid import UUID

import pytest

from dispatch.domain.places.service_area import Area
from dispatch.services.access import keys, organisations
from dispatch.services.core.errors import InvalidError, NotFoundError, UnauthorizedError
from dispatch.services.core.unit_of_work import UnitOfWork


@pytest.fixture
async def organisation(uow: UnitOfWork) -> UUID:
    return await organisations.create(uow, "SDIS 67", "Europe/Paris", Area(48, 7, 49, 8.5))


async def test_a_key_grants_its_scopes_and_nothing_else(uow: UnitOfWork, organisation: UUID) -> None:
    shown = await keys.create(uow, organisation=organisation, scopes=["reports:write"], holder="codis")
    key = await keys.authenticate(uow, shown)
    assert (key.organisation, key.holder) == (organisation, "codis")
    assert key.may("reports:write")
    assert not key.may("console:act", "gateway:kannel")


async def test_an_admin_may_all_but_speak_for_a_gateway(uow: UnitOfWork, organisation: UUID) -> None:
    shown = await keys.create(uow, organisation=organisation, scopes=["admin"], holder="Ada")
    key = await keys.authenticate(uow, shown)
    assert key.may("console:act")
    assert not key.may("gateway:kannel")


async def test_a_key_is_nowhere_in_the_database(uow: UnitOfWork, organisation: UUID) -> None:
    shown = await keys.create(uow, organisation=organisation, scopes=["admin"], holder="Ada")
    secret = shown.rpartition("_")[2]
    row = await uow.pool.fetchval("SELECT api_keys::text || encode(hash, 'escape') FROM api_keys")
    assert secret not in row


async def test_a_wrong_or_revoked_key_is_unknown(uow: UnitOfWork, organisation: UUID) -> None:
    shown = await keys.create(uow, organisation=organisation, scopes=["admin"], holder="Ada")
    forged = shown[:-1] + ("0" if shown[-1] != "0" else "1")
    for bad in ("", "rk_", forged, shown + "\n", shown.replace("rk_", "rk_0")):
        with pytest.raises(UnauthorizedError):
            await keys.authenticate(uow, bad)
    await keys.revoke(uow, organisation, shown.split("_")[1])
    with pytest.raises(UnauthorizedError):
        await keys.authenticate(uow, shown)


async def test_another_organisation_cannot_revoke_a_key(uow: UnitOfWork, organisation: UUID) -> None:
    shown = await keys.create(uow, organisation=organisation, scopes=["admin"], holder="Ada")
    other = await organisations.create(uow, "Mairie")
    with pytest.raises(NotFoundError):
        await keys.revoke(uow, other, shown.split("_")[1])


@pytest.mark.parametrize(
    ("scopes", "holder", "field"),
    [([], "Ada", "scopes"), (["console:*"], "Ada", "scopes"), (["admin"], " ", "holder")],
)
async def test_a_key_without_sense_is_not_made(
    uow: UnitOfWork, organisation: UUID, scopes: list[str], holder: str, field: str
) -> None:
    with pytest.raises(InvalidError) as refused:
        await keys.create(uow, organisation=organisation, scopes=scopes, holder=holder)
    assert refused.value.field == field
