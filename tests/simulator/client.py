"""The few requests that the simulator's tests make, and the documents that they send."""

import asyncio
import json
from typing import Any

import aiohttp

from simulator import Simulator

TOKEN = "let-me-in"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
PODS = "/api/v1/namespaces/shop/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments"
CONFIG_MAPS = "/api/v1/namespaces/shop/configmaps"
Object = dict[str, Any]


class Client:
    """Requests that are expected to succeed return the document; `refused` returns the Status of those that are not."""

    def __init__(self, sim: Simulator, session: aiohttp.ClientSession) -> None:
        self.sim, self.session = sim, session

    async def send(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> tuple[int, Any]:
        data = json.dumps(body) if body is not None else None
        async with self.session.request(method, path, data=data, headers={"Content-Type": kind}) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if answer.content_type == "application/json" else text

    async def _done(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        status, found = await self.send(method, path, body, kind)
        assert status in {200, 201}, found
        return found

    async def get(self, path: str) -> Any:
        return await self._done("GET", path)

    async def post(self, path: str, body: Object) -> Any:
        return await self._done("POST", path, body)

    async def put(self, path: str, body: Object) -> Any:
        return await self._done("PUT", path, body)

    async def merge(self, path: str, body: Object) -> Any:
        return await self._done("PATCH", path, body, MERGE)

    async def apply(self, path: str, body: Object, *, manager: str = "tester", force: bool = False) -> Any:
        return await self._done("PATCH", f"{path}?fieldManager={manager}&force={str(force).lower()}", body, APPLY)

    async def delete(self, path: str, body: Object | None = None) -> Any:
        return await self._done("DELETE", path, body)

    async def refused(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        status, found = await self.send(method, path, body, kind)
        assert status >= 400, found
        assert found["code"] == status
        return found

    async def advance(self, seconds: float) -> None:
        await self.sim.advance(seconds)

    async def stream(self, path: str) -> "Stream":
        return Stream(await self.session.get(path))


class Stream:
    """An answer that is read line by line."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer

    async def line(self) -> str:
        """The next line; empty at a clean end."""
        async with asyncio.timeout(5):
            return (await self.answer.content.readline()).decode()

    async def event(self) -> tuple[str, Any]:
        """The next event of a watch."""
        found = json.loads(await self.line())
        return found["type"], found["object"]

    async def rest(self) -> str:
        """Everything up to the end."""
        async with asyncio.timeout(5):
            return (await self.answer.read()).decode()

    def close(self) -> None:
        self.answer.close()


def config_map(name: str = "settings", **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def pod_spec(**container: Any) -> Object:
    return {"containers": [{"name": "web", "image": "nginx:1.27", **container}]}


def pod(name: str = "web", annotations: dict[str, str] | None = None, **spec: Any) -> Object:
    meta: Object = {"name": name, "labels": {"app": name}, "annotations": annotations or {}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {**pod_spec(), **spec}}


def workload(kind: str = "Deployment", name: str = "web", annotations: dict[str, str] | None = None,
             **spec: Any) -> Object:  # fmt: skip
    labels = {"app": name}
    template = {"metadata": {"labels": labels, "annotations": annotations or {}}, "spec": pod_spec()}
    return {
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": labels}, "template": template, **spec},
    }  # fmt: skip


def conditions(obj: Object) -> dict[str, tuple[str, str]]:
    """Status and reason of each condition."""
    rows = obj["status"].get("conditions") or []
    return {row["type"]: (row["status"], row.get("reason", "")) for row in rows}


def container(obj: Object) -> Any:
    """The status of a pod's first container."""
    return obj["status"]["containerStatuses"][0]
