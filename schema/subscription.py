"""Every subscription, one entry each: what one event is, and who tells it."""

from typing import Annotated

import strawberry

from resolvers import follow, logs
from resolvers import pods as pod_streams
from schema.event import ClusterEvent, InstanceEvent, InstanceListEvent, TaskEvent
from schema.fields import subscribed_by
from schema.instance import InstanceFilter, changed_instances
from schema.log import LogEvent, LogFilter
from schema.pod import PodEvent

_AFTER = "The cursor of the last event that was seen; without it the stream begins with a snapshot."


@strawberry.type(description="What can be followed live, over websockets (graphql-transport-ws) or server-sent events.")
class Subscription:
    task_events: TaskEvent = subscribed_by(
        follow.task_events,
        description="A task: a snapshot, every change after it, and one last event when it has ended.",
        arguments={"id": "The task.", "after": _AFTER},
    )
    instance_events: InstanceEvent = subscribed_by(
        follow.instance_events,
        description="An instance: a snapshot, every change after it, and one last event when it is deleted.",
        arguments={"id": "The instance.", "after": _AFTER},
    )
    instances_changed: InstanceListEvent = subscribed_by(
        changed_instances,
        description="The list of instances: a word when it is followed, then what comes in, changes and leaves.",
        arguments={
            "filter": Annotated[
                InstanceFilter | None, strawberry.argument(description="Which of them; all when it is left out.")
            ],
            "after": "The cursor of the last event that was seen: the stream goes on behind it.",
        },
    )
    cluster_events: ClusterEvent = subscribed_by(
        follow.cluster_events,
        description="A cluster: a snapshot, every change after it, and one last event when it is removed.",
        arguments={"id": "The cluster.", "after": _AFTER},
    )
    instance_logs: LogEvent = subscribed_by(
        logs.instance_logs,
        description="What the containers of an instance write: its last lines, then every line as it comes.",
        arguments={
            "instance_id": "The instance.",
            "filter": Annotated[LogFilter | None, strawberry.argument(description="Which lines; all without it.")],
            "tail": "How many past lines to begin with, the newest of all sources together: at most 5,000.",
            "after": "The cursor that came last: the stream goes on behind it, and `tail` does not count.",
        },
        shared=True,
    )
    pods: PodEvent = subscribed_by(
        pod_streams.pods,
        description="The pods of an instance: all of them, then every change, and when they cannot be followed.",
        arguments={"instance_id": "The instance."},
        shared=True,
    )
