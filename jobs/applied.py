"""What a task applies, written down before the first object is sent, so that it is known whatever happens after."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from jobs.release import Release
from jobs.steps import Run
from kube.apply import Item
from kube.manifests import service_objects
from live.process import current
from models import Applied, Deployment, applied

Object = dict[str, Any]
Objects = Mapping[str, Sequence[Object]]
"""Objects by the name of their app service."""


def objects_of(release: Release) -> dict[str, list[Object]]:
    """All that is to be applied of each service."""
    return {service.name: service_objects(release.identity, service) for service in release.plan.services}


def key(manifest: Object) -> tuple[str, str]:
    """What tells an object from the others of its namespace: its kind and name."""
    return manifest["kind"], manifest["metadata"]["name"]


async def keep(run: Run, objects: Objects) -> None:
    """Writes down what the task's deployment applies; an empty list says that nothing of the service is left."""
    number = await _number(run)
    async with run.fenced(with_instance=True) as (connection, _):
        await applied.keep(connection, current().keyring, run.instance_id, number, objects)


async def applied_now(run: Run) -> dict[str, list[Object]]:
    """What the task's deployment has applied, by service: it stays the same when settings change meanwhile."""
    rows = await Applied.filter(instance_id=run.instance_id, number=await _number(run)).order_by("service")
    return {row.service: row.objects(current().keyring) for row in rows}


async def applied_before(run: Run) -> dict[str, list[Object]]:
    """All that is known to have been applied by earlier deployments, by service; each object as it was last."""
    rows = Applied.filter(instance_id=run.instance_id, number__lt=await _number(run))
    found: dict[str, dict[tuple[str, str], Object]] = {}
    for row in await rows.order_by("service", "number"):
        objects = {key(made): made for made in row.objects(current().keyring)}
        found[row.service] = found.get(row.service, {}) | objects
    return {service: list(objects.values()) for service, objects in found.items()}


async def good_before(run: Run) -> dict[str, list[Object]]:
    """What the last deployment that ended well has applied of each service."""
    rows = await Applied.filter(instance_id=run.instance_id, number__lt=await _number(run), good=True)
    return {row.service: row.objects(current().keyring) for row in rows if row.sealed is not None}


async def take_stock(run: Run, items: Iterable[Item]) -> None:
    """Writes down which objects are there, with the UIDs that the cluster gave them."""
    async with run.fenced(with_instance=True) as (connection, instance):
        assert instance is not None
        instance.inventory = [asdict(item) for item in items]
        await instance.save(using_db=connection, update_fields=["inventory"])


async def _number(run: Run) -> int:
    return (await Deployment.get(task_id=run.task.id)).number
