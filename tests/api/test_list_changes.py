"""Changes of the list of instances: what comes in, changes and leaves, for any reason; and coming back by cursor."""

import asyncio
import base64
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from time import time
from typing import Any

import pytest
from tortoise.connection import get_connection
from tortoise.transactions import in_transaction

from live.events import bells
from live.windows import windows
from models import Membership, Token
from models.event import append
from resolvers.list_changes import Cursor
from tests.kit import makers
from tests.kit.chosen import Choose
from tests.kit.client import Api
from tests.kit.sandbox import Sandbox
from tests.kit.waiting import until

FOLLOW = """subscription($filter: InstanceFilter, $after: String) {
  instancesChanged(filter: $filter, after: $after) {
    is: __typename
    ... on Event { cursor }
    ... on InstancesChanged { inserted { id name state } updated { id name state } removed }
    ... on StreamEnded { endReason retryable }
} }"""
LIST = "query($filter: InstanceFilter) { instances(filter: $filter, first: 100) { nodes { id name state } } }"

Stream = AsyncGenerator[dict[str, Any], None]


@pytest.fixture(autouse=True)
async def listening(opened_database: str, choose: Choose) -> AsyncIterator[None]:
    """This process hears of new events, as an API process does."""
    choose(log_flush=0.01, token_recheck=0.1, heartbeat=0.2)
    bells.open(opened_database)
    yield
    await bells.close()


async def following(api: Api, filter: dict[str, Any] | None = None, after: str | None = None) -> Stream:
    async with aclosing(api.follow(FOLLOW, filter=filter, after=after)) as stream:  # type: ignore[type-var]
        async for event in stream:
            yield event["instancesChanged"]


class Screen:
    """A client's list: read once, then kept as the stream tells."""

    def __init__(self, api: Api, filter: dict[str, Any] | None = None) -> None:
        self.api = api
        self.filter = filter
        self.rows: dict[str, Any] = {}
        self.cursor: str | None = None
        self.told: list[dict[str, Any]] = []
        self._task: asyncio.Task[None] | None = None
        self.begun = asyncio.Event()

    async def open(self) -> None:
        self._task = asyncio.create_task(self._follow())
        async with asyncio.timeout(10):
            await self.begun.wait()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        async with aclosing(following(self.api, self.filter, self.cursor)) as stream:
            async for event in stream:
                if event["is"] == "ListFollowed":
                    self.rows = {one["id"]: one for one in await self.read()}
                self.cursor = event["cursor"]
                if event["is"] == "InstancesChanged":
                    self.told.append(event)
                    self.rows |= {one["id"]: one for one in event["inserted"] + event["updated"]}
                    for id in event["removed"]:
                        self.rows.pop(id, None)
                self.begun.set()

    async def read(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.api.query(LIST, filter=self.filter))["instances"]["nodes"]
        return found

    async def settled(self) -> None:
        """Waits until it shows what a query shows."""

        async def same() -> bool:
            return {one["id"]: one for one in await self.read()} == self.rows

        await until(same, True)


@pytest.fixture
async def screens() -> AsyncIterator[list[Screen]]:
    opened: list[Screen] = []
    yield opened
    for screen in opened:
        await screen.close()


async def shown(screens: list[Screen], api: Api, filter: dict[str, Any] | None = None) -> Screen:
    screen = Screen(api, filter)
    screens.append(screen)
    await screen.open()
    return screen


async def test_lists_show_what_queries_show_through_lives_of_instances(sandbox: Sandbox, screens: list[Screen]) -> None:
    await sandbox.create("before")
    every = await shown(screens, sandbox.api)
    running = await shown(screens, sandbox.api, {"states": ["OK"]})
    other = await shown(screens, sandbox.api, {"app": "app_00000000000000000000000000"})
    assert [one["name"] for one in every.rows.values()] == ["before"]
    made = await sandbox.create("made")
    for screen in (every, running):
        await screen.settled()
    assert {one["name"]: one["state"] for one in running.rows.values()} == {"before": "OK", "made": "OK"}
    await sandbox.api.change("renameInstance", {"id": made, "title": "New"}, "problems { code }")
    await sandbox.api.change("deployInstance", {"id": made}, "problems { code }")
    await every.settled()
    await running.settled()
    await sandbox.drain()
    await sandbox.api.change("deleteInstance", {"id": made}, "problems { code }")
    await running.settled()
    assert made in [id for event in running.told for id in event["removed"]]
    await sandbox.drain()
    for screen in (every, running, other):
        await screen.settled()
    assert [id for event in every.told for id in event["removed"]] == [made]
    assert other.told == []


async def test_who_comes_back_gets_what_was_missed(sandbox: Sandbox, screens: list[Screen]) -> None:
    gone, kept = await sandbox.create("gone"), await sandbox.create("kept")
    screen = await shown(screens, sandbox.api, {"states": ["OK"]})
    await screen.settled()
    await screen.close()
    await sandbox.api.change("deleteInstance", {"id": gone}, "problems { code }")
    await sandbox.create("new")
    await sandbox.api.change("renameInstance", {"id": kept, "title": "Kept"}, "problems { code }")
    screen.begun.clear()
    await screen.open()
    await screen.settled()
    told = screen.told[-1]
    assert {one["name"] for one in told["inserted"]} == {"new", "kept"}
    assert told["removed"] == [gone]


async def test_what_a_slow_transaction_writes_is_told_though_later_ones_were(
    sandbox: Sandbox, screens: list[Screen]
) -> None:
    slow, quick = await sandbox.create("slow"), await sandbox.create("quick")
    screen = await shown(screens, sandbox.api)
    of = sandbox.world.organization.id
    async with in_transaction() as connection:
        await append(connection, slow, of, "CHANGED", {"title": "Slow"})
        await sandbox.api.change("renameInstance", {"id": quick, "title": "Quick"}, "problems { code }")
        await asyncio.sleep(0.3)
        assert screen.told == []  # what is told has a place to go on from, and nothing comes to be below it
        await screen.close()
    screen.begun.clear()
    await screen.open()

    async def told() -> set[str]:
        return {one["name"] for event in screen.told for one in event["inserted"] + event["updated"]}

    await until(told, {"slow", "quick"})


async def test_what_becomes_outdated_or_hidden_without_an_event_is_told(
    sandbox: Sandbox, screens: list[Screen]
) -> None:
    id = await sandbox.create()
    outdated = await shown(screens, sandbox.api, {"outdated": True})
    every = await shown(screens, sandbox.api)
    assert outdated.rows == {}
    of = sandbox.world.organization
    await makers.stack(of, "shop", (await makers.service(of, "web", makers.service_manifest("web")),))

    async def ids(screen: Screen) -> list[str]:
        return list(screen.rows)

    nothing: list[str] = []
    await until(partial(ids, outdated), [id])
    await Membership.filter(user_id=sandbox.world.owner.user_id).delete()
    for screen in (outdated, every):
        await until(partial(ids, screen), nothing)


async def test_a_revoked_token_ends_the_stream(sandbox: Sandbox) -> None:
    async with asyncio.timeout(10), aclosing(following(sandbox.api)) as stream:
        assert (await anext(stream))["is"] == "ListFollowed"
        await Token.filter(id=sandbox.world.owner.token_id).delete()
        async for event in stream:
            if event["is"] == "StreamEnded":
                assert (event["endReason"], event["retryable"]) == ("ACCESS_LOST", False)
                return
    raise AssertionError("it did not end by name")


async def test_others_are_told_nothing(sandbox: Sandbox, screens: list[Screen]) -> None:
    stranger = await makers.world("strangers")
    screen = await shown(screens, Api(stranger.owner))
    id = await sandbox.create()
    await sandbox.api.change("deleteInstance", {"id": id}, "problems { code }")
    await sandbox.drain()
    await asyncio.sleep(0.3)
    assert (screen.rows, screen.told) == ({}, [])
    await screen.close()
    screen.begun.clear()
    await screen.open()
    assert screen.told == []


@pytest.mark.parametrize("text", ["", "nonsense", "WzEsMiwiYSJd", "W10", "x" * 10_000, "é"])
async def test_a_cursor_that_is_none_is_refused(sandbox: Sandbox, text: str) -> None:
    assert await refused(sandbox.api, after=text) == "INVALID_CURSOR"


async def refused(api: Api, **given: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        await anext(api.follow(FOLLOW, **given))
    found = re.search(r"[A-Z_]{5,}", str(caught.value))
    assert found is not None
    return found[0]


async def test_a_cursor_of_another_filter_is_refused_and_an_old_one_asks_for_all_anew(
    sandbox: Sandbox,
) -> None:
    async with aclosing(following(sandbox.api)) as stream:
        cursor = (await anext(stream))["cursor"]
    assert await refused(sandbox.api, after=cursor, filter={"states": ["OK"]}) == "INVALID_CURSOR"
    fresh = Cursor.read(cursor, digest_of(cursor))
    too_old = replace(fresh, at=int(time()) - 400 * 86_400)
    restored = replace(fresh, horizon=fresh.horizon + 10**9)  # of a database that was since put back from a backup
    for one in (too_old, restored):
        async with aclosing(following(sandbox.api, None, str(one))) as stream:
            ended = await anext(stream)
        assert (ended["is"], ended["endReason"], ended["retryable"]) == ("StreamEnded", "RESYNC_REQUIRED", True)


def digest_of(cursor: str) -> str:
    return str(json.loads(base64.urlsafe_b64decode(cursor + "==="))[2])


async def test_many_changes_come_in_pieces_and_nothing_reads_when_nobody_follows(
    sandbox: Sandbox, screens: list[Screen], choose: Choose
) -> None:
    choose(token_recheck=60)
    screen = await shown(screens, sandbox.api)
    made = [await makers.instance(sandbox.world, f"one-{number}") for number in range(250)]
    of = sandbox.world.organization.id
    async with in_transaction() as connection:
        for one in made:
            await append(connection, one.id, of, "CHANGED", {"title": one.name})

    async def rows() -> int:
        return len(screen.rows)

    await until(rows, 250)
    assert max(len(event["inserted"]) for event in screen.told) == 100
    await screen.close()
    assert (windows._feeds, windows._reader) == (set(), None)


async def test_a_lost_connection_to_the_database_loses_no_change(
    sandbox: Sandbox, screens: list[Screen], choose: Choose
) -> None:
    choose(token_recheck=60)  # by the windows alone
    screen = await shown(screens, sandbox.api)
    others = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await get_connection("default").execute_query(others)
    made = await makers.instance(sandbox.world, "made")
    async with in_transaction() as connection:
        await append(connection, made.id, sandbox.world.organization.id, "CHANGED", {"title": "Made"})
    await screen.settled()
    assert [one["name"] for one in screen.rows.values()] == ["made"]
