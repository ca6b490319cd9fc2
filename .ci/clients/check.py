"""Follows logs and tasks of a Berth with Python's gql, as its own documents say. `python check.py demo.json`."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportQueryError
from gql.transport.websockets import WebsocketsTransport

LOGS = gql("""subscription ($id: ID!, $filter: LogFilter, $after: String) {
  instanceLogs(instanceId: $id, filter: $filter, tail: 1, after: $after) {
    kind: __typename ... on LogBatch { cursor lines { message } }
  }
}""")
TASK = gql("subscription ($id: ID!) { taskEvents(id: $id) { kind: __typename } }")
FIRST = gql("{ viewer { id } instances(first: 1) { nodes { id } } tasks(first: 1) { nodes { id } } }")
FILTER = {"services": ["log-writer"], "contains": "log-writer line"}


async def main(demo: dict[str, str]) -> None:
    url, token = demo["url"], demo["token"]
    http = AIOHTTPTransport(url=url, headers={"Authorization": f"Bearer {token}"}, ssl=False)
    async with Client(transport=http, fetch_schema_from_transport=True) as session:
        found = await session.execute(FIRST)
    assert found["viewer"]["id"].startswith("usr_")
    instance, task = found["instances"]["nodes"][0]["id"], found["tasks"]["nodes"][0]["id"]
    print("gql asks, and reads the schema: ok")

    def client() -> Client:
        return Client(transport=WebsocketsTransport(url=url.replace("http", "ws", 1), init_payload={"token": token}))

    numbers: list[int] = []
    cursor: str | None = None
    for _ in range(3):  # each time over a socket of its own, from where the one before was left
        async with client() as session:
            given = {"id": instance, "filter": FILTER, "after": cursor}
            seen, cursor = await _some(session, given)
            numbers += seen
    assert len(numbers) > 5, numbers
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), numbers
    print("gql follows logs over three sockets, every line once: ok")

    async with client() as session:
        kinds = [event["taskEvents"]["kind"] async for event in session.subscribe(TASK, variable_values={"id": task})]
        assert kinds[-1] == "TaskEnded", kinds
        print("gql follows a task to its end: ok")
        try:
            await anext(aiter(session.subscribe(TASK, variable_values={"id": "tsk_none"})))
        except TransportQueryError as refused:
            assert refused.errors and refused.errors[0]["extensions"]["code"] == "NOT_FOUND", refused.errors
            print("gql is refused by name: ok")
        else:
            raise AssertionError("it was not refused")


async def _some(session: Any, given: dict[str, Any]) -> tuple[list[int], str | None]:
    numbers: list[int] = []
    async for event in session.subscribe(LOGS, variable_values=given):
        batch = event["instanceLogs"]
        numbers += [int(line["message"].split()[-1]) for line in batch.get("lines", [])]
        if batch["kind"] == "LogBatch" and len(numbers) >= 3:
            return numbers, batch["cursor"]
    raise AssertionError("the stream ended")


asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))
