"""From rows to what an instance is to run: its manifests, overrides, variables and generated values in one plan."""

from collections import defaultdict
from dataclasses import dataclass

from tortoise.backends.base.client import BaseDBAsyncClient

from catalogue.facts import InstanceFacts, PlanError, ServiceInput
from catalogue.items import EnvType
from catalogue.plan import plan
from catalogue.release import EnvVar, InstancePlan
from jobs.steps import Run, StepFailed
from kube.labels import Identity
from live.manifests import service_manifests, stack_manifests
from live.process import current
from models import (
    App,
    AppService,
    AppServiceToken,
    Cluster,
    Environment,
    Instance,
    StackRevision,
    Variable,
)

Connection = BaseDBAsyncClient | None

_TYPES: dict[str, EnvType] = {"PROD": "prod", "STAGING": "staging", "TEST": "test", "DEV": "dev", "FEATURE": "feature"}


def env_type(word: str) -> EnvType:
    """An environment's type as manifests write it."""
    return _TYPES[word]


@dataclass(frozen=True, slots=True)
class Release:
    """What is to run, whose it is, and the app services it comes from, by name."""

    identity: Identity
    plan: InstancePlan
    services: dict[str, AppService]


async def release_for(run: Run, *, fresh: bool = False) -> Release:
    """What the task runs: the same in all of its steps, until one asks for a fresh one. Raises: StepFailed."""
    if fresh or "release" not in run.memory:
        run.memory["release"] = await release_of(await run.instance(), run.task.id)
    found: Release = run.memory["release"]
    return found


async def release_of(instance: Instance, task_id: str, connection: Connection = None) -> Release:
    """The instance as its rows are now, also to the transaction of a connection.

    Raises: StepFailed when the manifests and rows do not make a plan.
    """
    services = await AppService.filter(instance_id=instance.id).using_db(connection).order_by("position")
    manifests = await service_manifests(one.service_revision_id for one in services)
    revisions = StackRevision.filter(id=instance.stack_revision_id).using_db(connection)
    stack = await revisions.only("id", "stack_id", "number").get()
    stack_manifest = (await stack_manifests([stack.id]))[stack.id]
    variables, tokens = await _values(services, connection)
    facts = await _facts(instance, stack, connection)
    inputs = [
        ServiceInput(
            name=one.name,
            title=one.title,
            manifest=manifests[one.service_revision_id],
            revision_id=one.service_revision_id,
            enabled=one.enabled,
            main=one.main,
            replicas=one.replicas,
            version=one.option_version,
            variables=tuple(variables[one.id]),
            tokens=tokens[one.id],
        )
        for one in services
    ]
    try:
        planned = plan(facts, stack_manifest, inputs)
    except PlanError as problem:
        raise StepFailed(
            "MANIFEST_INVALID",
            "The stack revision and the instance's settings do not make a whole.",
            cause=problem.findings[0].message,
            evidence=[str(finding) for finding in problem.findings],
            do=["Correct the app service that is named, or publish a corrected stack and upgrade to it."],
        ) from problem
    identity = Identity(
        installation=current().installation,
        organization_id=instance.organization_id,
        app_id=instance.app_id,
        app=facts.app_name,
        instance_id=instance.id,
        instance=instance.name,
        namespace=instance.namespace,
        task=task_id,
    )
    return Release(identity, planned, {one.name: one for one in services})


async def _values(
    services: list[AppService], connection: Connection
) -> tuple[dict[str, list[EnvVar]], dict[str, dict[str, str]]]:
    """The app services' variables and generated values, opened, by the app service's id."""
    keyring = current().keyring
    ids = [one.id for one in services]
    variables: dict[str, list[EnvVar]] = defaultdict(list)
    for row in await Variable.filter(app_service_id__in=ids).using_db(connection).order_by("name"):
        value = row.value if row.sealed is None else keyring.unseal(row.sealed, row.id)
        variables[row.app_service_id].append(EnvVar(row.name, value or "", secret=row.sealed is not None))
    tokens: dict[str, dict[str, str]] = defaultdict(dict)
    for token in await AppServiceToken.filter(app_service_id__in=ids).using_db(connection):
        tokens[token.app_service_id][token.name] = keyring.unseal(token.sealed, token.id)
    return variables, tokens


async def _facts(instance: Instance, stack: StackRevision, connection: Connection) -> InstanceFacts:
    app = await App.get(id=instance.app_id, using_db=connection)
    environment = await Environment.get(id=instance.environment_id, using_db=connection)
    cluster = await Cluster.get(id=instance.cluster_id, using_db=connection)
    return InstanceFacts(
        id=instance.id,
        name=instance.name,
        title=instance.title,
        namespace=instance.namespace,
        org_id=instance.organization_id,
        app_id=app.id,
        app_name=app.name,
        app_title=app.title,
        env_id=environment.id,
        env_name=environment.name,
        env_title=environment.title,
        env_type=env_type(environment.type),
        stack_id=stack.stack_id,
        stack_revision_id=stack.id,
        stack_revision_number=stack.number or 0,
        cluster_id=cluster.id,
        cluster_name=cluster.name,
        cluster_title=cluster.title,
        cluster_uid=cluster.uid,
    )
