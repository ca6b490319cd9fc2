"""Why a mutation did nothing: one interface, a type for each kind of reason, and the one table from codes to types.

A client that knows only the interface can show any problem, so a new kind breaks none.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import Info

from catalogue.findings import Finding as FindingValue
from resolvers.context import Context
from resolvers.nouns import NOUNS
from resolvers.selection import selection
from rules.enums import InstanceState, Scope
from rules.refusals import Refused
from schema.fields import resolved_by, source

if TYPE_CHECKING:
    from schema.task import Task
else:
    Task = Annotated["Task", strawberry.lazy("schema.task")]


async def _task_in_the_way(root: Any, info: Info[Context, None]) -> Any:
    found = await NOUNS["Task"].of_ids(info.context, [root.task_id] if root.task_id else [], selection(info))
    return found.get(root.task_id)


@strawberry.interface(description="Why a mutation did nothing.")
class Problem:
    code: str = strawberry.field(description="What kind of problem it is, in upper snake case; more kinds may come.")
    message: str = strawberry.field(description="What is wrong, in one sentence.")
    remedy: str = strawberry.field(description="What to do about it; empty when there is nothing to do.")
    path: str | None = strawberry.field(
        description="The field of the input that it is about, such as `input.name`; null when it is about none."
    )
    retryable: bool = strawberry.field(description="Whether the same request may pass later without a change.")


@strawberry.type(description="The state of the instance, or another task of it, does not allow this now.")
@source()
class OperationBlocked(Problem):
    operation: str | None = strawberry.field(
        default=None, description="What was asked for, as in `Instance.operations`."
    )
    state: InstanceState | None = strawberry.field(default=None, description="How the instance is.")
    task_id: strawberry.Private[str | None] = None
    task: Task | None = resolved_by(
        _task_in_the_way, description="The task that stands in the way; null when none does."
    )


@strawberry.type(description="The task has ended or has not, or is of a kind for which this cannot be done.")
@source()
class TaskUnsuitable(Problem):
    task_id: strawberry.Private[str | None] = None
    task: Task | None = resolved_by(_task_in_the_way, description="The task; null when it does not exist for you.")


@strawberry.type(description="A name breaks the rule for names.")
@source()
class InvalidName(Problem):
    pass


@strawberry.type(description="A value of the input is not allowed.")
@source()
class InvalidInput(Problem):
    pass


@strawberry.type(description="A name is in use already.")
@source()
class NameTaken(Problem):
    pass


@strawberry.type(description="The namespace that the instance would have is in use on its cluster.")
@source()
class NamespaceTaken(Problem):
    namespace: str = strawberry.field(default="", description="The namespace.")


@strawberry.type(description="There is no such object, or you may not see it.")
@source()
class NotFound(Problem):
    pass


@strawberry.type(description="You may see it, but not do this to it.")
@source()
class Forbidden(Problem):
    missing: Scope | None = strawberry.field(default=None, description="The scope that it takes.")


@strawberry.type(description="It was changed since the version that was sent as `expectedVersion`.")
@source()
class VersionConflict(Problem):
    current: int = strawberry.field(default=0, description="The version that it has by now.")


@strawberry.type(description="The idempotency key was used with another input.")
@source()
class IdempotencyMismatch(Problem):
    pass


@strawberry.type(description="Something that still exists needs it.")
@source()
class InUse(Problem):
    count: int = strawberry.field(default=0, description="How many things need it.")


@strawberry.type(description="An organization must keep an owner.")
@source()
class LastOwner(Problem):
    pass


@strawberry.type(description="The cluster cannot be reached now. Nothing was changed on it.")
@source()
class ClusterUnavailable(Problem):
    pass


@strawberry.type(description="The cluster, or its kubeconfig, cannot be used as it is.")
@source()
class ClusterRefused(Problem):
    missing: list[str] = strawberry.field(
        default_factory=list, description="Every right that the account lacks, such as `create secrets`."
    )
    role_manifest: str | None = strawberry.field(
        default=None,
        description="YAML of the role that Berth needs and of what gives it to the account, to be read and applied; "
        "null unless rights are missing.",
    )


@strawberry.type(description="Something that is wrong in a manifest.")
@source(FindingValue)
class ManifestFinding:
    file: str = strawberry.field(description="The file, as it was named.")
    line: int = strawberry.field(description="The line, counted from 1; 0 where no line can be named.")
    path: str = strawberry.field(description="The place in the document, such as `links[0].env[1].value`.")
    code: str = strawberry.field(description="What kind of finding it is, in upper snake case; more kinds may come.")
    message: str = strawberry.field(description="What is wrong, in one sentence.")
    remedy: str = strawberry.field(description="What to do about it.")


@strawberry.type(description="A manifest cannot be imported.")
@source()
class ManifestInvalid(Problem):
    findings: list[ManifestFinding] = strawberry.field(default_factory=list, description="What is wrong, by line.")


@strawberry.type(description="The stack has no draft, or one that is the same as its latest revision.")
@source()
class NothingToPublish(Problem):
    pass


@strawberry.type(description="The stack revision cannot be used here: a draft, of another stack, or nothing published.")
@source()
class StackRevisionUnusable(Problem):
    pass


@strawberry.type(description="A service is released with a Helm chart, which Berth cannot do yet.")
@source()
class HelmUnavailable(Problem):
    pass


@strawberry.type(description="It would be more than is allowed.")
@source()
class QuotaExceeded(Problem):
    limit: int | None = strawberry.field(default=None, description="How many are allowed.")


TYPES: Mapping[str, type[Problem]] = {
    "OPERATION_BLOCKED": OperationBlocked,
    "TASK_ENDED": TaskUnsuitable,
    "TASK_NOT_REPEATABLE": TaskUnsuitable,
    "TASK_RUNNING": TaskUnsuitable,
    "INVALID_NAME": InvalidName,
    "INVALID_INPUT": InvalidInput,
    "INVALID_CURSOR": InvalidInput,
    "NAME_TAKEN": NameTaken,
    "NAMESPACE_TAKEN": NamespaceTaken,
    "NOT_FOUND": NotFound,
    "FORBIDDEN": Forbidden,
    "VERSION_CONFLICT": VersionConflict,
    "IDEMPOTENCY_MISMATCH": IdempotencyMismatch,
    "IN_USE": InUse,
    "LAST_OWNER": LastOwner,
    "CLUSTER_UNAVAILABLE": ClusterUnavailable,
    "CLUSTER_REFUSED": ClusterRefused,
    "MANIFEST_INVALID": ManifestInvalid,
    "NOTHING_TO_PUBLISH": NothingToPublish,
    "STACK_REVISION_UNUSABLE": StackRevisionUnusable,
    "HELM_UNAVAILABLE": HelmUnavailable,
    "QUOTA_EXCEEDED": QuotaExceeded,
}
"""By code: the type that shows it. `details` of a refusal fill the type's own fields of the same names."""


def problems_of(refused: Refused) -> list[Problem]:
    """What a payload shows of a refusal. Raises KeyError for a code without a type, which is a bug."""
    kind = TYPES[refused.code]
    own: dict[str, Any] = {name: refused.details[name] for name in kind.__annotations__ if name in refused.details}
    if issubclass(kind, OperationBlocked | TaskUnsuitable):
        own["task_id"] = refused.task_id
    return [
        kind(
            code=refused.code,
            message=refused.message,
            remedy=refused.remedy,
            path=refused.path,
            retryable=refused.retryable,
            **own,
        )
    ]
