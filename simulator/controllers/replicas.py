"""Replica sets, and how a workload makes a pod of its template."""

from collections.abc import Iterable
from typing import Any

from simulator.clock import SECOND
from simulator.cluster import clone
from simulator.controllers.loop import Key, Loop, condition, owned_keys, owner, reference
from simulator.errors import StatusError
from simulator.events import Recorder
from simulator.kinds import PODS, REPLICA_SETS, STATEFUL_SETS, Kind, Object
from simulator.state import State
from simulator.store import Event


def nonzero(**fields: Any) -> Object:
    """Fields as Go writes those with `omitempty`."""
    return {name: value for name, value in fields.items() if value}


def ready(pod: Object) -> bool:
    """Whether the pod's Ready condition holds."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def ended(pod: Object) -> bool:
    """Whether the pod has run to its end."""
    return (pod.get("status") or {}).get("phase") in {"Succeeded", "Failed"}


def children(state: State, kind: Kind, obj: Object) -> list[Object]:
    """The objects of a kind that this object controls, in the order in which they were made."""
    uid, namespace = obj["metadata"]["uid"], obj["metadata"]["namespace"]
    found = [one for one in state.store.objects(kind, namespace) if owner(one).get("uid") == uid]
    return sorted(found, key=lambda one: (one["metadata"]["creationTimestamp"], one["metadata"]["name"]))


def make_pod(
    state: State, recorder: Recorder, kind: Kind, obj: Object, labels: dict[str, str], name: str = "",
    changes: Object | None = None,
) -> Object:  # fmt: skip
    """Makes a pod of the workload's template. Raises what the API refuses, after an event that says so."""
    template, meta = clone(obj["spec"]["template"]), obj["metadata"]
    inner = template.get("metadata") or {}
    made: Object = {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            **inner, "namespace": meta["namespace"], "labels": {**(inner.get("labels") or {}), **labels},
            "ownerReferences": [reference(kind, obj)],
        },
        "spec": {**template["spec"], **(changes or {})},
    }  # fmt: skip
    made["metadata"]["generateName"] = f"{meta['name']}-"
    if name:
        made["metadata"]["name"] = name
    component = f"{kind.name.lower()}-controller"
    try:
        pod = state.cluster.create(PODS, meta["namespace"], made).obj
    except StatusError as refused:
        recorder.record(obj, "FailedCreate", f"Error creating: {refused}", component, warning=True)
        raise
    said = f"Created pod: {pod['metadata']['name']}"
    if kind is STATEFUL_SETS:
        said = f"create Pod {pod['metadata']['name']} in StatefulSet {meta['name']} successful"
    recorder.record(obj, "SuccessfulCreate", said, component)
    return pod


LONGEST = 300.0
"""Seconds between two tries to make pods that are refused."""


class ReplicaSets:
    """Keeps as many pods as each replica set asks for."""

    def __init__(self, loop: Loop, recorder: Recorder) -> None:
        self.loop, self.state, self.recorder = loop, loop.state, recorder
        self._refused: dict[str, tuple[int, int]] = {}

    def keys(self, event: Event) -> Iterable[Key]:
        return owned_keys(event, REPLICA_SETS, (PODS,))

    def reconcile(self, key: Key) -> None:
        found = self.state.store.get(REPLICA_SETS, *key)
        if found is None or found.obj["metadata"].get("deletionTimestamp"):
            return
        obj, refused = found.obj, None
        pods = [pod for pod in children(self.state, PODS, obj) if not pod["metadata"].get("deletionTimestamp")]
        pods = [pod for pod in pods if not ended(pod)]
        wanted = obj["spec"]["replicas"]
        if wanted > len(pods) and not self._waits(obj):
            try:
                for _ in range(wanted - len(pods)):
                    pods.append(make_pod(self.state, self.recorder, REPLICA_SETS, obj, {}))
                self._refused.pop(obj["metadata"]["uid"], None)
            except StatusError as error:
                refused = error
                self._wait(obj)
        surplus = sorted(pods, key=ready)[: max(0, len(pods) - wanted)]
        for pod in surplus:
            name = pod["metadata"]["name"]
            self.state.cluster.delete(PODS, key[0], name)
            self.recorder.record(obj, "SuccessfulDelete", f"Deleted pod: {name}", "replicaset-controller")
            pods.remove(pod)
        self._report(obj, pods, refused)

    def _waits(self, obj: Object) -> bool:
        return self._refused.get(obj["metadata"]["uid"], (0, 0))[1] > self.state.clock.now()

    def _wait(self, obj: Object) -> None:
        """Tries again after a time that doubles with every refusal."""
        meta, now = obj["metadata"], self.state.clock.now()
        tries, _ = self._refused.get(meta["uid"], (0, 0))
        seconds = min(2.0**tries, LONGEST)
        self._refused[meta["uid"]] = (tries + 1, now + round(seconds * SECOND))
        self.loop.later(seconds, self, (meta["namespace"], meta["name"]))

    def _report(self, obj: Object, pods: list[Object], refused: StatusError | None) -> None:
        up = sum(ready(pod) for pod in pods)
        status: Object = {"replicas": len(pods)} | nonzero(
            fullyLabeledReplicas=len(pods), readyReplicas=up, availableReplicas=up,
            observedGeneration=obj["metadata"]["generation"],
        )  # fmt: skip
        now, old = self.state.clock.stamp(), obj.get("status") or {}
        if refused is None and self._waits(obj):
            status["conditions"] = old.get("conditions") or []
        if refused:
            status["conditions"] = [condition(old, "ReplicaFailure", True, "FailedCreate", str(refused), now)]
        self.state.cluster.set_status(REPLICA_SETS, obj, status)
