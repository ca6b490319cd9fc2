"""Pods that do the same everywhere: a real node runs their script, the simulated one follows its annotations."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from kube.clients import Cluster
from kube.labels import Identity
from kube.resources import POD, Resource
from kube.watch import follow
from tests.kube.plans import IMAGE

Object = dict[str, Any]
Query = dict[str, str | int | bool]


@dataclass(frozen=True, slots=True)
class Script:
    """What a container does: it says something at once, then talks so many lines a second, until it ends.

    says: with the escapes of `printf %b`. ends: its exit code, `after` seconds past its start; None to run on.
    """

    says: str = ""
    talks: int = 0
    ends: int | None = None
    after: int = 0

    def shell(self) -> str:
        talk = f"i=1; while true; do echo line $i; i=$((i+1)); sleep {1 / self.talks if self.talks else 0}; done"
        steps = [f"printf '%b' '{self.says}'"] if self.says else []
        if self.ends is not None:
            steps += [talk + " &"] if self.talks else []
            steps += [f"sleep {self.after}"] if self.after else []
            return "; ".join([*steps, f"exit {self.ends}"]).replace("&;", "&")
        return "; ".join([*steps, talk if self.talks else "sleep 100000"])

    def annotations(self, name: str) -> dict[str, str]:
        told: dict[str, Any] = {"first": self.says, "rate": self.talks, "line": "line {n}"}
        if self.ends is not None:
            told |= {"exit": self.ends, "after": self.after}
        return {f"simulator/{option}.{name}": str(value) for option, value in told.items()}


def pod(owner: Identity, name: str, *scripts: Script, inits: tuple[Script, ...] = (), **spec: Any) -> Object:
    """A pod with a container for each script, called a, b, c, and init containers called x, y, z."""
    named = dict(zip("abc", scripts or (Script(),), strict=False))
    before = dict(zip("xyz", inits, strict=False))
    annotations: dict[str, str] = {}
    for letter, script in (named | before).items():
        annotations |= script.annotations(letter)
    made: Object = {"containers": [container(*pair) for pair in named.items()], "terminationGracePeriodSeconds": 1}
    if before:
        made["initContainers"] = [container(*pair) for pair in before.items()]
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": owner.namespace, "labels": {"app": name}, "annotations": annotations},
        "spec": {**made, "automountServiceAccountToken": False, "enableServiceLinks": False} | spec,
    }  # fmt: skip


def container(name: str, script: Script) -> Object:
    return {"name": name, "image": IMAGE, "command": ["/bin/sh", "-c", script.shell()]}


async def start(
    cluster: Cluster, owner: Identity, name: str, *scripts: Script, inits: tuple[Script, ...] = (), **spec: Any
) -> Object:
    """Makes the pod and waits until all its containers run, or have run; the pod then."""
    await cluster.request("POST", POD.path(owner.namespace), body=pod(owner, name, *scripts, inits=inits, **spec))
    return await seen(cluster, owner, POD, name, has_started)


def has_started(found: Object) -> bool:
    rows = found.get("status", {}).get("containerStatuses") or []
    return bool(rows) and all("containerID" in row for row in rows)


def has_ended(found: Object) -> bool:
    return found.get("status", {}).get("phase") in {"Succeeded", "Failed"}


def state(found: Object, name: str = "a") -> Object:
    """The state of a container: {"running": ...}, {"waiting": ...} or {"terminated": ...}; empty before any."""
    status = found.get("status", {})
    rows = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    return next((row["state"] for row in rows if row["name"] == name), {})


def restarts(found: Object) -> int:
    return sum(row["restartCount"] for row in found.get("status", {}).get("containerStatuses") or [])


async def seen(
    cluster: Cluster, owner: Identity, resource: Resource, name: str, true: Callable[[Object], bool],
    seconds: float = 60,
) -> Object:  # fmt: skip
    """Watches one object of the owner's namespace until this is true of it; the object then."""
    stream = follow(cluster, resource, namespace=owner.namespace, fields=f"metadata.name={name}")
    last: Object = {}
    try:
        async with asyncio.timeout(seconds), aclosing(stream) as changes:
            async for change in changes:
                if change.type in {"ADDED", "MODIFIED"}:
                    last = change.object
                    if true(last):
                        return last
    except TimeoutError:
        raise AssertionError(f"it did not come true of {resource.kind} {name} in {seconds:g} s: {last}") from None
    raise AssertionError("a followed collection has no end")


async def gone(cluster: Cluster, owner: Identity, resource: Resource, name: str) -> None:
    """Waits until there is no such object in the owner's namespace."""
    stream = follow(cluster, resource, namespace=owner.namespace, fields=f"metadata.name={name}")
    there = False
    async with asyncio.timeout(60), aclosing(stream) as changes:
        async for change in changes:
            there = change.type in {"ADDED", "MODIFIED"} or (there and change.type != "DELETED")
            if not there:
                return


async def log(cluster: Cluster, owner: Identity, name: str, **query: str | int | bool) -> bytes:
    """The log as it is now, or all of it up to its end where it is followed."""
    async with cluster.stream(POD.path(owner.namespace, name, "log"), query=query) as answer:
        return await answer.content.read()
