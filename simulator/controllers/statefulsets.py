"""Stateful sets: pods with names of their own, one after the other, each with its claims."""

from collections.abc import Iterable
from zlib import crc32

import orjson

from simulator.cluster import clone
from simulator.controllers.loop import Key, Loop, owned_keys
from simulator.controllers.replicas import children, ended, make_pod, nonzero, ready
from simulator.events import Recorder
from simulator.kinds import CLAIMS, PODS, STATEFUL_SETS, Object
from simulator.store import Event

REVISION = "controller-revision-hash"


class StatefulSets:
    """Keeps the pods of stateful sets, in order unless they may go in parallel."""

    def __init__(self, loop: Loop, recorder: Recorder) -> None:
        self.loop, self.state, self.recorder = loop, loop.state, recorder

    def keys(self, event: Event) -> Iterable[Key]:
        return owned_keys(event, STATEFUL_SETS, (PODS,))

    def reconcile(self, key: Key) -> None:
        found = self.state.store.get(STATEFUL_SETS, *key)
        if found is None or found.obj["metadata"].get("deletionTimestamp"):
            return
        obj = found.obj
        text = orjson.dumps(obj["spec"]["template"], option=orjson.OPT_SORT_KEYS)
        revision = f"{obj['metadata']['name']}-{crc32(text):08x}"
        self._step(obj, revision)
        self._report(obj, revision)

    def _step(self, obj: Object, revision: str) -> None:
        """Makes, replaces or removes the pods whose turn it is; in order, one at a time."""
        ordered = obj["spec"]["podManagementPolicy"] == "OrderedReady"
        pods = {_ordinal(pod): pod for pod in children(self.state, PODS, obj)}
        wanted = obj["spec"]["replicas"]
        for ordinal in range(wanted):
            pod = pods.get(ordinal)
            if pod is None:
                self._make(obj, ordinal, revision)
            elif ended(pod):
                self._delete(obj, pod)
            if ordered and (pod is None or not ready(pod) or pod["metadata"].get("deletionTimestamp")):
                return
        for ordinal in sorted((one for one in pods if one >= wanted), reverse=True):
            self._delete(obj, pods[ordinal])
            if ordered:
                return
        self._update(obj, pods, revision)

    def _update(self, obj: Object, pods: dict[int, Object], revision: str) -> None:
        """Replaces the last pod of an old template; the next one's turn comes when it is ready again."""
        strategy = obj["spec"]["updateStrategy"]
        if strategy.get("type") != "RollingUpdate":
            return
        first = (strategy.get("rollingUpdate") or {}).get("partition") or 0
        for ordinal in range(obj["spec"]["replicas"] - 1, first - 1, -1):
            pod = pods.get(ordinal)
            if pod is None or pod["metadata"].get("deletionTimestamp"):
                return
            if pod["metadata"]["labels"].get(REVISION) != revision:
                self._delete(obj, pod)
                return
            if not ready(pod):
                return

    def _make(self, obj: Object, ordinal: int, revision: str) -> None:
        meta, spec = obj["metadata"], obj["spec"]
        name = f"{meta['name']}-{ordinal}"
        volumes = []
        for template in spec.get("volumeClaimTemplates") or []:
            volume, claim = template["metadata"]["name"], f"{template['metadata']['name']}-{name}"
            volumes.append({"name": volume, "persistentVolumeClaim": {"claimName": claim}})
            if self.state.store.get(CLAIMS, meta["namespace"], claim) is None:
                made = clone({"metadata": {**template["metadata"], "name": claim}, "spec": template["spec"]})
                made["metadata"]["labels"] = {**(made["metadata"].get("labels") or {}),
                                              **(spec["selector"].get("matchLabels") or {})}  # fmt: skip
                self.state.cluster.create(CLAIMS, meta["namespace"], made)
                message = f"create Claim {claim} Pod {name} in StatefulSet {meta['name']} successful"
                self.recorder.record(obj, "SuccessfulCreate", message, "statefulset-controller")
        claimed = {one["name"] for one in volumes}
        own = [one for one in spec["template"]["spec"].get("volumes") or [] if one["name"] not in claimed]
        labels = {
            "statefulset.kubernetes.io/pod-name": name, "apps.kubernetes.io/pod-index": str(ordinal),
            REVISION: revision,
        }  # fmt: skip
        changes: Object = {"hostname": name, "subdomain": spec.get("serviceName", "")}
        if volumes or own:
            changes["volumes"] = [*own, *volumes]
        make_pod(self.state, self.recorder, STATEFUL_SETS, obj, labels, name, changes)

    def _delete(self, obj: Object, pod: Object) -> None:
        if pod["metadata"].get("deletionTimestamp"):
            return
        meta = pod["metadata"]
        self.state.cluster.delete(PODS, meta["namespace"], meta["name"])
        message = f"delete Pod {meta['name']} in StatefulSet {obj['metadata']['name']} successful"
        self.recorder.record(obj, "SuccessfulDelete", message, "statefulset-controller")

    def _report(self, obj: Object, revision: str) -> None:
        pods = children(self.state, PODS, obj)
        current = [pod for pod in pods if pod["metadata"]["labels"].get(REVISION) == revision]
        up = sum(ready(pod) for pod in pods)
        before = (obj.get("status") or {}).get("currentRevision") or revision
        done = len(current) == len(pods) == obj["spec"]["replicas"] and up == len(pods)
        old = [pod for pod in pods if pod["metadata"]["labels"].get(REVISION) == before]
        status: Object = {
            "observedGeneration": obj["metadata"]["generation"], "replicas": len(pods), "availableReplicas": up,
            "currentRevision": revision if done else before, "updateRevision": revision, "collisionCount": 0,
        } | nonzero(
            readyReplicas=up, updatedReplicas=len(current), currentReplicas=len(current if done else old)
        )  # fmt: skip
        self.state.cluster.set_status(STATEFUL_SETS, obj, status)


def _ordinal(pod: Object) -> int:
    return int(pod["metadata"]["name"].rpartition("-")[2])
