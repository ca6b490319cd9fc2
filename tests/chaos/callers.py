"""Those who use Berth meanwhile: each in a thread, with instances of its own, and mutations that it aborts."""

import random
import threading
import time
import uuid
from collections import Counter
from contextlib import suppress
from socket import SHUT_RDWR
from typing import Any

import orjson
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from command.remote import RemoteError
from tests.chaos.stack import Stack
from tests.kit.site import Site

CALLERS = 5
_STATE = """query($id: ID!) { node(id: $id) { ... on Instance {
  state outdated services { id name } tasks(first: 1) { nodes { id endedAt } }
} } }"""
_DEPLOY = "mutation($input: DeployInstanceInput!) { deployInstance(input: $input) { problems { code } } }"


class Callers:
    """Start and stop; then `told` says what they did and what they were told."""

    def __init__(self, site: Site, stack: Stack, chance: random.Random, instances: int) -> None:
        self.did: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.aborted = 0
        self._site = site
        self._stopped = threading.Event()
        self._app = site.berth.app("chaos", stack.id, site.instance("first"))
        self._environment, self._cluster = site.berth.environment(), site.cluster
        seeds = [chance.randrange(1_000_000) for _ in range(CALLERS)]
        shares = [instances // CALLERS + (number < instances % CALLERS) for number in range(CALLERS)]
        self._threads = [
            threading.Thread(target=self._call, args=(number, random.Random(seed), share))
            for number, (seed, share) in enumerate(zip(seeds, shares, strict=True))
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Returns when the last call was answered."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def told(self) -> list[str]:
        did = ", ".join(f"{name} {count}" for name, count in sorted(self.did.items()))
        refused = ", ".join(f"{count} x {said}" for said, count in self.refused.most_common(8))
        return [f"called: {did}, aborted in flight {self.aborted}", f"told: {refused}"]

    def abort(self, count: int) -> None:
        """Sends so many deployments of one instance over a websocket, and cuts it before the answers."""
        remote = self._site.berth.remote
        where = remote.url.replace("http", "ws", 1)
        protocols = [Subprotocol("graphql-transport-ws")]
        with (
            suppress(OSError, WebSocketException, TimeoutError),
            connect(where, subprotocols=protocols, open_timeout=5, close_timeout=1) as socket,
        ):
            socket.send(orjson.dumps({"type": "connection_init", "payload": {"token": remote.token}}).decode())
            socket.recv(timeout=5)
            given = {"id": self._app["instance"], "onConflict": "SUPERSEDE"}
            for number in range(count):
                payload = {"query": _DEPLOY, "variables": {"input": given}}
                socket.send(orjson.dumps({"id": str(number), "type": "subscribe", "payload": payload}).decode())
                self.aborted += 1
            socket.socket.shutdown(SHUT_RDWR)

    def _call(self, number: int, chance: random.Random, share: int) -> None:
        names = [f"c{number}-{slot}" for slot in range(share)]
        made: dict[str, str] = {}
        while not self._stopped.is_set():
            name = chance.choice(names)
            try:
                if name in made:
                    self._change(chance, made, name)
                else:
                    made[name] = self._create(name)
            except RemoteError as refused:
                self.refused[str(refused).partition(".")[0].replace(name, "…")[:80]] += 1
            time.sleep(chance.uniform(0.05, 0.5))

    def _create(self, name: str) -> str:
        """Asks with one key until there is an answer, as a client does that was cut off."""
        key = uuid.uuid4().hex
        instance = {"name": name, "environmentId": self._environment, "clusterId": self._cluster}
        given = {"appId": self._app["app"], "instance": instance, "idempotencyKey": key}
        while True:
            try:
                made = self._site.berth.remote.change("createInstance", given, "instance { id }")
            except RemoteError as failed:
                if self._stopped.is_set() or not _may_pass(failed):
                    raise
                time.sleep(0.5)
            else:
                self.did["createInstance"] += 1
                return str(made["instance"]["id"])

    def _change(self, chance: random.Random, made: dict[str, str], name: str) -> None:
        remote, id = self._site.berth.remote, made[name]
        shown = remote.ask(_STATE, id=id)["node"]
        if shown is None:
            del made[name]
            return
        wanted, given = self._chosen(chance, id, shown)
        if wanted:
            remote.change(wanted, given, "task { id }")
            self.did[wanted] += 1

    def _chosen(self, chance: random.Random, id: str, shown: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        if shown["state"] == "ERRORED" or chance.random() < 0.15:
            return "deleteInstance", {"id": id, "force": chance.random() < 0.1}
        if chance.random() < 0.05 and shown["tasks"]["nodes"] and not shown["tasks"]["nodes"][0]["endedAt"]:
            return "cancelTask", {"id": shown["tasks"]["nodes"][0]["id"]}
        if shown["state"] not in ("OK", "AWAITING"):
            return "", {}
        if shown["outdated"] and chance.random() < 0.5:
            return "upgradeInstance", {"id": id}
        return "deployInstance", {"id": id, "onConflict": chance.choice(["QUEUE", "SUPERSEDE", "REJECT"])}


def _may_pass(failed: RemoteError) -> bool:
    return any(words in str(failed) for words in ("does not answer", "Try again", "UNREACHABLE", "is not a GraphQL"))
