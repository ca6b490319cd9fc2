"""App services: how one instance runs each service of its stack."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from jobs.overrides import stack_service_of
from live.manifests import service_manifests, stack_manifests
from resolvers.context import Context
from resolvers.nouns import Noun, many, one
from resolvers.rows.cluster import STALE_AFTER
from resolvers.rows.service import Endpoint, ServiceRevisionRow, endpoints
from resolvers.selection import Selection
from resolvers.sql import Values, rows
from rules.enums import ClusterState

if TYPE_CHECKING:
    from resolvers.rows.instance import InstanceRow


@dataclass(frozen=True, slots=True)
class Runtime:
    """How an app service was when its cluster was last looked at. The counts are None until it was."""

    ready: int | None
    desired: int | None
    reason: str
    observed_at: datetime | None
    stale: bool


@dataclass(slots=True, eq=False)
class AppServiceRow:
    id: str
    organization_id: str
    app_id: str
    instance_id: str
    service_revision_id: str
    deployed_revision_id: str | None
    name: str
    title: str
    type: str
    required: bool
    main: bool
    enabled: bool
    replicas_override: int | None
    version_override: str | None
    state: str
    needs_redeploy: bool
    ready: int | None
    desired: int | None
    reason: str
    observed_at: datetime | None
    version: int
    created_at: datetime
    instance: "InstanceRow" = field(init=False)
    service_revision: ServiceRevisionRow = field(init=False)
    deployed_revision: ServiceRevisionRow | None = field(init=False)
    variables: "list[VariableRow]" = field(init=False)
    runtime: Runtime = field(init=False)
    replicas: int = field(init=False)
    option: str | None = field(init=False)
    options: list[str] = field(init=False)
    endpoints: list[Endpoint] = field(init=False)


@dataclass(slots=True, eq=False)
class VariableRow:
    """Its sealed text is not among the columns, so no field can show it by mistake."""

    id: str
    app_service_id: str
    name: str
    value: str | None

    @property
    def secret(self) -> bool:
        """Whether its value is write-only."""
        return self.value is None


async def _runtimes(_context: Context, found: Sequence[AppServiceRow], _wanted: Selection) -> None:
    states = dict(
        map(
            tuple,
            await rows(
                "SELECT i.id, c.state FROM instance i JOIN cluster c ON c.id = i.cluster_id WHERE i.id = ANY($1)",
                Values(sorted({row.instance_id for row in found})),
            ),
        )
    )
    oldest = datetime.now(UTC) - STALE_AFTER
    for row in found:
        seen = row.observed_at is not None and row.observed_at >= oldest
        stale = not seen or states.get(row.instance_id) != ClusterState.CONNECTED
        row.runtime = Runtime(row.ready, row.desired, row.reason, row.observed_at, stale)


async def _settings(_context: Context, found: Sequence[AppServiceRow], wanted: Selection) -> None:
    """What holds of the overrides, the stack and the service, in this order."""
    revisions = dict(
        map(
            tuple,
            await rows(
                "SELECT id, stack_revision_id FROM instance WHERE id = ANY($1)",
                Values(sorted({row.instance_id for row in found})),
            ),
        )
    )
    stacks = await stack_manifests(revisions.values())
    services = await service_manifests(row.service_revision_id for row in found)
    for row in found:
        stack = stack_service_of(stacks[revisions[row.instance_id]], row.name)
        service = services[row.service_revision_id]
        offered = stack.options if stack and stack.options else service.options
        default = next((item.version for item in offered if item.default), offered[0].version if offered else None)
        row.option = row.version_override or default
        row.options = [item.version for item in offered]
        row.replicas = row.replicas_override if row.replicas_override is not None else stack.replicas if stack else 1
        row.endpoints = endpoints(service)


APP_SERVICE = Noun(
    "AppService",
    "app_service",
    AppServiceRow,
    {
        "instance": one("Instance", "instance", "instance_id"),
        "serviceRevision": one("ServiceRevision", "service_revision", "service_revision_id"),
        "deployedRevision": one("ServiceRevision", "deployed_revision", "deployed_revision_id"),
        "variables": many("Variable", "variables", "app_service_id", "t.name"),
        "runtime": _runtimes,
        "replicas": _settings,
        "option": _settings,
        "options": _settings,
        "endpoints": _settings,
    },
    live="EXISTS (SELECT FROM instance i WHERE i.id = t.instance_id AND i.deleted_at IS NULL)",
    renamed={"replicas_override": "replicas", "version_override": "option_version"},
)
VARIABLE = Noun("Variable", "variable", VariableRow, {})
