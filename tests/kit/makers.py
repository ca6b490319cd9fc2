"""Rows for tests, written straight into the tables: what a test does not care about has a value here."""

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from models import (
    AbandonedNamespace,
    App,
    AppService,
    Cluster,
    Deployment,
    Environment,
    Instance,
    Job,
    Membership,
    Organization,
    Project,
    Service,
    ServiceRevision,
    StackRevision,
    StackService,
    Step,
    Task,
    Token,
    User,
    Variable,
)
from resolvers.auth import hashed, new_secret
from rules.enums import ENDED_TASKS, InstanceState, Role, Scope, TaskState
from rules.viewer import Viewer
from tests.kit.blueprints import service as service
from tests.kit.blueprints import service_manifest as service_manifest
from tests.kit.blueprints import stack as stack

_numbers = itertools.count(1)


async def organization(name: str | None = None, **more: Any) -> Organization:
    """An organization."""
    name = name or f"org-{next(_numbers)}"
    return await Organization.create(**{"name": name, "title": name.title(), **more})


async def project(owner: Organization, name: str = "web") -> Project:
    """A project of an organization."""
    return await Project.create(organization_id=owner.id, name=name, title=name.title())


async def user(name: str | None = None) -> User:
    """A user; the address is made of the name."""
    name = name or f"user-{next(_numbers)}"
    return await User.create(name=name, email=f"{name.lower()}@example.org")


async def member(of: Organization, role: Role = Role.OWNER, who: User | None = None) -> User:
    """A user who is in the organization."""
    who = who or await user()
    await Membership.create(organization_id=of.id, user_id=who.id, role=role)
    return who


async def token(who: User, scope: Scope = Scope.ADMIN, **more: Any) -> tuple[Token, str]:
    """A token of a user, with its secret."""
    secret = new_secret()
    return await Token.create(user_id=who.id, name="test", hash=hashed(secret), scope=scope, **more), secret


async def viewer(
    *of: Organization,
    role: Role = Role.OWNER,
    scope: Scope = Scope.ADMIN,
    app: App | None = None,
    instance: Instance | None = None,
) -> Viewer:
    """A new member of the organizations, with a token that may be narrowed to an app or instance."""
    who = await user()
    for each in of:
        await member(each, role, who)
    app_id = instance.app_id if instance else app.id if app else None
    instance_id = instance.id if instance else None
    narrowed = {"organization_id": of[0].id, "app_id": app_id, "instance_id": instance_id} if app_id else {}
    made, _ = await token(who, scope, **narrowed)
    return Viewer(who.id, made.id, scope, {each.id: role for each in of}, app_id, instance_id)


async def environment(of: Organization, name: str = "dev", type: str = "DEV") -> Environment:
    """An environment."""
    return await Environment.create(organization_id=of.id, name=name, title=name.title(), type=type)


async def cluster(of: Organization, name: str = "main", **more: Any) -> Cluster:
    """A connected cluster of the simulator's kind; each is another Kubernetes cluster unless `uid` says otherwise."""
    values = {"title": name.title(), "kind": "SIMULATOR", "uid": f"uid-{next(_numbers)}", "state": "CONNECTED", **more}
    return await Cluster.create(organization_id=of.id, name=name, **values)


async def app(of: Organization, name: str = "shop", of_stack: StackRevision | None = None, **more: Any) -> App:
    """An app; without a stack, one of the same name is made."""
    of_stack = of_stack or await stack(of, name)
    return await App.create(
        **{"organization_id": of.id, "stack_id": of_stack.stack_id, "name": name, "title": name.title(), **more}
    )


@dataclass(frozen=True, slots=True)
class World:
    """An organization with all that an instance needs."""

    organization: Organization
    environment: Environment
    cluster: Cluster
    stack: StackRevision
    app: App
    owner: Viewer


async def world(name: str | None = None, **services: dict[str, Any]) -> World:
    """A world of its own. services: manifests by name, in the stack's order; without any, one named `web`."""
    of = await organization(name)
    revisions = [await service(of, each, service_manifest(each, **manifest)) for each, manifest in services.items()]
    revision = await stack(of, "shop", tuple(revisions))
    return World(
        of, await environment(of), await cluster(of), revision, await app(of, "shop", revision), await viewer(of)
    )


async def instance(
    of: World, name: str = "dev", state: InstanceState = InstanceState.OK, app: App | None = None, **more: Any
) -> Instance:
    """An instance in a world, with the app services of its stack revision; an errored one with its failed task."""
    owner = app or of.app
    values = {
        "organization_id": of.organization.id,
        "app_id": owner.id,
        "environment_id": of.environment.id,
        "cluster_id": of.cluster.id,
        "cluster_uid": of.cluster.uid,
        "stack_revision_id": of.stack.id,
        "name": name,
        "title": name.title(),
        "namespace": f"{owner.name}-{name}",
        "state": state,
        **more,
    }
    errored = state is InstanceState.ERRORED and "failed_task_id" not in more
    made = await Instance.create(**{**values, "state": InstanceState.CREATING} if errored else values)
    await _app_services(made)
    if errored:
        failed = await task(made, TaskState.FAILED)
        made.state, made.failed_task_id = state, failed.id
        await made.save(update_fields=["state", "failed_task_id"])
    return made


async def _app_services(of: Instance) -> None:
    usable = of.state == InstanceState.OK
    for item in await StackService.filter(stack_revision_id=of.stack_revision_id).order_by("position"):
        revision = await ServiceRevision.get(id=item.service_revision_id)
        source = await Service.get(id=revision.service_id)
        await AppService.create(
            organization_id=of.organization_id,
            app_id=of.app_id,
            instance_id=of.id,
            service_revision_id=revision.id,
            deployed_revision_id=revision.id if usable else None,
            position=item.position,
            name=item.name,
            title=item.title,
            type=source.type,
            required=item.required,
            main=item.main,
            enabled=not item.disabled,
            state="OK" if usable else "NEW",
        )


FAILURE = {
    "code": "IMAGE_PULL",
    "summary": "The image could not be pulled.",
    "rootCause": "The registry says no.",
    "step": "Wait until the pods are ready",
    "evidence": ["Back-off pulling image"],
    "suggestedActions": ["Correct the image's name."],
}


async def task(of: Instance, state: TaskState = TaskState.IN_PROGRESS, kind: str = "DEPLOY", **more: Any) -> Task:
    """A task of an instance with one job of two steps; an ended one has its end, a failed one its failure."""
    now = datetime.now(UTC)
    values = {
        "organization_id": of.organization_id,
        "app_id": of.app_id,
        "instance_id": of.id,
        "cluster_id": of.cluster_id,
        "kind": kind,
        "title": kind.replace("_", " ").capitalize(),
        "state": state,
        "deadline_at": now + timedelta(minutes=15),
        "ended_at": now if state in ENDED_TASKS else None,
        "failure": FAILURE if state is TaskState.FAILED else None,
        **more,
    }
    made = await Task.create(**values)
    job = await Job.create(task_id=made.id, position=0, name="main", title="Main", state="PENDING")
    for position, title in enumerate(("Prepare", "Finish")):
        await Step.create(task_id=made.id, job_id=job.id, position=position, name=title.lower(), title=title)
    return made


async def deployment(of: Instance, number: int = 1, state: str = "COMPLETED") -> Deployment:
    """A deployment of an instance, with the task that carried it out."""
    done = await task(of, TaskState.DONE)
    return await Deployment.create(
        organization_id=of.organization_id,
        instance_id=of.id,
        stack_revision_id=of.stack_revision_id,
        task_id=done.id,
        number=number,
        state=state,
    )


async def everything(of: World) -> dict[str, str]:
    """One row of every type that has an id, in a world: ids by the name of the type."""
    made = await instance(of)
    ended = await deployment(made)
    abandoned = await AbandonedNamespace.create(
        organization_id=of.organization.id,
        cluster_id=of.cluster.id,
        cluster_uid=of.cluster.uid,
        namespace="shop-old",
        instance_id=made.id,
        task_id=ended.task_id,
    )
    service_row = await AppService.get(instance_id=made.id, main=True)
    member_row = await Membership.get(organization_id=of.organization.id, user_id=of.owner.user_id)
    stack_service = await StackService.filter(stack_revision_id=of.stack.id).order_by("position").get()
    step = await Step.filter(task_id=ended.task_id).order_by("position").first()
    assert step is not None
    return {
        "Organization": of.organization.id,
        "Project": (await project(of.organization)).id,
        "User": of.owner.user_id,
        "Membership": member_row.id,
        "Token": of.owner.token_id,
        "Environment": of.environment.id,
        "Cluster": of.cluster.id,
        "AbandonedNamespace": abandoned.id,
        "Service": (await ServiceRevision.get(id=service_row.service_revision_id)).service_id,
        "ServiceRevision": service_row.service_revision_id,
        "Stack": of.stack.stack_id,
        "StackRevision": of.stack.id,
        "StackService": stack_service.id,
        "App": of.app.id,
        "Instance": made.id,
        "AppService": service_row.id,
        "Variable": (await Variable.create(app_service_id=service_row.id, name="MODE", value="fast")).id,
        "Deployment": ended.id,
        "Task": ended.task_id,
        "Job": step.job_id,
        "Step": step.id,
    }
