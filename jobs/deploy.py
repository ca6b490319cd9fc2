"""Deploys an instance: its services applied, their rollout followed, and what is no longer part of it removed."""

from dataclasses import dataclass
from typing import Self

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.expressions import F
from tortoise.timezone import now

from jobs import confine
from jobs.applied import Objects, applied_before, applied_now, keep, key, objects_of, take_stock
from jobs.going_back import go_back
from jobs.kinds import Ending, Job, Kind, Step
from jobs.leftovers import remove_leftovers
from jobs.moves import move, tell
from jobs.new_services import helm_unavailable
from jobs.prepare import are_ours, fits, needed, refuse_what_cannot_run, volumes_can_be_made
from jobs.release import release_for
from jobs.start import Door
from jobs.steps import Run, StepFailed, for_undoing
from kube import namespaces, rollout
from kube.apply import Item, apply, rehearse
from kube.errors import Conflict, KubeError
from kube.manifests import foundation
from models import AppService, Deployment, Instance, ServiceRevision, Task, applied
from rules.enums import AppServiceState, DeploymentState, InstanceState, OnConflict, TaskState
from rules.refusals import Refused
from rules.states import Operation, check
from rules.transitions import Change

_ENDS = {TaskState.CANCELED: DeploymentState.CANCELED}


@dataclass(frozen=True, slots=True)
class Options:
    """force: fields that something else in the cluster has set are taken over. delete_claims: what is no longer part
    of the instance takes its claims, and with them its data, with it."""

    force: bool = False
    delete_claims: bool = False

    @classmethod
    def of(cls, task: Task) -> Self:
        """Those that a task was started with."""
        return cls(bool(task.input.get("force")), bool(task.input.get("deleteClaims")))

    def to_input(self) -> dict[str, bool]:
        """As a task keeps them."""
        return {"force": self.force, "deleteClaims": self.delete_claims}


async def accept(door: Door, instance: Instance, on_conflict: OnConflict, options: Options, kind: Kind) -> str:
    """Starts a deployment of a locked instance, behind or instead of those that are active; returns the task's id.

    Raises: Refused OPERATION_BLOCKED, HELM_UNAVAILABLE, MANIFEST_INVALID, QUOTA_EXCEEDED.
    """
    await refuse_charts(door, instance)
    await door.make_way(instance, on_conflict)
    task = await door.start(kind, organization_id=instance.organization_id, instance=instance, input=options.to_input())
    await record(door.connection, instance, task)
    if kind is DEPLOY:  # an upgrade changes what runs, and is judged when it has
        await refuse_what_cannot_run(door, instance, task.id, "input.id")
    if not [one for one in await door.active(instance.id) if one["id"] != task.id]:
        await move(door.connection, instance, Change.DEPLOY_ACCEPTED)
    return task.id


async def refuse_charts(door: Door, instance: Instance) -> None:
    """Raises: Refused HELM_UNAVAILABLE when an enabled service is released by a chart."""
    services = await AppService.filter(instance_id=instance.id, enabled=True).using_db(door.connection)
    ids = [one.service_revision_id for one in services]
    revisions = await ServiceRevision.filter(id__in=ids).using_db(door.connection)
    charts = {row.id for row in revisions if row.manifest.get("helm") is not None}
    for one in services:
        if one.service_revision_id in charts:
            raise helm_unavailable(one.name, "input.id")


async def record(connection: BaseDBAsyncClient, instance: Instance, task: Task) -> None:
    """Writes the deployment that a task is to carry out, with the instance's next number."""
    last = await Deployment.filter(instance_id=instance.id).using_db(connection).order_by("-number").first()
    await Deployment.create(
        using_db=connection,
        organization_id=instance.organization_id,
        instance_id=instance.id,
        stack_revision_id=instance.stack_revision_id,
        task_id=task.id,
        number=1 if last is None else last.number + 1,
    )


async def begin(run: Run) -> None:
    """Judges the instance again, for much may have happened while the task waited; then it is DEPLOYING."""
    async with run.fenced(with_instance=True) as (connection, instance):
        assert instance is not None
        if instance.state != InstanceState.DEPLOYING:
            try:
                check(Operation.DEPLOY, InstanceState(instance.state))
            except Refused as refused:
                raise StepFailed(refused.code, refused.message, do=[refused.remedy]) from refused
            await move(connection, instance, Change.DEPLOY_ACCEPTED)
        await (
            Deployment.filter(task_id=run.task.id)
            .using_db(connection)
            .update(state=DeploymentState.IN_PROGRESS, started_at=now(), stack_revision_id=instance.stack_revision_id)
        )


async def check_objects(run: Run) -> None:
    """Whether all of it may be applied, asked before anything is: its size, its volumes, and each object's dry run."""
    instance, client = await run.instance(), await run.cluster()
    await _mark_deploying(run)
    release = await release_for(run, fresh=True)
    assert instance.namespace_uid is not None
    await namespaces.own(client, instance.namespace, instance.namespace_uid)
    by_service, before = objects_of(release), await applied_before(run)
    wanted = needed(release, before, by_service)
    fits(release.plan, wanted)
    await volumes_can_be_made(client, release.plan, [made for each in before.values() for made in each])
    objects = [made for each in by_service.values() for made in each]
    force = Options.of(run.task).force
    try:
        await confine.make_room(run, client, foundation(release.identity, wanted), force=force)
        judged = await rehearse(client, objects, force=force)
    except KubeError as error:
        raise _refused(error, by_service) from error
    if not force:
        known = [*before.values(), *(await applied_now(run)).values()]
        are_ours(judged, [made for each in known for made in each], by_service)
    await run.say(f"the cluster would take all {len(objects)} objects")
    unjudged = [f"{one.kind} {one.name}" for one in judged if one.managers is None]
    await run.log(*(f"{at} was not judged: a webhook of the cluster takes no dry runs." for at in unjudged))


async def apply_services(run: Run) -> None:
    """Applies every enabled service and keeps in mind what was applied, before and after."""
    instance, client = await run.instance(), await run.cluster()
    release = await release_for(run)
    by_service = objects_of(release)
    objects = [made for each in by_service.values() for made in each]
    await keep(run, by_service)
    await run.say(f"applying {len(objects)} objects of {len(by_service)} services")
    await confine.loosen(run, client, release)
    try:
        items = await apply(client, objects, force=Options.of(run.task).force)
    except KubeError as error:
        raise _refused(error, by_service) from error
    old = {(item["kind"], item["name"]): Item(**item) for item in instance.inventory}
    await take_stock(run, (old | {(item.kind, item.name): item for item in items}).values())
    await run.log(*(f"applied {item.kind} {item.name}" for item in items))


def _refused(error: KubeError, by_service: Objects) -> Exception:
    """The failure that a refused object stands for, with its service; what may pass by itself stays what it is."""
    at = error.details.get("object")
    if error.retryable or at is None:
        return error
    service = next((name for name, each in by_service.items() if at in map("/".join, map(key, each))), "")
    owners = error.owners if isinstance(error, Conflict) else []
    if not owners:
        return StepFailed(error.code, error.message, do=[error.remedy], service=service)
    managers = ", ".join(dict.fromkeys(owner["manager"] for owner in owners))
    return StepFailed(
        error.code,
        f"Something else in the cluster has set fields of {at}, and nothing was taken from it.",
        cause=f"Kubernetes keeps who set which field, and names {managers}.",
        evidence=[f"{owner['manager']} owns {owner['field']} of {at}" for owner in owners],
        do=[
            "Deploy with force: true to take these fields over.",
            f"Or have {managers} give them up, and deploy again.",
        ],
        service=service,
    )


async def wait_until_ready(run: Run) -> None:
    """Follows the rollout, in words and numbers."""
    instance, client = await run.instance(), await run.cluster()
    release = await release_for(run)
    counts = {
        workload.object_name: (0, workload.replicas)
        for service in release.plan.services
        for workload in service.workloads
    }
    left = await run.time_left()
    limit = left - for_undoing(left)
    try:
        async for progress in rollout.follow(client, instance.namespace, release.plan, deadline=limit):
            counts[progress.workload] = (progress.ready, progress.desired)
            ready = sum(one[0] for one in counts.values())
            desired = sum(one[1] for one in counts.values())
            await run.say(f"{ready} of {desired} replicas ready ({progress.workload}: {progress.message})")
    except rollout.RolloutFailed as failed:
        raise StepFailed(
            failed.code,
            f"The service {failed.service} does not run as it should.",
            cause=failed.message,
            evidence=failed.evidence,
            do=["Correct what the cause names, and deploy again."],
            service=failed.service,
        ) from failed


async def _mark_deploying(run: Run) -> None:
    """Before the rows are read for the release: what is changed after this needs a deployment of its own."""
    async with run.fenced(with_instance=True) as (connection, instance):
        assert instance is not None
        rows = AppService.filter(instance_id=instance.id, enabled=True).using_db(connection)
        enabled = await rows.order_by("position")
        await rows.update(state=AppServiceState.DEPLOYING, needs_redeploy=False, version=F("version") + 1)
        for one in enabled:
            await tell(connection, instance, "SERVICE", {"appServiceId": one.id, "state": "DEPLOYING"})


async def settle(connection: BaseDBAsyncClient, task: Task, instance: Instance | None, ending: Ending) -> None:
    """What a deployment's end means for its record, its app services and its instance."""
    if instance is None:
        return
    state = DeploymentState.COMPLETED if ending.well else _ENDS.get(ending.state, DeploymentState.ERRORED)
    deployment = await Deployment.get(task_id=task.id, using_db=connection)
    await Deployment.filter(id=deployment.id).using_db(connection).update(state=state, ended_at=now())
    if ending.well:
        await applied.prove(connection, instance.id, deployment.number)
        instance.deployed_stack_revision_id = deployment.stack_revision_id
        await instance.save(using_db=connection, update_fields=["deployed_stack_revision_id"])
    failed = (ending.failure or {}).get("service")
    went_back = (ending.failure or {}).get("wentBack", [])
    for one in await AppService.filter(instance_id=instance.id).using_db(connection).order_by("position"):
        if one.state == AppServiceState.DEPLOYING or not one.enabled:
            broken = one.name == failed and one.name not in went_back
            await _settle_service(connection, instance, one, ending.well, broken)
    if instance.state == InstanceState.DEPLOYING:
        await move(connection, instance, Change.DEPLOYED if ending.well else Change.DEPLOY_FAILED, task.id)


async def _settle_service(
    connection: BaseDBAsyncClient, instance: Instance, one: AppService, well: bool, failed: bool
) -> None:
    if not one.enabled:
        if well or one.deployed_revision_id is None:
            one.state = AppServiceState.DISABLED
        if well:
            one.deployed_revision_id, one.ready, one.desired, one.needs_redeploy = None, None, None, False
    elif well:
        one.state, one.deployed_revision_id = AppServiceState.OK, one.service_revision_id
    else:
        before = AppServiceState.OK if one.deployed_revision_id else AppServiceState.NEW
        one.state, one.needs_redeploy = AppServiceState.ERRORED if failed else before, True
    one.version += 1
    fields = ["state", "deployed_revision_id", "needs_redeploy", "ready", "desired", "version"]
    await one.save(using_db=connection, update_fields=fields)
    await tell(connection, instance, "SERVICE", {"appServiceId": one.id, "state": one.state})


ROLL_OUT = (
    Step("check", "Check what is to be applied", check_objects),
    Step("apply", "Apply the services", apply_services, go_back),
    Step("wait", "Wait until the pods are ready", wait_until_ready, go_back),
    Step("prune", "Remove what is no longer part of it", remove_leftovers),
    Step("confine", "Allow the pods no more than they need", confine.tighten),
)
DEPLOY = Kind(
    "DEPLOY_INSTANCE",
    "Deploy the instance",
    (Job("deploy", "Deploy", (Step("begin", "Check the instance", begin), *ROLL_OUT), lambda s: s.deploy_deadline),),
    settle,
)
