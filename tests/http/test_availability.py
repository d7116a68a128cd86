"""Readiness, and responses while the database is unavailable."""

from dispatch.clock import MovableClock
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.pool import open_pool
from tests.http.site import Site, problem_fields, report_body, serve
from tests.support.scene import Scene


async def test_without_a_database_nothing_is_accepted_and_retry_after_is_set(
    database: str, clock: MovableClock
) -> None:
    pool = await open_pool(database, application="tests", size=2)
    uow = UnitOfWork(pool, clock)
    state = {"postgres": False, "kafka": True}
    async with serve(uow, state) as client:
        site = Site(await Scene.open(uow), client, state)
        key = await site.key("reports:write")
        link = await site.link()
        await pool.close()
        response = await client.post("/v1/reports", json=report_body(site), headers=key)
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) > 0
        problem_fields(response)
        for method in ("GET", "POST"):
            page = await client.request(method, link, data={"answer": "accepted"})
            assert page.status_code == 503
            assert "Un instant" in page.text
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503


async def test_a_process_is_ready_when_all_its_dependencies_work(site: Site) -> None:
    assert (await site.client.get("/readyz")).status_code == 200
    site.readiness["kafka"] = False
    response = await site.client.get("/readyz")
    assert (response.status_code, response.json()) == (503, {"postgres": True, "kafka": False})
