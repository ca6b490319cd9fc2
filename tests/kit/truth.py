"""What must be true of an installation when all is quiet, whatever was killed before: found out from outside."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kube.clients import Cluster, connect
from kube.kubeconfig import embed, read
from kube.labels import INSTALLATION, MANAGED
from kube.resources import NAMESPACE, WRITTEN
from tests.kit.installation import Installation
from tests.kit.session import Session

Key = tuple[str, str]
"""Kind and name."""

Made = dict[str, dict[Key, tuple[str, int]]]
"""UID and generation of objects, by namespace."""

_UNENDED = "SELECT id, kind, state FROM task WHERE ended_at IS NULL"
_HELD = "SELECT id FROM task WHERE ended_at IS NOT NULL AND lease_token IS NOT NULL"
_EVENTS = """
SELECT subject, min(number) AS first, max(number) AS last, count(*) AS count,
       count(*) FILTER (WHERE kind = 'END') AS ends, max(number) FILTER (WHERE kind = 'END') AS "end"
FROM event GROUP BY subject
"""
_INSTANCES = """
SELECT id, name, state, namespace, failed_task_id FROM instance WHERE deleted_at IS NULL
"""
_MANIFESTS = "query($id: ID!) { node(id: $id) { ... on Instance { manifests { kind name } } } }"


def violations(berth: Installation, database_url: str, kubeconfig: Path) -> list[str]:
    """What is not as it must be, a sentence each: tasks and their events, instances, and what the cluster holds."""
    session = Session(database_url)
    try:
        instances = {row["namespace"]: row for row in session.rows(_INSTANCES)}
        ((installation,),) = [row.values() for row in session.rows("SELECT id FROM installation")]
        told = [*_of_tasks(session), *_of_events(session)]
    finally:
        session.close()
    held = made_by(installation, kubeconfig)
    for namespace in held.keys() - instances.keys():
        told.append(f"the namespace {namespace} is nobody's")
    for namespace, row in instances.items():
        told += _of_instance(berth, row, held.get(namespace))
    return told


def _of_tasks(session: Session) -> Iterator[str]:
    for row in session.rows(_UNENDED):
        yield f"{row['id']} ({row['kind']}) has not ended: {row['state']}"
    for row in session.rows(_HELD):
        yield f"{row['id']} has ended and is still held"


def _of_events(session: Session) -> Iterator[str]:
    """Numbered from 1 without a hole; those of a task with one end, which is the last."""
    for row in session.rows(_EVENTS):
        if (row["first"], row["last"]) != (1, row["count"]):
            yield f"the events of {row['subject']} have holes: {row['first']} to {row['last']}, {row['count']} of them"
        if row["subject"].startswith("tsk") and (row["ends"], row["end"]) != (1, row["last"]):
            yield f"{row['subject']} has {row['ends']} ends, the last at {row['end']} of {row['last']} events"


def _of_instance(berth: Installation, row: dict[str, Any], made: Mapping[Key, object] | None) -> Iterator[str]:
    who = f"{row['name']} ({row['id']}, {row['state']})"
    if row["state"] == "ERRORED":
        if row["failed_task_id"] is None:
            yield f"{who} is not explained"
        return
    if row["state"] not in ("OK", "AWAITING"):
        yield f"{who} is in no state to stay in"
    if made is None:
        yield f"{who} has no namespace"
        return
    held = set(made)
    wanted = {(one["kind"], one["name"]) for one in berth.remote.ask(_MANIFESTS, id=row["id"])["node"]["manifests"]}
    wanted -= {("Namespace", row["namespace"])}
    if row["state"] == "OK" and wanted - held:
        yield f"{who} lacks {sorted(wanted - held)}"
    if held - wanted:
        yield f"{who} has more than it should: {sorted(held - wanted)}"


def made_by(installation: str, kubeconfig: Path) -> Made:
    """The objects that an installation made in a cluster."""
    access = read(embed(kubeconfig.read_text(), kubeconfig.parent), allow_private=True)

    async def ask() -> Made:
        async with connect(access) as cluster:
            namespaces = [one["metadata"] for one in await _listed(cluster, NAMESPACE.path())]
            ours = [one for one in namespaces if one.get("annotations", {}).get(INSTALLATION) == installation]
            made: Made = {one["name"]: {} for one in ours}
            for resource in WRITTEN:
                for one in [found["metadata"] for found in await _listed(cluster, resource.path())]:
                    if one["namespace"] in made:
                        made[one["namespace"]][resource.kind, one["name"]] = (one["uid"], one.get("generation", 0))
            return made

    return asyncio.run(ask())


async def _listed(cluster: Cluster, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await cluster.request("GET", path, query={"labelSelector": MANAGED}))["items"]
    return found
