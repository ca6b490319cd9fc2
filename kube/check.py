"""Whether a cluster can be worked with: version, rights, storage, ways in, metrics; each failure with its remedy."""

import asyncio
import re
from dataclasses import dataclass

from kube import role
from kube.clients import KNOCK_LARGEST, KNOCK_TIMEOUT, Cluster
from kube.errors import (
    Forbidden,
    KubeError,
    NotFound,
    NotKubernetes,
    ServerFault,
    Throttled,
    Unauthorized,
    Unreachable,
)
from kube.resources import GATEWAY_CLASS, INGRESS_CLASS, Resource
from kube.role import RIGHTS, Right
from kube.storage import classes
from settings import settings

_VERSION = re.compile(r"v?(\d+)\.(\d+)")
_METRICS = "/apis/metrics.k8s.io/v1beta1"
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `remedy` is empty where it passed; `needed` is false for mere advice.

    missing: every right that the account lacks ("create secrets"); then `role_manifest` grants them, to be applied.
    """

    name: str
    passed: bool
    message: str
    remedy: str = ""
    needed: bool = True
    missing: tuple[str, ...] = ()
    role_manifest: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """uid: the kube-system namespace's, which is the cluster's identity; "" where the account may not read it.
    version: as "1.34.4"."""

    uid: str
    version: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks if check.needed)


async def check(cluster: Cluster) -> Report:
    """Looks at everything that Berth relies on; changes nothing.

    Raises KubeError when there is nothing to look at: Unreachable, also when it takes longer than a setting allows,
    Unauthorized, CertificateRefused, NotKubernetes.
    """
    within = settings().cluster_check
    try:
        async with asyncio.timeout(within):
            version = await _version(cluster)
            rights = await _rights(cluster)
            uid = await _uid(cluster, rights)
            others = await asyncio.gather(_storage(cluster), _ways_in(cluster), _metrics(cluster))
    except TimeoutError as error:
        raise Unreachable(f"The cluster did not answer within {within:g} seconds") from error
    return Report(uid, version, (_recent_enough(version), rights, *others))


async def _uid(cluster: Cluster, rights: Check) -> str:
    try:
        return await cluster.uid()
    except Forbidden:
        if rights.passed:  # something else than a lack of rights, which has been named
            raise
        return ""


async def _version(cluster: Cluster) -> str:
    try:
        answer = await cluster.request("GET", "/version", timeout=KNOCK_TIMEOUT, largest=KNOCK_LARGEST)
    except KubeError as error:
        # Kubernetes gives a reason with each of its refusals; a page of another program has a status at most.
        if error.reason or not 400 <= error.status < 500 or isinstance(error, Throttled | Unauthorized):
            raise
        message = f"The server answers with status {error.status}, and not as Kubernetes does."
        raise NotKubernetes(message, status=error.status) from error
    version = answer.get("gitVersion")
    if not isinstance(version, str) or not version:
        raise NotKubernetes("The server does not tell a Kubernetes version.")
    return version.removeprefix("v").partition("+")[0]


def _recent_enough(version: str) -> Check:
    oldest = settings().cluster_oldest
    if _numbers(version) >= _numbers(oldest):
        return Check("version", True, f"The cluster runs Kubernetes {version}.")
    message = f"The cluster runs Kubernetes {version}, and Berth needs {oldest} or newer."
    return Check("version", False, message, "Upgrade the cluster.")


def _numbers(version: str) -> tuple[int, int]:
    match = _VERSION.match(version)
    return (int(match[1]), int(match[2])) if match else (0, 0)


async def _rights(cluster: Cluster) -> Check:
    room = asyncio.Semaphore(8)

    async def missing(right: Right, verb: str) -> str | None:
        async with room:
            return None if await _may(cluster, right, verb) else f"{verb} {right.shown}"

    asked = [missing(right, verb) for right in RIGHTS if right.needed for verb in right.verbs]
    lacking = tuple(found for found in await asyncio.gather(*asked) if found is not None)
    if not lacking:
        return Check("permissions", True, "The account has all the rights that Berth needs.")
    named = ", ".join(lacking[:_SHOWN]) + (f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else "")
    remedy = (
        "Apply the role that the test shows (`berth cluster role` prints it too), or make an account that has it "
        "with `berth cluster credentials`."
    )
    given = role.manifest(await _account(cluster))
    return Check("permissions", False, f"The account may not: {named}.", remedy, missing=lacking, role_manifest=given)


async def _account(cluster: Cluster) -> str:
    """What the cluster calls the account; empty when it does not say."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    try:
        answer = await cluster.request("POST", path, body=body, repeatable=True)
    except (Forbidden, NotFound):
        return ""
    return str(answer.get("status", {}).get("userInfo", {}).get("username", ""))


async def _may(cluster: Cluster, right: Right, verb: str) -> bool:
    resource, _, sub = right.resource.partition("/")
    asked = {"group": right.group, "resource": resource, "verb": verb}
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": asked | ({"subresource": sub} if sub else {})},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    answer = await cluster.request("POST", path, body=body, repeatable=True)
    return bool(answer.get("status", {}).get("allowed"))


async def _storage(cluster: Cluster) -> Check:
    """Services without volumes need no storage class, so that its lack is advice."""
    try:
        found = await classes(cluster)
    except KubeError as error:
        return Check("storage", False, error.message, error.remedy, needed=False)
    if found.default:
        return Check("storage", True, f"Volumes are made by the storage class {found.default}.", needed=False)
    message = "The cluster has no default storage class." if found.names else "The cluster has no storage class."
    remedy = "Mark a storage class as the default, or name one under `storageClassName` of each volume."
    return Check("storage", False, message, remedy, needed=False)


async def _ways_in(cluster: Cluster) -> Check:
    """What leads requests from outside to services; Berth's own addresses need none, so that its lack is advice."""
    try:
        found = [*await _names(cluster, INGRESS_CLASS), *await _names(cluster, GATEWAY_CLASS)]
    except KubeError as error:
        return Check("ingress", False, error.message, error.remedy, needed=False)
    if found:
        return Check("ingress", True, f"Requests from outside are served by {', '.join(found[:_SHOWN])}.", needed=False)
    remedy = "Install an ingress controller or a Gateway API implementation; ports can be forwarded without one."
    return Check("ingress", False, "The cluster has no ingress and no gateway class.", remedy, needed=False)


async def _names(cluster: Cluster, resource: Resource) -> list[str]:
    """The objects of a kind that a cluster need not know, as a person calls them."""
    try:
        answer = await cluster.request("GET", resource.path(), query={"limit": 20})
    except NotFound:
        return []
    return [f"the {resource.kind} {item['metadata']['name']}" for item in answer.get("items") or []]


async def _metrics(cluster: Cluster) -> Check:
    try:
        await cluster.request("GET", _METRICS, repeatable=False)
    except NotFound:
        message = "The cluster does not measure what pods use."
        remedy = "Install metrics-server, or another server of metrics.k8s.io, to have it shown."
    except ServerFault:
        message = "The server of metrics.k8s.io is installed and does not answer."
        remedy = "Look at the APIService v1beta1.metrics.k8s.io and at the pods behind it."
    except KubeError as error:
        message, remedy = error.message, error.remedy
    else:
        return Check("metrics", True, "The cluster measures what pods use.", needed=False)
    return Check("metrics", False, message, remedy, needed=False)
