"""Logs over plain HTTP, for curl: as text, and as server-sent events that go on behind the last one's id."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from live.logs import hub
from settings import settings
from tests.kit import makers
from tests.kit.endpoint import service
from tests.kit.sandbox import Sandbox
from tests.transport.serving import listening
from transport.plain_logs import PlainLogs

STARTED = "task { id } problems { code }"
EVENTS = {"accept": "text/event-stream"}


@pytest.fixture(autouse=True)
async def quick(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Small batches, and a hub that is closed when the test ends."""
    monkeypatch.setenv("BERTH_LOG_FLUSH", "0.01")
    settings.cache_clear()
    yield
    await hub.close()
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
async def http(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the world's owner; the instance `dev` of the app `shop` writes numbered lines."""
    sandbox.simulator.behave(rate=200.0, line="line {n}")
    await sandbox.create()
    _, secret = await makers.token(await makers.member(sandbox.world.organization))
    app = Starlette(routes=[Route("/instances/{app}/{instance}/logs", PlainLogs(service()))])
    async with listening(app) as port:
        headers = {"authorization": f"Bearer {secret}"}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=20) as client:
            yield client


async def read(http: httpx.AsyncClient, lines: int, query: str = "", **headers: str) -> list[str]:
    """So many lines of a stream, which is broken off then."""
    found: list[str] = []
    async with http.stream("GET", f"/instances/shop/dev/logs?{query}", headers=headers) as answer:
        assert answer.status_code == 200
        async for line in answer.aiter_lines():
            found.append(line)
            if len(found) == lines:
                break
    return found


def numbers(lines: list[str]) -> list[int]:
    return [int(line.rpartition(" ")[2]) for line in lines if " line " in f" {line}"]


async def test_the_last_lines_are_text_with_their_places_in_front(http: httpx.AsyncClient) -> None:
    await asyncio.sleep(0.1)
    answer = await http.get("/instances/shop/dev/logs", params={"tail": 5, "service": "web", "timestamps": "true"})
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    lines = answer.text.splitlines()
    assert len(lines) == 5
    at, name, *_ = lines[0].split(" ")
    assert (at[4], at[-1], name.split("/")[1]) == ("-", "Z", "web")
    before = {"tail": "5", "service": "web", "before": answer.headers["berth-start-cursor"], "prefix": "false"}
    earlier = (await http.get("/instances/shop/dev/logs", params=before)).text.splitlines()
    assert numbers(earlier)[-1] + 1 == numbers(lines)[0]
    assert earlier[-1] == f"line {numbers(earlier)[-1]}"


async def test_text_is_followed_as_it_is_written(http: httpx.AsyncClient) -> None:
    lines = await read(http, 40, "follow=true&service=web&tail=3&prefix=false")
    found = numbers(lines)
    assert found == list(range(found[0], found[0] + 40))


async def test_events_go_on_behind_the_last_id_with_every_line_once(http: httpx.AsyncClient) -> None:
    found: list[int] = []
    headers = dict(EVENTS)
    for _ in range(5):
        async with http.stream("GET", "/instances/shop/dev/logs?service=web&tail=1", headers=headers) as answer:
            before = len(found)
            async for line in answer.aiter_lines():
                if line.startswith("id: "):
                    headers["last-event-id"] = line.removeprefix("id: ")
                if line.startswith("data: "):
                    event = orjson.loads(line.removeprefix("data: "))
                    found += numbers([one["message"] for one in event.get("lines", [])])
                    if len(found) > before + 10 and event["event"] == "LogBatch":
                        break
    assert found == list(range(found[0], found[0] + len(found)))


async def test_lines_are_chosen_by_what_they_hold(http: httpx.AsyncClient) -> None:
    lines = await read(http, 3, "follow=true&service=web&grep=INE%205&prefix=false")
    assert all(str(number).startswith("5") for number in numbers(lines))


async def test_the_end_is_told_with_its_reason(http: httpx.AsyncClient, sandbox: Sandbox) -> None:
    async def last() -> str:
        async with http.stream("GET", "/instances/shop/dev/logs?follow=true&service=web&tail=0") as answer:
            return [line async for line in answer.aiter_lines()][-1]

    following = asyncio.create_task(last())
    await asyncio.sleep(0.3)
    [instance] = (await sandbox.api.query("{ instances { nodes { id } } }"))["instances"]["nodes"]
    await sandbox.api.change("deleteInstance", {"id": instance["id"]}, STARTED)
    await sandbox.drain()
    assert (await following).startswith(("# the end, INSTANCE_STATE: ", "# the end, INSTANCE_GONE: "))


@pytest.mark.parametrize(
    ("path", "headers", "status", "said"),
    [
        ("/instances/shop/nope/logs", {}, 404, "There is no such instance"),
        ("/instances/nope/dev/logs?follow=true", {}, 404, "There is no such instance"),
        ("/instances/shop/dev/logs", {"authorization": "Bearer nonsense"}, 401, "The token is wrong"),
        ("/instances/shop/dev/logs?tale=5", {}, 400, "There is no parameter 'tale'. There are service, container"),
        ("/instances/shop/dev/logs?tail=many", {}, 400, "tail is 'many'."),
        ("/instances/shop/dev/logs?tail=5000", {}, 400, "limit is 5000; it can be 1 to 1,000."),
        ("/instances/shop/dev/logs?follow=true&tail=9999", {}, 400, "tail is 9999; it can be 0 to 5,000."),
        ("/instances/shop/dev/logs?level=loud", {}, 400, "LOUD"),
        ("/instances/shop/dev/logs?follow=perhaps", {}, 400, "follow is 'perhaps'."),
        ("/instances/shop/dev/logs?follow=true&after=nonsense", {}, 400, "cursor"),
        (f"/instances/shop/dev/logs?grep={'x' * 10_000}", {}, 400, "The text to look for has 10,000 characters"),
        ("/instances/shop/dev/logs", {"accept": "image/png"}, 406, "Logs come as text/plain or text/event-stream."),
    ],
    ids=str,
)
async def test_what_cannot_be_answered_is_one_sentence(
    http: httpx.AsyncClient, path: str, headers: dict[str, Any], status: int, said: str
) -> None:
    answer = await http.get(path, headers=headers)
    assert answer.status_code == status, answer.text
    assert said in answer.text
    assert answer.headers["content-type"].startswith("text/plain")


async def test_a_stranger_finds_nothing(http: httpx.AsyncClient) -> None:
    _, secret = await makers.token(await makers.member(await makers.organization()))
    answer = await http.get("/instances/shop/dev/logs", headers={"authorization": f"Bearer {secret}"})
    assert answer.status_code == 404


async def test_an_instance_without_logs_says_why(http: httpx.AsyncClient, sandbox: Sandbox) -> None:
    [instance] = (await sandbox.api.query("{ instances { nodes { id } } }"))["instances"]["nodes"]
    await sandbox.api.change("deleteInstance", {"id": instance["id"]}, STARTED)
    answer = await http.get("/instances/shop/dev/logs")
    assert (answer.status_code, "DELETING" in answer.text) == (409, True)
