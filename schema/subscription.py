"""Every subscription, one entry each: what one event is, and who tells it."""

import strawberry

from resolvers import follow
from schema.event import InstanceEvent, TaskEvent
from schema.fields import subscribed_by

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
