"""Logs and tasks followed from a terminal, on the API that everybody has."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from command import following, task
from command.logs import Wanted, show
from command.remote import Remote
from live.logs import hub
from settings import settings
from tests.kit import makers
from tests.kit.endpoint import application, service
from tests.kit.proxy import Proxy, proxied
from tests.kit.sandbox import Sandbox, working
from tests.transport.serving import listening

STARTED = "instance { id } task { id } problems { code message }"


@pytest.fixture(autouse=True)
async def quick(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Small batches, and short pauses before a stream is followed again."""
    monkeypatch.setenv("BERTH_LOG_FLUSH", "0.01")
    monkeypatch.setattr(following, "FIRST_PAUSE", 0.02)
    settings.cache_clear()
    yield
    await hub.close()
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
async def proxy(sandbox: Sandbox) -> AsyncIterator[tuple[Proxy, Remote]]:
    """The API over a connection that can be cut."""
    user = await makers.member(sandbox.world.organization)
    _, secret = await makers.token(user)
    async with listening(application(service())) as port, proxied(port) as (made, at):
        yield made, Remote(f"http://127.0.0.1:{at}/graphql", secret)


@pytest.fixture
def remote(proxy: tuple[Proxy, Remote]) -> Remote:
    return proxy[1]


async def ended(work: Any, *arguments: Any) -> int:
    """The status with which a command ends."""
    try:
        await asyncio.to_thread(work, *arguments)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


async def test_the_past_is_printed_by_name_and_by_id(
    sandbox: Sandbox, remote: Remote, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.simulator.behave(rate=500.0, line="line {n}")
    id = await sandbox.create()
    await asyncio.sleep(0.2)
    for name in (f"{sandbox.world.app.name}/dev", id):
        assert await ended(show, remote, Wanted(name, tail=5, services=["web"], prefix=False)) == 0
        numbers = [int(line.removeprefix("line ")) for line in capsys.readouterr().out.splitlines()]
        assert numbers == list(range(numbers[0], numbers[0] + 5))


async def test_what_is_followed_goes_on_with_every_line_once_however_often_it_is_cut(
    sandbox: Sandbox, proxy: tuple[Proxy, Remote], capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.simulator.behave(rate=200.0, line="line {n}")
    id = await sandbox.create()
    wanted = Wanted(id, follow=True, services=["web"], as_json=True)
    following_it = asyncio.create_task(ended(show, proxy[1], wanted))
    printed = ""
    for cuts_left in reversed(range(9)):
        before = len(printed)
        while len(printed) == before:
            await asyncio.sleep(0.05)
            printed += capsys.readouterr().out
        if cuts_left:
            proxy[0].cut()
    deleted = await sandbox.api.change("deleteInstance", {"id": id}, STARTED)
    assert deleted["problems"] == []
    await sandbox.drain()
    assert await following_it == 0
    told = capsys.readouterr()
    assert "The instance is deleted." in told.err
    lines = [json.loads(line) for line in (printed + told.out).splitlines()]
    assert {(line["service"], line["container"]) for line in lines} == {("web", "web")}
    numbers = [int(line["message"].removeprefix("line ")) for line in lines if line["message"].startswith("line ")]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


async def test_an_unknown_name_is_answered_with_those_there_are(
    sandbox: Sandbox, remote: Remote, capsys: pytest.CaptureFixture[str]
) -> None:
    await sandbox.create()
    assert await ended(show, remote, Wanted("shop/nope")) == 1
    assert capsys.readouterr().err == "There is no instance shop/nope. There are shop/dev.\n"


async def test_a_time_that_is_none_is_refused_in_words(
    sandbox: Sandbox, remote: Remote, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await ended(show, remote, Wanted("shop/dev", since="yesterday")) == 1
    assert "use 30s, 10m, 2h or 1d" in capsys.readouterr().err


async def test_a_token_that_is_none_ends_the_following(
    sandbox: Sandbox, remote: Remote, capsys: pytest.CaptureFixture[str]
) -> None:
    id = await sandbox.create()
    assert await ended(show, Remote(remote.url, "nonsense"), Wanted(id, follow=True)) == 1
    assert "The token is wrong" in capsys.readouterr().err


@pytest.mark.parametrize(("broken", "status", "last"), [(False, 0, "DONE"), (True, 1, "FAILED")])
async def test_a_task_is_told_step_by_step_and_its_end_is_the_status(
    sandbox: Sandbox,
    opened_database: str,
    remote: Remote,
    capsys: pytest.CaptureFixture[str],
    broken: bool,
    status: int,
    last: str,
) -> None:
    if broken:
        sandbox.simulator.behave("*worker*", pull="not found")
    given = {"appId": sandbox.world.app.id, "instance": sandbox.new_instance()}
    created = await sandbox.api.change("createInstance", given, STARTED)
    followed = asyncio.create_task(ended(task.follow, remote, created["task"]["id"]))
    async with working(opened_database):
        assert await followed == status
    told = capsys.readouterr().out
    assert "Wait until the pods are ready" in told
    assert any(line.startswith(last) for line in told.splitlines())
    assert ("cannot be pulled" in told) is broken
