"""Before anything of a release is applied: does it fit, can its volumes be made, and would the cluster take it?"""

from collections.abc import Iterable, Mapping, Sequence

from catalogue.release import InstancePlan
from jobs.applied import Object, Objects, key
from jobs.release import Release, release_of
from jobs.start import Door
from jobs.steps import StepFailed
from kube.apply import Judged
from kube.clients import Cluster as Client
from kube.manifests import Need, excess, most, need, need_of
from kube.resources import CLAIM
from kube.storage import classes
from models import Instance
from rules.refusals import Refused


async def refuse_what_cannot_run(door: Door, instance: Instance, task_id: str, path: str) -> None:
    """Raises: Refused MANIFEST_INVALID when the instance's rows make no plan, QUOTA_EXCEEDED when it would not fit."""
    try:
        release = await release_of(instance, task_id, door.connection)
        fits(release.plan, need(release.plan))
    except StepFailed as failed:
        message = f"{failed.summary} {failed.cause}"
        raise Refused(failed.code, message, " ".join(failed.do), path) from failed


def fits(plan: InstancePlan, needed: Need) -> None:
    """Raises: StepFailed QUOTA_EXCEEDED when more is asked for than one instance may have."""
    beyond = excess(needed, most())
    if beyond:
        raise StepFailed(
            "QUOTA_EXCEEDED",
            f"The instance asks for {' and '.join(beyond)}.",
            cause="Nothing is applied: what one instance may take is bounded.",
            evidence=[_told(service.name, need_of(service)) for service in plan.services],
            do=[
                "Lower the replicas, resources or volumes of the services that ask for most.",
                "Or let the operator raise BERTH_QUOTA_PODS, _CPU, _MEMORY, _VOLUMES or _STORAGE.",
            ],
        )


def _told(name: str, one: Need) -> str:
    found = one.amount
    return (
        f"{name}: pods {found.pods}, CPUs {found.cpu / 1000:g}, GiB of memory {found.memory_limit / 1024:g}, "
        f"volumes {found.claims}, GiB of storage {found.storage}"
    )


async def volumes_can_be_made(client: Client, plan: InstancePlan, known: Iterable[Object] = ()) -> None:
    """Raises: StepFailed STORAGE_CLASS_MISSING for a new volume whose storage class the cluster lacks; KubeError.

    known: what was applied before; a claim among it has its volume already.
    """
    there = {name for kind, name in map(key, known) if kind == CLAIM.kind}
    wanted = [
        (service.name, volume)
        for service in plan.services
        for volume in service.volumes
        if not volume.borrowed and volume.claim not in there
    ]
    if not wanted:
        return
    found = await classes(client)
    for service, volume in wanted:
        if volume.storage_class is None and found.default is None:
            missing = "no default storage class"
        elif volume.storage_class not in (None, *found.names):
            missing = f"no storage class {volume.storage_class!r}"
        else:
            continue
        offered = f"one of {', '.join(found.names)}" if found.names else "one that is made first: there is none yet"
        raise StepFailed(
            "STORAGE_CLASS_MISSING",
            f"The cluster has {missing} for the volume {volume.name!r} of {service}.",
            cause="Nothing is applied: the volume would never be made, and its pods would wait for it.",
            do=[
                f"Name a storage class under `storageClassName` of the volume, in the stack: {offered}.",
                "Or mark one as the default on the cluster.",
            ],
            service=service,
        )


def are_ours(judged: Iterable[Judged], known: Iterable[Object], wanted: Objects) -> None:
    """Raises: StepFailed OBJECT_FOREIGN for an object that somebody else made under a name that is wanted.

    known: what was applied before, by this task too, which may have fields of others without being theirs.
    """
    ours = {key(made) for made in known}
    for one in judged:
        if one.managers and (one.kind, one.name) not in ours:
            raise StepFailed(
                "OBJECT_FOREIGN",
                f"The namespace holds a {one.kind} {one.name} that is not Berth's; it is left alone.",
                cause=f"It was made by {', '.join(one.managers)}.",
                do=["Have it removed or renamed, and deploy again.", "Or deploy with force: true to take it over."],
                service=next((name for name, each in wanted.items() if (one.kind, one.name) in map(key, each)), ""),
            )


def left_claims(known: Mapping[str, Sequence[Object]], wanted: Objects) -> list[Object]:
    """The claims among what is known that are not wanted any more, each once; they are kept, with their data."""
    present = {key(made) for each in wanted.values() for made in each}
    found = {key(made): made for each in known.values() for made in each if made["kind"] == CLAIM.kind}
    return [made for at, made in found.items() if at not in present]


def needed(release: Release, known: Mapping[str, Sequence[Object]], wanted: Objects) -> Need:
    """What the release needs, beside what earlier ones left."""
    return need(release.plan, left_claims(known, wanted))
