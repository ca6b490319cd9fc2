"""The Kubernetes objects of an instance, as Berth applied them."""

import strawberry

from resolvers.applied import AppliedObject as AppliedObjectValue
from schema.fields import source


@strawberry.type(description="A Kubernetes object, as Berth applied it last.")
@source(AppliedObjectValue)
class AppliedObject:
    kind: str = strawberry.field(description="Its kind, such as `Deployment`.")
    name: str = strawberry.field(description="Its name, unique among the objects of its kind in the namespace.")
    api_version: str = strawberry.field(description="The version of its kind, such as `apps/v1`.")
    service: str | None = strawberry.field(
        description="The name of the app service that it belongs to; null when it is the instance's as a whole."
    )
    yaml: str = strawberry.field(description="All of it as YAML. The values of Secrets are masked: `********`.")
