"""Services and their revisions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from catalogue.services import Option, ServiceManifest
from catalogue.workloads import PortItem
from live.manifests import service_manifests
from resolvers.context import Context
from resolvers.nouns import Noun, one
from resolvers.rows.organization import OrganizationRow
from resolvers.selection import Selection
from resolvers.sql import Values, rows


@dataclass(slots=True, eq=False)
class ServiceRow:
    id: str
    organization_id: str
    name: str
    title: str
    type: str
    latest_number: int
    version: int
    created_at: datetime
    organization: OrganizationRow = field(init=False)
    latest_revision: "ServiceRevisionRow | None" = field(init=False)


@dataclass(slots=True, eq=False)
class ServiceRevisionRow:
    id: str
    organization_id: str
    service_id: str
    number: int
    created_at: datetime
    service: ServiceRow = field(init=False)
    source: str = field(init=False)
    manifest: ServiceManifest = field(init=False)

    @property
    def options(self) -> Sequence[Option]:
        """The versions that it is offered in."""
        return self.manifest.options

    @property
    def endpoints(self) -> list["Endpoint"]:
        """Where it can be reached inside its namespace."""
        return endpoints(self.manifest)

    @property
    def external(self) -> bool:
        """Whether it runs elsewhere."""
        return self.manifest.external

    @property
    def scalable(self) -> bool:
        """Whether it may have more than one replica."""
        return self.manifest.scalable

    @property
    def helm(self) -> bool:
        """Whether a chart releases it."""
        return self.manifest.helm is not None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint of a manifest. `main` is true of exactly one where there are some."""

    name: str
    main: bool
    ports: Sequence[PortItem]


def endpoints(manifest: ServiceManifest) -> list[Endpoint]:
    """The endpoints that a manifest declares, in its order."""
    main = manifest.main_endpoint
    return [Endpoint(item.name, item is main, item.ports) for item in manifest.endpoints]


async def _sources(_context: Context, found: Sequence[ServiceRevisionRow], _wanted: Selection) -> None:
    texts = await rows("SELECT id, source FROM service_revision WHERE id = ANY($1)", Values([row.id for row in found]))
    by_id = dict(map(tuple, texts))
    for row in found:
        row.source = by_id[row.id]


async def _manifests(_context: Context, found: Sequence[ServiceRevisionRow], _wanted: Selection) -> None:
    read = await service_manifests(row.id for row in found)
    for row in found:
        row.manifest = read[row.id]


async def _latest(context: Context, found: Sequence[ServiceRow], wanted: Selection) -> None:
    ids = await rows(
        "SELECT r.id FROM service_revision r JOIN service s ON s.id = r.service_id AND s.latest_number = r.number "
        "WHERE s.id = ANY($1)",
        Values([row.id for row in found]),
    )
    revisions = await SERVICE_REVISION.of_ids(context, [row[0] for row in ids], wanted, reached=True)
    by_service = {revision.service_id: revision for revision in revisions.values()}
    for row in found:
        row.latest_revision = by_service.get(row.id)


SERVICE = Noun(
    "Service",
    "service",
    ServiceRow,
    {"organization": one("Organization", "organization", "organization_id"), "latestRevision": _latest},
)
SERVICE_REVISION = Noun(
    "ServiceRevision",
    "service_revision",
    ServiceRevisionRow,
    {
        "service": one("Service", "service", "service_id"),
        "source": _sources,
        "options": _manifests,
        "endpoints": _manifests,
        "external": _manifests,
        "scalable": _manifests,
        "helm": _manifests,
    },
)
