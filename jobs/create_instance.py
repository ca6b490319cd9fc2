"""Creates an instance: its namespace with limits, ways in and account; then its first deployment."""

from tortoise.backends.base.client import BaseDBAsyncClient

from jobs import confine, deploy
from jobs.applied import keep
from jobs.kinds import Ending, Job, Kind, Step
from jobs.moves import move
from jobs.new_instance import NewInstance, write
from jobs.prepare import fits, refuse_what_cannot_run, volumes_can_be_made
from jobs.release import release_for
from jobs.start import Door
from jobs.steps import Run, StepFailed
from kube import namespaces
from kube.apply import apply, rehearse
from kube.errors import NamespaceForeign
from kube.manifests import foundation, holdings, level_of, namespace, need
from models import App, Instance, Task
from models.applied import FOUNDATION
from rules.enums import InstanceState
from rules.transitions import Change


async def accept(door: Door, app: App, wanted: NewInstance, path: str) -> tuple[Instance, Task]:
    """Writes the instance of a locked app and starts its creation.

    Raises: Refused, as `new_instance.write`, and MANIFEST_INVALID, QUOTA_EXCEEDED.
    """
    instance = await write(door, app, wanted, path)
    task = await door.start(CREATE, organization_id=app.organization_id, instance=instance)
    await deploy.record(door.connection, instance, task)
    await refuse_what_cannot_run(door, instance, task.id, path)
    return instance, task


async def check_cluster(run: Run) -> None:
    """The cluster answers, is the one that was registered, and can hold what the instance asks for."""
    client, release = await run.cluster(), await release_for(run)
    fits(release.plan, need(release.plan))
    await volumes_can_be_made(client, release.plan)


async def create_namespace(run: Run) -> None:
    """Makes the namespace; one that is there already is taken only if this instance made it."""
    instance, client = await run.instance(), await run.cluster()
    release = await release_for(run)
    try:
        level = level_of(release.plan)
        uid = await namespaces.create(client, namespace(release.identity, level))
    except NamespaceForeign as foreign:
        do = ["Delete this instance and create one with another name, or have the other namespace removed."]
        raise StepFailed("NAMESPACE_FOREIGN", str(foreign), do=do) from foreign
    async with run.fenced() as (connection, _):
        values = {"namespace_uid": uid, **confine.columns(release, level)}
        await Instance.filter(id=instance.id).using_db(connection).update(**values)
    await run.log(f"The namespace {instance.namespace} is there.", confine.said(release, level))


async def apply_foundation(run: Run) -> None:
    """Applies what the namespace needs before any service: quota, limits, policies, account, secrets and claims."""
    client = await run.cluster()
    release = await release_for(run)
    objects = {FOUNDATION: foundation(release.identity, need(release.plan))}
    objects |= {service.name: holdings(release.identity, service) for service in release.plan.services}
    everything = [made for each in objects.values() for made in each]
    await rehearse(client, everything)
    await keep(run, objects)
    items = await apply(client, everything)
    await run.log(*(f"applied {item.kind} {item.name}" for item in items))
    change = Change.PROVISIONED if release.plan.services else Change.PROVISIONED_EMPTY
    async with run.fenced(with_instance=True) as (connection, locked):
        assert locked is not None
        if locked.state == InstanceState.CREATING:
            await move(connection, locked, change, run.task.id)


async def begin(run: Run) -> None:
    """Goes on to the first deployment, when there is something to deploy."""
    if (await run.instance()).state == InstanceState.DEPLOYING:
        await deploy.begin(run)
    else:
        await run.say("every service is switched off: there is nothing to deploy")


async def settle(connection: BaseDBAsyncClient, task: Task, instance: Instance | None, ending: Ending) -> None:
    """A creation that could not finish leaves the instance ERRORED; a first deployment that could not, AWAITING."""
    if instance is None:
        return
    if instance.state == InstanceState.CREATING and not ending.well:
        await move(connection, instance, Change.CREATION_FAILED, task.id)
    await deploy.settle(connection, task, instance, ending)


CREATE = Kind(
    "CREATE_INSTANCE",
    "Create the instance",
    (
        Job(
            "provision",
            "Provision",
            (
                Step("check-cluster", "Check the cluster", check_cluster),
                Step("create-namespace", "Create the namespace", create_namespace),
                Step("foundation", "Apply limits, policies, account, secrets and claims", apply_foundation),
            ),
            lambda settings: settings.create_deadline,
        ),
        Job(
            "deploy",
            "Deploy",
            (Step("begin", "Check the instance", begin), *deploy.ROLL_OUT),
            lambda settings: settings.deploy_deadline,
            after=("provision",),
        ),
    ),
    settle,
)
