"""The closed lists of the domain. Their values are what tables hold and what GraphQL shows."""

from enum import StrEnum


class InstanceState(StrEnum):
    CREATING = "CREATING"
    AWAITING = "AWAITING"
    DEPLOYING = "DEPLOYING"
    IMPORTING = "IMPORTING"
    OK = "OK"
    ERRORED = "ERRORED"
    DELETING = "DELETING"


class PodSecurity(StrEnum):
    RESTRICTED = "RESTRICTED"
    BASELINE = "BASELINE"


class AppServiceState(StrEnum):
    NEW = "NEW"
    DEPLOYING = "DEPLOYING"
    OK = "OK"
    DISABLED = "DISABLED"
    ERRORED = "ERRORED"


class TaskState(StrEnum):
    PENDING = "PENDING"
    QUEUED = "QUEUED"
    IN_PROGRESS = "IN_PROGRESS"
    BACKED_OFF = "BACKED_OFF"
    CANCELING = "CANCELING"
    DONE = "DONE"
    DONE_WITH_WARNINGS = "DONE_WITH_WARNINGS"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    CANCELED = "CANCELED"


class StepState(StrEnum):
    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    SKIPPED = "SKIPPED"


class DeploymentState(StrEnum):
    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    ERRORED = "ERRORED"
    CANCELED = "CANCELED"


class EnvironmentType(StrEnum):
    PROD = "PROD"
    STAGING = "STAGING"
    TEST = "TEST"
    DEV = "DEV"
    FEATURE = "FEATURE"


class ClusterKind(StrEnum):
    KUBECONFIG = "KUBECONFIG"
    IN_CLUSTER = "IN_CLUSTER"
    SIMULATOR = "SIMULATOR"


class ClusterState(StrEnum):
    CONNECTED = "CONNECTED"
    SYNCING = "SYNCING"
    DEGRADED = "DEGRADED"
    UNREACHABLE = "UNREACHABLE"
    AUTH_FAILED = "AUTH_FAILED"


class BreakerState(StrEnum):
    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


class Role(StrEnum):
    """What a member of an organization may do: an OWNER everything, a READER look."""

    OWNER = "OWNER"
    READER = "READER"


class Scope(StrEnum):
    """What a token may do, at most what its user may: each scope includes the ones before it."""

    READ = "READ"
    OPERATE = "OPERATE"
    CONFIGURE = "CONFIGURE"
    ADMIN = "ADMIN"


class OnConflict(StrEnum):
    QUEUE = "QUEUE"
    SUPERSEDE = "SUPERSEDE"
    REJECT = "REJECT"


ACTIVE_TASKS = frozenset(
    {TaskState.PENDING, TaskState.QUEUED, TaskState.IN_PROGRESS, TaskState.BACKED_OFF, TaskState.CANCELING}
)
ENDED_TASKS = frozenset(TaskState) - ACTIVE_TASKS
