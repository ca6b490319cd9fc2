"""Going back: when a deployment fails, the services that ran well before it run again what they ran."""

from collections.abc import Mapping, Sequence

from jobs.applied import Object, applied_now, good_before, keep, key, objects_of, take_stock
from jobs.release import release_for
from jobs.steps import Run
from kube import rollout
from kube.apply import Item, apply, prune
from kube.clients import Cluster as Client
from kube.errors import KubeError
from kube.labels import REVISION, TASK
from kube.resources import CLAIM
from models.applied import FOUNDATION

PATIENCE = 60.0
"""Seconds within which what ran before must be ready again, where the task has them."""

_SHARE = 0.8
"""What of the time that is left to the task may go by until it is ready: what follows needs the rest."""


async def go_back(run: Run) -> list[str]:
    """Puts back what ran well before and was changed by this deployment, and follows it.

    What is to go back is written down first: once it is put back, it no longer shows. Returns the names of the services
    that run again what they ran. Raises: KubeError that may pass.
    """
    assert run.task.failing is not None
    if "back" not in run.task.failing:
        await run.note(back=await _changed(run))
    return await _go_back(run, run.task.failing["back"])


async def _changed(run: Run) -> list[str]:
    """The services that ran well before, and of which this deployment has applied something else."""
    before, now = await good_before(run), await applied_now(run)
    return [
        name
        for name, objects in now.items()
        if name != FOUNDATION and name in before and _unmarked(before[name]) != _unmarked(objects)
    ]


def _unmarked(objects: Sequence[Object]) -> list[Object]:
    """The objects without the labels that differ with each deployment."""
    found = []
    for made in objects:
        labels = {name: value for name, value in made["metadata"]["labels"].items() if name not in (TASK, REVISION)}
        found.append({**made, "metadata": {**made["metadata"], "labels": labels}})
    return found


async def _go_back(run: Run, services: Sequence[str]) -> list[str]:
    """Applies what the services ran, and follows it; the names of those that run it again."""
    if not services:
        return []
    instance, client = await run.instance(), await run.cluster()
    before = await good_before(run)
    back = {name: before[name] for name in services}
    await run.say(f"going back to what {', '.join(services)} ran before")
    await keep(run, back)
    limit = min(PATIENCE, _SHARE * max(0.0, await run.time_left()))
    try:
        await _put_back(run, client, back)
        follow = rollout.follow_objects(client, instance.namespace, back, deadline=limit)
        async for progress in follow:
            await run.say(f"going back: {progress.workload}: {progress.message}")
    except rollout.RolloutFailed as again:
        await run.log(f"{again.service} does not run as before either: {again.message}", level="ERROR")
        return [name for name in services if name != again.service]
    except KubeError as error:
        if error.retryable:
            raise
        await run.log(f"What ran before could not be put back: {error}", level="ERROR")
        return []
    await run.log(*(f"{name} runs again what it ran before" for name in services))
    return list(services)


async def _put_back(run: Run, client: Client, back: Mapping[str, Sequence[Object]]) -> None:
    """Applies it, without claims, which never shrink; takes away what the deployment added to these services."""
    instance = await run.instance()
    objects = [made for each in back.values() for made in each if made["kind"] != CLAIM.kind]
    items = await apply(client, objects, force=bool(run.task.input.get("force")))
    inventory = {(item["kind"], item["name"]): Item(**item) for item in instance.inventory}
    inventory |= {(item.kind, item.name): item for item in items}
    failed = objects_of(await release_for(run))
    kept = {key(made) for each in back.values() for made in each}
    added = [inventory.get(key(made)) for name in back for made in failed.get(name, ()) if key(made) not in kept]
    deleted = await prune(client, instance.namespace, [item for item in added if item is not None], [])
    await take_stock(run, [item for item in inventory.values() if item not in deleted])
