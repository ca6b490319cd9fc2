"""What the namespace allows its pods: loosened before a deployment applies anything, tightened when it is through.

In between, the pods of the deployment before may still need what they had, and so they may after one that failed.
"""

from typing import Any

from jobs.release import Release, release_for
from jobs.steps import Run
from kube import namespaces
from kube.clients import Cluster as Client
from kube.manifests import Level, level_of
from models import Instance
from rules.enums import PodSecurity


async def loosen(run: Run, client: Client, release: Release) -> None:
    """Allows what the release needs, beside what is allowed already. Raises: KubeError."""
    instance = await run.instance()
    assert instance.namespace_uid is not None
    await namespaces.own(client, instance.namespace, instance.namespace_uid)
    level = level_of(release.plan)
    if level == "baseline":
        await _enforce(run, client, release, level)


async def tighten(run: Run) -> None:
    """Allows no more than the release needs, which is all that is left in the namespace."""
    release = await release_for(run)
    await _enforce(run, await run.cluster(), release, level_of(release.plan))


async def _enforce(run: Run, client: Client, release: Release, level: Level) -> None:
    """Makes the namespace enforce a level of pod security, and says so. Raises: KubeError."""
    instance = await run.instance()
    assert instance.namespace_uid is not None
    if await namespaces.enforce(client, instance.namespace, instance.namespace_uid, level):
        await run.log(said(release, level))
    async with run.fenced() as (connection, _):
        await Instance.filter(id=instance.id).using_db(connection).update(**columns(release, level))


def columns(release: Release, level: Level) -> dict[str, Any]:
    """What an instance's row keeps of it: the level, and which services need the looser one."""
    return {"pod_security": PodSecurity(level.upper()), "rooted_services": list(release.plan.rooted)}


def said(release: Release, level: Level) -> str:
    """The level in words, with the services that need the looser one."""
    told = f'The namespace enforces the pod security level "{level}"'
    return f"{told}: {', '.join(release.plan.rooted)} may start as root." if release.plan.rooted else f"{told}."
