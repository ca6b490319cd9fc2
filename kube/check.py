"""Whether a cluster can be worked with: its version, Berth's rights, its storage; each failure with its remedy."""

import asyncio
import re
from dataclasses import dataclass

from kube.clients import Cluster
from kube.errors import KubeError, NotKubernetes
from kube.resources import WORKLOADS, WRITTEN
from kube.storage import classes
from settings import settings

_VERSION = re.compile(r"v?(\d+)\.(\d+)")
_WRITE = ("get", "list", "create", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Right:
    """Verbs on a resource; `group` is "" for the core group."""

    group: str
    resource: str
    verbs: tuple[str, ...]


# What Berth's role must allow, in every namespace it makes.
RIGHTS = (
    Right("", "namespaces", ("get", "list", "watch", "create", "patch", "delete")),
    *(Right(r.api_version.rpartition("/")[0], r.plural, _WRITE) for r in WRITTEN),
    *(Right("apps", r.plural, ("watch",)) for r in WORKLOADS),
    Right("", "pods", ("get", "list", "watch")),
    Right("", "pods/log", ("get",)),
    Right("", "events", ("get", "list")),
    Right("storage.k8s.io", "storageclasses", ("list",)),
)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `remedy` is empty where it passed; `needed` is false for mere advice."""

    name: str
    passed: bool
    message: str
    remedy: str = ""
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Report:
    """uid: the kube-system namespace's, which is the cluster's identity. version: as "1.34.4"."""

    uid: str
    version: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks if check.needed)


async def check(cluster: Cluster) -> Report:
    """Looks at everything that Berth relies on; changes nothing.

    Raises KubeError when there is nothing to look at: Unreachable, Unauthorized, CertificateRefused, NotKubernetes,
    Forbidden where even the cluster's identity may not be read.
    """
    version = await _version(cluster)
    uid = await cluster.uid()
    rights, storage = await asyncio.gather(_rights(cluster), _storage(cluster))
    return Report(uid, version, (_recent_enough(version), rights, storage))


async def _version(cluster: Cluster) -> str:
    answer = await cluster.request("GET", "/version")
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
            return None if await _may(cluster, right, verb) else f"{verb} {right.resource}"

    asked = [missing(right, verb) for right in RIGHTS for verb in right.verbs]
    lacking = [found for found in await asyncio.gather(*asked) if found is not None]
    if not lacking:
        return Check("permissions", True, "The account has all the rights that Berth needs.")
    named = ", ".join(lacking[:8]) + (f" and {len(lacking) - 8} more" if len(lacking) > 8 else "")
    remedy = "Bind the account to Berth's role, or make one with `berth cluster credentials`."
    return Check("permissions", False, f"The account may not: {named}.", remedy)


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
        return Check("storage", True, f"Volumes are made by the storage class {found.default}.")
    message = "The cluster has no default storage class." if found.names else "The cluster has no storage class."
    remedy = "Mark a storage class as the default, or name one under `storageClassName` of each volume."
    return Check("storage", False, message, remedy, needed=False)
