"""What a task applies, written down before the first object is sent, so that it is known whatever happens after."""

from collections.abc import Mapping, Sequence
from typing import Any

from jobs.release import Release
from jobs.steps import Run
from kube.manifests import service_objects
from live.process import current
from models import Deployment, applied

Objects = Mapping[str, Sequence[dict[str, Any]]]
"""Objects by the name of their app service."""


def objects_of(release: Release) -> dict[str, list[dict[str, Any]]]:
    """All that is to be applied of each service."""
    return {service.name: service_objects(release.identity, service) for service in release.plan.services}


async def keep(run: Run, objects: Objects) -> None:
    """Writes down what the task's deployment applies; an empty list says that nothing of the service is left."""
    deployment = await Deployment.get(task_id=run.task.id)
    async with run.fenced(with_instance=True) as (connection, _):
        await applied.keep(connection, current().keyring, run.instance_id, deployment.number, objects)
