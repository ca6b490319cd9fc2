"""What the namespace allows its pods: loosened before a deployment applies anything, tightened when it is through.

In between, the pods of the deployment before may still need what they had, and so they may after one that failed.
"""

from typing import Any

from jobs.applied import Object, applied_before, applied_now, keep, objects_of
from jobs.prepare import needed
from jobs.release import Release, release_for
from jobs.steps import Run
from kube import namespaces
from kube.apply import apply, rehearse
from kube.clients import Cluster as Client
from kube.manifests import Level, foundation, level_of, widened
from models import Instance
from models.applied import FOUNDATION
from rules.enums import PodSecurity


async def make_room(run: Run, client: Client, base: list[Object], *, force: bool) -> None:
    """Applies what belongs to the instance as a whole, its limits no tighter than they are. Raises: KubeError."""
    before = (await applied_before(run)).get(FOUNDATION, [])
    objects = widened(base, before)
    if (await applied_now(run)).get(FOUNDATION) == objects:
        return
    await keep(run, {FOUNDATION: objects})
    await rehearse(client, objects, force=force)
    await apply(client, objects, force=force)


async def loosen(run: Run, client: Client, release: Release) -> None:
    """Allows what the release needs, beside what is allowed already. Raises: KubeError."""
    level = level_of(release.plan)
    if level == "baseline":
        await _enforce(run, client, release, level)


async def tighten(run: Run) -> None:
    """Allows no more than the release needs, which is all that is left in the namespace."""
    release, client = await release_for(run), await run.cluster()
    await _enforce(run, client, release, level_of(release.plan))
    now = await applied_now(run)
    base = foundation(release.identity, needed(release, now, objects_of(release)))
    if now.get(FOUNDATION) != base:
        await keep(run, {FOUNDATION: base})
        await apply(client, base, force=bool(run.task.input.get("force")))
        await run.log("The namespace's quota and limits are what its services need now.")


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
