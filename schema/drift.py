"""What has become of an instance's objects in its cluster."""

import datetime

import strawberry

from kube.drift import Difference, Stranger
from resolvers.drift import Drift as DriftValue
from resolvers.drift import DriftedObject as DriftedObjectValue
from schema.fields import source


@strawberry.type(description="A field of an object that is not as Berth applied it.")
@source(Difference)
class DriftedField:
    path: str = strawberry.field(description="Where it is: `spec.template.spec.containers[web].image`.")
    applied: str = strawberry.field(
        description="What applying it again would make of it, as JSON of at most 500 characters. Secrets are masked."
    )
    found: str = strawberry.field(description="What is there, likewise; `null` when nothing is.")


@strawberry.type(description="An object of an instance that is missing in the cluster, or changed by somebody else.")
@source(DriftedObjectValue)
class DriftedObject:
    kind: str = strawberry.field(description="Its kind, such as `Deployment`.")
    name: str = strawberry.field(description="Its name.")
    service: str | None = strawberry.field(
        description="The name of the app service that it belongs to; null when it is the instance's as a whole."
    )
    missing: bool = strawberry.field(description="Whether it is not there at all.")
    managers: list[str] = strawberry.field(description="Who beside Berth has set fields of it, in Kubernetes' words.")
    fields: list[DriftedField] = strawberry.field(description="What differs; empty when it is missing.")


@strawberry.type(description="An object in an instance's namespace that is not Berth's. It is left alone.")
@source(Stranger)
class ForeignObject:
    kind: str = strawberry.field(description="Its kind.")
    name: str = strawberry.field(description="Its name.")
    managers: list[str] = strawberry.field(description="Who has set fields of it.")
    created_at: datetime.datetime = strawberry.field(description="When it was made.")


@strawberry.type(
    description="How an instance's objects in its cluster differ from what Berth applied last. The cluster is asked by "
    "dry runs when this is looked at; nothing is changed. Deploying again applies everything anew."
)
@source(DriftValue)
class InstanceDrift:
    checked_at: datetime.datetime = strawberry.field(description="When the cluster was asked.")
    unavailable: str | None = strawberry.field(
        description="Why it cannot be told now, such as that the cluster does not answer; null when it can."
    )
    objects: list[DriftedObject] = strawberry.field(description="The objects that differ.")
    foreign_objects: list[ForeignObject] = strawberry.field(
        description="Objects of others in its namespace, of the kinds that Berth writes, and pods."
    )
