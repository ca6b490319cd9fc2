"""Services: versioned manifests."""

import datetime

import strawberry

from catalogue.services import Option
from catalogue.workloads import PortItem
from resolvers.lists import listed, nested
from resolvers.paging import ListOrder, TimeOrder
from resolvers.rows.service import Endpoint as EndpointValue
from resolvers.rows.service import ServiceRevisionRow, ServiceRow
from schema.fields import resolved_by, source
from schema.node import PAGING, Connection, Node
from schema.organization import Organization

_revisions = nested("ServiceRevision", "service_id", TimeOrder.NEWEST)


@strawberry.type(description="A port of an endpoint.")
@source(PortItem)
class Port:
    name: str = strawberry.field(description="Machine name, unique in the endpoint: at most 15 characters.")
    number: int = strawberry.field(description="1 to 65535.")
    protocol: str = strawberry.field(description="http, tcp or udp.")
    private: bool = strawberry.field(description="Whether it is for services of the same instance only.")


@strawberry.type(description="Where a service is reached inside its instance: one Kubernetes Service.")
@source(EndpointValue)
class Endpoint:
    name: str = strawberry.field(description="Machine name, unique in the service.")
    main: bool = strawberry.field(description="Whether the service's own name reaches it; true of one of them.")
    ports: list[Port] = strawberry.field(description="Its ports, in the manifest's order.")


@strawberry.type(description="A version that a service is offered in.")
@source(Option)
class ServiceOption:
    version: str = strawberry.field(description="The version, as it is chosen.")
    default: bool = strawberry.field(
        description="Whether the manifest marks it as the one to take; where none is marked, the first is."
    )
    eol: str | None = strawberry.field(
        description="The day (YYYY-MM-DD) on which its maintenance ends; null when unknown."
    )


@strawberry.type(description="One imported state of a service. It never changes.")
@source(ServiceRevisionRow)
class ServiceRevision(Node):
    service: "Service" = strawberry.field(description="The service.")
    number: int = strawberry.field(description="Counts the service's revisions from 1.")
    source: str = strawberry.field(description="The manifest (service.yml) as it was imported: at most 1 MB.")
    options: list[ServiceOption] = strawberry.field(
        description="The versions that it is offered in; empty when it has one only."
    )
    endpoints: list[Endpoint] = strawberry.field(description="Where it is reached.")
    external: bool = strawberry.field(
        description="Whether it runs outside of the cluster, so that nothing is deployed."
    )
    scalable: bool = strawberry.field(description="Whether it may have more than one replica.")
    helm: bool = strawberry.field(description="Whether a Helm chart releases it, which Berth cannot do yet.")
    created_at: datetime.datetime = strawberry.field(description="When it was imported.")


@strawberry.type(description="A versioned manifest: what one part of an app runs, and how.")
@source(ServiceRow)
class Service(Node):
    organization: Organization = strawberry.field(description="The organization that it belongs to.")
    name: str = strawberry.field(description="Permanent machine name, unique in the organization.")
    title: str = strawberry.field(description="Name for people, from its latest manifest.")
    type: str = strawberry.field(
        description="What it is: service, db, infrastructure, ssh, datastore, operator, search, storage or vpn."
    )
    latest_revision: ServiceRevision | None = strawberry.field(description="The newest revision.")
    revisions: Connection[ServiceRevision] = resolved_by(
        _revisions, description="Its revisions, the newest first.", arguments=PAGING
    )
    version: int = strawberry.field(description="Counts its changes; send it as `expectedVersion`.")
    created_at: datetime.datetime = strawberry.field(description="When it was imported first.")


@strawberry.input(description="Which services; conditions hold together.")
class ServiceFilter:
    organization: strawberry.ID | None = strawberry.field(default=None, description="Of the organization with this id.")
    types: list[str] | None = strawberry.field(default=None, description="Of one of these types, as in `Service.type`.")


listed_services = listed(
    "Service", {"organization": "t.organization_id = {}", "types": "t.type = ANY({})"}, ListOrder.NAME
)
