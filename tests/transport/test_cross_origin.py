"""Pages of other origins ask only where the operator lets them."""

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from transport.cross_origin import cross_origin

ASKING = {"origin": "https://one.example", "access-control-request-method": "POST",
          "access-control-request-headers": "authorization,content-type"}  # fmt: skip


def answer(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("here")


async def preflight(origins: str) -> httpx.Response:
    app = Starlette(routes=[Route("/graphql", answer, methods=["POST"])], middleware=cross_origin(origins))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://berth") as client:
        return await client.options("/graphql", headers=ASKING)


async def test_an_origin_that_is_allowed_may_ask_with_its_token() -> None:
    said = await preflight("https://two.example, https://one.example/")
    assert said.status_code == 200
    assert said.headers["access-control-allow-origin"] == "https://one.example"
    assert "authorization" in said.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in said.headers


async def test_another_origin_may_not() -> None:
    said = await preflight("https://two.example")
    assert said.status_code == 400
    assert "access-control-allow-origin" not in said.headers


async def test_without_the_setting_nothing_is_allowed() -> None:
    assert cross_origin("") == []
    assert "access-control-allow-origin" not in (await preflight("")).headers
