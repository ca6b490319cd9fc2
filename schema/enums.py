"""The closed lists of the domain, as the contract shows them. Importing it describes the classes of `rules.enums`."""

from enum import Enum
from typing import TypeVar

import strawberry

from resolvers.paging import ListOrder, TimeOrder
from rules.enums import (
    AppServiceState,
    BreakerState,
    ClusterKind,
    ClusterState,
    DeploymentState,
    EnvironmentType,
    InstanceState,
    OnConflict,
    PodSecurity,
    Role,
    Scope,
    StepState,
    TaskState,
)

Closed = TypeVar("Closed", bound=type[Enum])


def _describe(enum: Closed, description: str, values: dict[str, str]) -> Closed:
    """The enum as a type of the contract. Raises KeyError, at import, when a value has no description."""
    described = strawberry.enum(enum, description=description)
    for value in described.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = values[value.name]
    return described


_describe(
    InstanceState,
    "How an instance is. ERRORED is entered in two ways only: its creation or its deletion could not finish.",
    {
        "CREATING": "Its namespace and what belongs into it are being made.",
        "AWAITING": "It exists, and some enabled service has no usable deployment yet.",
        "DEPLOYING": "A deployment is running.",
        "IMPORTING": "Data is being imported.",
        "OK": "Every enabled service that needs a runtime has a usable deployment.",
        "ERRORED": "Its creation or deletion could not finish: `failure` says why. It can be deleted and made anew.",
        "DELETING": "It is being removed from its cluster: `holding` says what is in the way.",
    },
)
_describe(
    PodSecurity,
    "What the pods of an instance may do, in the words of Kubernetes' pod security standards.",
    {
        "RESTRICTED": "Nothing that needs root: every container runs as a user that its service names.",
        "BASELINE": "What entry points need that start as root and give it up; nothing that reaches the node.",
    },
)
_describe(
    AppServiceState,
    "How an app service is, as far as deployments go; `runtime` says how its pods are.",
    {
        "NEW": "It was never deployed.",
        "DEPLOYING": "A deployment of it is running.",
        "OK": "Its last deployment was completed.",
        "DISABLED": "It is switched off and does not run.",
        "ERRORED": "Its last deployment failed.",
    },
)
_describe(
    TaskState,
    "How a task is: waiting or at work in the first five, ended in the last five.",
    {
        "PENDING": "It waits for another task of the same instance.",
        "QUEUED": "It waits for a worker.",
        "IN_PROGRESS": "A worker carries it out.",
        "BACKED_OFF": "What it needs does not answer; it tries again after a while.",
        "CANCELING": "It was asked to end, and is ending.",
        "DONE": "It ended well.",
        "DONE_WITH_WARNINGS": "It ended well, but `warnings` says what was less than well.",
        "FAILED": "It could not finish: `failure` says why.",
        "TIMED_OUT": "It did not finish before its deadline.",
        "CANCELED": "It was cancelled.",
    },
)
_describe(
    StepState,
    "How a job or a step is.",
    {
        "PENDING": "Its turn has not come.",
        "IN_PROGRESS": "It is being carried out.",
        "DONE": "It ended well.",
        "FAILED": "It could not finish.",
        "CANCELED": "It was cut off by a cancellation.",
        "SKIPPED": "It was not needed, or what came before it failed.",
    },
)
_describe(
    DeploymentState,
    "How a deployment is.",
    {
        "PENDING": "It waits for its turn.",
        "IN_PROGRESS": "It is being rolled out.",
        "COMPLETED": "All of it was rolled out.",
        "ERRORED": "Some of it could not be rolled out.",
        "CANCELED": "It was cancelled.",
    },
)
_describe(
    EnvironmentType,
    "What an environment is for. Variables and tokens of a manifest can be meant for one type only.",
    {
        "PROD": "For those whom the app serves.",
        "STAGING": "A rehearsal of production.",
        "TEST": "For automatic or manual tests.",
        "DEV": "For development.",
        "FEATURE": "For one change that is being worked on.",
    },
)
_describe(
    ClusterKind,
    "How a cluster is reached.",
    {
        "KUBECONFIG": "By a kubeconfig, kept encrypted.",
        "IN_CLUSTER": "By the service account of the pod that Berth runs in.",
        "SIMULATOR": "It is Berth's built-in simulated cluster.",
    },
)
_describe(
    ClusterState,
    "How well a cluster can be reached and watched.",
    {
        "CONNECTED": "It answers, and what is shown of it is current.",
        "SYNCING": "It answers, and its objects are being read.",
        "DEGRADED": "It answers in part: `reason` says what is wrong.",
        "UNREACHABLE": "It does not answer.",
        "AUTH_FAILED": "It answers, and does not accept the credentials.",
    },
)
_describe(
    BreakerState,
    "Whether a cluster is asked for anything.",
    {
        "CLOSED": "It is.",
        "OPEN": "It is left alone until `nextTryAt`.",
        "HALF_OPEN": "One request is finding out whether it answers again.",
    },
)
_describe(
    Role,
    "What a member of an organization may do.",
    {"OWNER": "Everything, members included.", "READER": "Look at everything, and change nothing."},
)
_describe(
    Scope,
    "What a token may do, at most what its user may. Each scope includes the ones before it.",
    {
        "READ": "Look and follow.",
        "OPERATE": "Deploy, upgrade stacks, cancel and repeat tasks.",
        "CONFIGURE": "Rename, set variables, versions and replicas, switch services on and off.",
        "ADMIN": "Everything that the user may do: create, delete, members, tokens and clusters.",
    },
)
_describe(
    OnConflict,
    "What happens when another task of the instance has not ended.",
    {
        "QUEUE": "The new one waits behind it.",
        "SUPERSEDE": "The other is cancelled, and the new one follows when it has ended.",
        "REJECT": "The new one is refused.",
    },
)
_describe(
    ListOrder,
    "How a list is sorted; equals are sorted by id.",
    {
        "NEWEST": "By time of creation, the newest first.",
        "OLDEST": "By time of creation, the oldest first.",
        "NAME": "By machine name, character by character.",
    },
)
_describe(
    TimeOrder,
    "How a list of things without a name is sorted; equals are sorted by id.",
    {"NEWEST": "By time of creation, the newest first.", "OLDEST": "By time of creation, the oldest first."},
)
