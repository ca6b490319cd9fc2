"""From a mutation to what a viewer sees: the first event of its task, an instance that is OK, two hundred at once.

Everything runs as `make demo` starts it: API, worker, PostgreSQL, Valkey and the simulated cluster (pods up in 0.3 s),
each a process of its own.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any

import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect

from command.ports import free
from tests.kit.processes import family

ROOT = Path(__file__).parents[2]
ONE_BY_ONE, AT_ONCE = 20, 200
PAGE = os.sysconf("SC_PAGE_SIZE")
CREATE = """mutation($input: CreateInstanceInput!) { createInstance(input: $input) {
  instance { id } task { id } problems { message } } }"""
FOLLOW = "subscription($id: ID!) { taskEvents(id: $id) { __typename ... on StepChanged { stepState } } }"
NEEDED = """{ app(name: "shop") { id } clusters(first: 1) { nodes { id } }
  environment(name: "dev") { id } }"""
COUNTS = """{ all: instances { totalCount } ok: instances(filter: {states: [OK]}) { totalCount }
  stuck: instances(filter: {states: [AWAITING, ERRORED]}) { totalCount } }"""


class Demo:
    """A running demo, its API and its processes."""

    def __init__(self, url: str, token: str, pid: int, client: httpx.AsyncClient) -> None:
        self.url, self.token, self.client = url, token, client
        words = {one: Path(f"/proc/{one}/cmdline").read_bytes().split(b"\0") for one in family(pid)}
        self.worker = next(one for one, said in words.items() if b"worker" in said)
        self.needed: Any = None

    async def ask(self, document: str, **variables: Any) -> Any:
        answer = await self.client.post(self.url, json={"query": document, "variables": variables})
        body = answer.json()
        assert "errors" not in body, body
        return body["data"]

    async def create(self, name: str) -> str:
        """Creates an instance; the id of its task."""
        self.needed = self.needed or await self.ask(NEEDED)
        instance = {
            "name": name,
            "clusterId": self.needed["clusters"]["nodes"][0]["id"],
            "environmentId": self.needed["environment"]["id"],
        }
        given = {"appId": self.needed["app"]["id"], "instance": instance}
        made = (await self.ask(CREATE, input=given))["createInstance"]
        assert made["problems"] == [], made
        return str(made["task"]["id"])

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[ClientConnection]:
        """A websocket that has said who it is."""
        address = self.url.replace("http", "ws", 1)
        async with connect(address, subprotocols=["graphql-transport-ws"]) as websocket:  # type: ignore[list-item]
            await websocket.send(orjson.dumps({"type": "connection_init", "payload": {"token": self.token}}).decode())
            await websocket.recv()
            yield websocket

    async def first_step_and_end(self, websocket: ClientConnection, name: str) -> tuple[float, float]:
        """Seconds from the mutation's answer to the first step event, and from its sending to the task's end."""
        sent = monotonic()
        task = await self.create(name)
        answered = monotonic()
        payload = {"query": FOLLOW, "variables": {"id": task}}
        await websocket.send(orjson.dumps({"id": task, "type": "subscribe", "payload": payload}).decode())
        first = 0.0
        while True:
            message = orjson.loads(await websocket.recv())
            if message["type"] == "complete":
                return first - answered, monotonic() - sent
            kind = message["payload"]["data"]["taskEvents"]["__typename"]
            if kind in ("StepChanged", "TaskEnded") and not first:
                first = monotonic()

    async def all_at_once(self, number: int) -> tuple[float, int]:
        """Seconds until so many instances, created at once, are OK; and the most bytes that the worker held."""
        began, most = monotonic(), 0
        await asyncio.gather(*(self.create(f"many-{one}") for one in range(number)))
        while True:
            most = max(most, resident(self.worker))
            counts = await self.ask(COUNTS)
            assert counts["stuck"]["totalCount"] == 0, counts
            if counts["ok"]["totalCount"] == counts["all"]["totalCount"]:
                return monotonic() - began, most
            await asyncio.sleep(0.2)


def resident(pid: int) -> int:
    """The bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE


@asynccontextmanager
async def demo() -> AsyncIterator[Demo]:
    """A demo of its own, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="berth-bench-") as folder:
        known = Path(folder) / "demo.json"
        environment = {name: value for name, value in os.environ.items() if name != "KUBECONFIG"}
        environment |= {"BERTH_VAR": folder, "BERTH_PORT": str(free("127.0.0.1"))}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "cli.py", "demo", cwd=ROOT, env=environment, stdout=asyncio.subprocess.DEVNULL
        )
        try:
            async with asyncio.timeout(120):
                while not known.exists():
                    await asyncio.sleep(0.1)
            said = orjson.loads(known.read_bytes())
            headers = {"authorization": f"Bearer {said['token']}"}
            async with httpx.AsyncClient(headers=headers, timeout=120) as client:
                yield Demo(said["url"], said["token"], process.pid, client)
        finally:
            process.terminate()
            await process.wait()


async def run() -> list[str]:
    """The lines to print."""
    async with demo() as running, running.socket() as websocket:
        times = [await running.first_step_and_end(websocket, f"one-{number}") for number in range(ONE_BY_ONE)]
        seconds, memory = await running.all_at_once(AT_ONCE)
    return [
        "",
        f"one instance after another ({ONE_BY_ONE}), medians",
        f"  mutation's answer to first step event   {1000 * median(one[0] for one in times):6.0f} ms   (bound: 150 ms)",
        f"  createInstance to OK                    {1000 * median(one[1] for one in times):6.0f} ms   (bound: 2 s)",
        f"{AT_ONCE} instances created at once",
        f"  all OK after                            {seconds:6.1f} s    (bound: 60 s)",
        f"  most memory of the worker               {memory / 2**20:6.0f} MB   (bound: 300 MB)",
    ]
