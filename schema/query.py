"""Everything that can be asked: one entry for each query."""

from collections.abc import Callable
from typing import Annotated, Any

import strawberry
from strawberry import argument

from resolvers import logs as log_reads
from resolvers import lookups, viewers
from resolvers.paging import ListOrder, TimeOrder
from schema.app import App, AppFilter, listed_apps
from schema.cluster import Cluster, ClusterFilter, listed_clusters
from schema.environment import Environment, EnvironmentFilter, listed_environments
from schema.fields import resolved_by
from schema.instance import Instance, InstanceFilter, listed_instances
from schema.log import LogFilter, LogPage
from schema.node import PAGING, Connection, Node
from schema.service import Service, ServiceFilter, listed_services
from schema.stack import Stack, StackFilter, listed_stacks
from schema.task import Task, TaskFilter, listed_tasks
from schema.viewer import Viewer

_ORGANIZATION = "The organization's id or machine name; may be left out when you are in one only."
_NAME = {"name": "Its machine name.", "organization": _ORGANIZATION}


def _named(to: str, description: str) -> Any:
    return resolved_by(lookups.named(to), description=description, arguments=_NAME)


def _list(listed: Callable[..., Any], filter: type, order: type, description: str) -> Any:
    said = {
        **PAGING,
        "filter": Annotated[filter | None, argument(description="Which of them; all when it is left out.")],
        "order": Annotated[order, argument(description="How the list is sorted.")],
    }
    return resolved_by(listed, description=description, arguments=said)


@strawberry.type(description="Everything that can be asked. What you may not see does not exist for you.")
class Query:
    viewer: Viewer = resolved_by(viewers.viewer, description="Who you are.")
    node: Node | None = resolved_by(lookups.node, description="Anything by its id.", arguments={"id": "Its id."})
    nodes: list[Node | None] = resolved_by(
        lookups.nodes,
        description="Things by their ids, in their order; null for each that is not there.",
        arguments={"ids": "Their ids: at most 100."},
    )
    app: App | None = _named("App", "An app by its name.")
    instance: Instance | None = resolved_by(
        lookups.instance,
        description="An instance by its name and its app's.",
        arguments={**_NAME, "app": "Its app's machine name."},
    )
    stack: Stack | None = _named("Stack", "A stack by its name.")
    service: Service | None = _named("Service", "A service by its name.")
    cluster: Cluster | None = _named("Cluster", "A cluster by its name.")
    environment: Environment | None = _named("Environment", "An environment by its name.")
    logs: LogPage = resolved_by(
        log_reads.logs,
        description="What the containers of an instance wrote: its last lines, or those around a cursor. Each page is "
        "read from the cluster when it is asked for, and the further back, the more a node has to read for it.",
        arguments={
            "instance_id": "The instance.",
            "filter": Annotated[LogFilter | None, argument(description="Which lines; all without it.")],
            "before": "A cursor of this instance and filter: the last lines in front of it.",
            "after": "A cursor of this instance and filter: the first lines behind it.",
            "limit": "How many lines, of all sources together: at most 1,000.",
        },
    )
    apps: Connection[App] = _list(listed_apps, AppFilter, ListOrder, "Apps that you may see.")
    instances: Connection[Instance] = _list(listed_instances, InstanceFilter, ListOrder, "Instances that you may see.")
    tasks: Connection[Task] = _list(listed_tasks, TaskFilter, TimeOrder, "Tasks that you may see.")
    stacks: Connection[Stack] = _list(listed_stacks, StackFilter, ListOrder, "Stacks that you may see.")
    services: Connection[Service] = _list(listed_services, ServiceFilter, ListOrder, "Services that you may see.")
    clusters: Connection[Cluster] = _list(listed_clusters, ClusterFilter, ListOrder, "Clusters that you may see.")
    environments: Connection[Environment] = _list(
        listed_environments, EnvironmentFilter, ListOrder, "Environments that you may see."
    )
