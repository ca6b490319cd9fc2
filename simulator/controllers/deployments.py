"""Deployments: one replica set per template, and the way from the old ones to the new."""

import math
from collections.abc import Iterable
from zlib import crc32

import orjson

from simulator.clock import SECOND, parse
from simulator.cluster import clone
from simulator.controllers.loop import Key, Loop, condition, owned_keys, owner, reference
from simulator.controllers.replicas import children, nonzero
from simulator.events import Recorder
from simulator.kinds import DEPLOYMENTS, PODS, REPLICA_SETS, Kind, Object
from simulator.store import Event

REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"
_GROWING = ("updatedReplicas", "readyReplicas", "availableReplicas")
_CONTROLLER = "deployment-controller"


def template_hash(template: Object) -> str:
    """The name that a template gives its replica set."""
    return f"{crc32(orjson.dumps(template, option=orjson.OPT_SORT_KEYS)):08x}"


def share(value: int | str, total: int, *, up: bool) -> int:
    """A number, or a percentage of a total rounded up or down."""
    if isinstance(value, int):
        return value
    part = int(value.rstrip("%")) * total / 100
    return math.ceil(part) if up else math.floor(part)


def _outdated(status: Object) -> int:
    """Replicas of old templates."""
    return int(status.get("replicas", 0) - status.get("updatedReplicas", 0))


class Deployments:
    """Rolls deployments out and says how far they are."""

    def __init__(self, loop: Loop, recorder: Recorder) -> None:
        self.loop, self.state, self.recorder = loop, loop.state, recorder

    def keys(self, event: Event) -> Iterable[Key]:
        yield from owned_keys(event, DEPLOYMENTS, (REPLICA_SETS,))
        if event.kind is PODS and event.type == "DELETED":  # `Recreate` waits for the last of them
            holder = self.state.store.get(REPLICA_SETS, event.namespace, owner(event.new.obj).get("name", ""))
            if holder and owner(holder.obj).get("kind") == DEPLOYMENTS.name:
                yield event.namespace, owner(holder.obj)["name"]

    def reconcile(self, key: Key) -> None:
        found = self.state.store.get(DEPLOYMENTS, *key)
        if found is None or found.obj["metadata"].get("deletionTimestamp"):
            return
        obj = found.obj
        sets = children(self.state, REPLICA_SETS, obj)
        name = template_hash(obj["spec"]["template"])
        new = next((one for one in sets if one["metadata"]["labels"].get(HASH) == name), None)
        old = [one for one in sets if one is not new]
        if not obj["spec"].get("paused"):
            new = self._new(obj, new, old, name)
            if obj["spec"]["strategy"]["type"] == "Recreate":
                self._recreate(obj, new, old)
            else:
                self._roll(obj, new, old)
            self._clean(obj, new, old)
        sets = children(self.state, REPLICA_SETS, obj)
        new = next((one for one in sets if one["metadata"]["labels"].get(HASH) == name), None)
        self._report(obj, sets, new)

    def _new(self, obj: Object, new: Object | None, old: list[Object], name: str) -> Object:
        last = max([int(one["metadata"]["annotations"][REVISION]) for one in old], default=0)
        if new is None:
            new = self._create(obj, name, str(last + 1))
        elif int(new["metadata"]["annotations"][REVISION]) <= last:
            new = self._annotate(REPLICA_SETS, new, str(last + 1))
        revision = new["metadata"]["annotations"][REVISION]
        if (obj["metadata"].get("annotations") or {}).get(REVISION) != revision:
            self._annotate(DEPLOYMENTS, obj, revision)
        return new

    def _annotate(self, kind: Kind, obj: Object, revision: str) -> Object:
        meta = obj["metadata"]
        annotations = {**(meta.get("annotations") or {}), REVISION: revision}
        current = self.state.cluster.find(kind, meta["namespace"], meta["name"]).obj
        new = {**current, "metadata": {**current["metadata"], "annotations": annotations}}
        return self.state.store.put(kind, new).obj

    def _create(self, obj: Object, name: str, revision: str) -> Object:
        meta, template = obj["metadata"], clone(obj["spec"]["template"])
        template.setdefault("metadata", {}).setdefault("labels", {})[HASH] = name
        selector = clone(obj["spec"]["selector"])
        selector.setdefault("matchLabels", {})[HASH] = name
        annotations = {one: value for one, value in (meta.get("annotations") or {}).items()
                       if one != "kubectl.kubernetes.io/last-applied-configuration"}  # fmt: skip
        made = {
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {
                "name": f"{meta['name']}-{name}", "namespace": meta["namespace"],
                "labels": dict(template["metadata"]["labels"]),
                "annotations": {**annotations, REVISION: revision, **self._bounds(obj)},
                "ownerReferences": [reference(DEPLOYMENTS, obj)],
            },
            "spec": {"replicas": 0, "selector": selector, "template": template},
        }  # fmt: skip
        return self.state.cluster.create(REPLICA_SETS, meta["namespace"], made).obj

    def _scale(self, obj: Object, one: Object, replicas: int) -> None:
        if one["spec"]["replicas"] == replicas:
            return
        meta, before = one["metadata"], one["spec"]["replicas"]
        current = self.state.cluster.find(REPLICA_SETS, meta["namespace"], meta["name"]).obj
        generation = current["metadata"]["generation"] + 1
        annotations = {**current["metadata"]["annotations"], **self._bounds(obj)}
        self.state.store.put(REPLICA_SETS, {
            **current, "metadata": {**current["metadata"], "generation": generation, "annotations": annotations},
            "spec": {**current["spec"], "replicas": replicas},
        })  # fmt: skip
        how = "up" if replicas > before else "down"
        message = f"Scaled {how} replica set {meta['name']} from {before} to {replicas}"
        self.recorder.record(obj, "ScalingReplicaSet", message, _CONTROLLER)

    def _bounds(self, obj: Object) -> dict[str, str]:
        """What the deployment's replica sets are told of its size."""
        wanted, rolling = obj["spec"]["replicas"], obj["spec"]["strategy"].get("rollingUpdate") or {}
        most = wanted + share(rolling.get("maxSurge", 0), wanted, up=True)
        prefix = "deployment.kubernetes.io"
        return {f"{prefix}/desired-replicas": str(wanted), f"{prefix}/max-replicas": str(most)}

    def _roll(self, obj: Object, new: Object, old: list[Object]) -> None:
        """The rolling update: at most replicas + maxSurge pods, at least replicas - maxUnavailable ready."""
        wanted, rolling = obj["spec"]["replicas"], obj["spec"]["strategy"].get("rollingUpdate") or {}
        surge = share(rolling.get("maxSurge", "25%"), wanted, up=True)
        unavailable = share(rolling.get("maxUnavailable", "25%"), wanted, up=False)
        if not surge and not unavailable:
            unavailable = 1
        total = sum(one["spec"]["replicas"] for one in old) + new["spec"]["replicas"]
        if new["spec"]["replicas"] > wanted:
            self._scale(obj, new, wanted)
        elif new["spec"]["replicas"] < wanted and (room := wanted + surge - total) > 0:
            self._scale(obj, new, min(wanted, new["spec"]["replicas"] + room))
            return
        available = sum((one.get("status") or {}).get("availableReplicas", 0) for one in [*old, new])
        spare = available - (wanted - unavailable)
        for one in old:
            up = (one.get("status") or {}).get("availableReplicas", 0)
            broken = one["spec"]["replicas"] - up
            down = broken + max(0, min(up, spare))
            spare -= max(0, min(up, spare))
            self._scale(obj, one, max(0, one["spec"]["replicas"] - down))

    def _recreate(self, obj: Object, new: Object, old: list[Object]) -> None:
        for one in old:
            self._scale(obj, one, 0)
        if not any(children(self.state, PODS, one) for one in old):
            self._scale(obj, new, obj["spec"]["replicas"])

    def _clean(self, obj: Object, new: Object, old: list[Object]) -> None:
        empty = [one for one in old if not one["spec"]["replicas"] and not (one.get("status") or {}).get("replicas")]
        empty.sort(key=lambda one: int(one["metadata"]["annotations"][REVISION]))
        for one in empty[: max(0, len(empty) - obj["spec"]["revisionHistoryLimit"])]:
            self.state.cluster.delete(REPLICA_SETS, one["metadata"]["namespace"], one["metadata"]["name"])

    def _report(self, obj: Object, sets: list[Object], new: Object | None) -> None:
        def total(field: str) -> int:
            return sum((one.get("status") or {}).get(field, 0) for one in sets)

        current = self.state.cluster.find(DEPLOYMENTS, obj["metadata"]["namespace"], obj["metadata"]["name"]).obj
        wanted, available, replicas = obj["spec"]["replicas"], total("availableReplicas"), total("replicas")
        updated = ((new or {}).get("status") or {}).get("replicas", 0)
        before = current.get("status") or {}
        status = nonzero(
            observedGeneration=obj["metadata"]["generation"], replicas=replicas, updatedReplicas=updated,
            readyReplicas=total("readyReplicas"), availableReplicas=available,
            unavailableReplicas=max(0, max(replicas, wanted) - available if replicas or wanted else 0),
        )  # fmt: skip
        rolling = obj["spec"]["strategy"].get("rollingUpdate") or {}
        most = share(rolling.get("maxUnavailable", 0), wanted, up=False)
        enough = available >= wanted - most
        now = self.state.clock.stamp()
        reason, word = (
            ("MinimumReplicasAvailable", "has") if enough else ("MinimumReplicasUnavailable", "does not have")
        )
        conditions = [condition(before, "Available", enough, reason, f"Deployment {word} minimum availability.", now)]
        conditions[0]["lastUpdateTime"] = conditions[0]["lastTransitionTime"]
        done = updated == wanted == replicas == available and new is not None
        conditions.append(self._progress(obj, before, status, new, done))
        for one in sets:
            for failed in (one.get("status") or {}).get("conditions") or []:
                conditions.append({**failed, "lastUpdateTime": failed["lastTransitionTime"]})
        status["conditions"] = conditions
        self.state.cluster.set_status(DEPLOYMENTS, obj, status)

    def _progress(self, obj: Object, before: Object, status: Object, new: Object | None, done: bool) -> Object:
        """The Progressing condition, which times out when nothing has moved for progressDeadlineSeconds."""
        if obj["spec"].get("paused"):
            stamp = self.state.clock.stamp()
            made = condition(before, "Progressing", False, "DeploymentPaused", "Deployment is paused", stamp)
            return made | {"status": "Unknown", "lastUpdateTime": stamp}
        now, name = self.state.clock.now(), (new or {}).get("metadata", {}).get("name", "")
        old: Object = next((one for one in before.get("conditions") or [] if one["type"] == "Progressing"), {})
        stamp = self.state.clock.stamp()
        if done:
            made = condition(before, "Progressing", True, "NewReplicaSetAvailable",
                             f'ReplicaSet "{name}" has successfully progressed.', stamp)  # fmt: skip
            return made | {"lastUpdateTime": old["lastUpdateTime"] if old.get("message") == made["message"]
                           and old.get("reason") == made["reason"] else stamp}  # fmt: skip
        again = old.get("reason") == "NewReplicaSetAvailable"
        renewed = again and before.get("observedGeneration") != status["observedGeneration"]
        grown = any(status.get(one, 0) > before.get(one, 0) for one in _GROWING)
        moved = not old or renewed or grown or _outdated(status) < _outdated(before)
        if moved:
            reason = "ReplicaSetUpdated" if status.get("updatedReplicas") else "NewReplicaSetCreated"
            word = "is progressing." if reason == "ReplicaSetUpdated" else "has been created."
            text = (
                f'ReplicaSet "{name}" {word}' if reason == "ReplicaSetUpdated" else f'Created new replica set "{name}"'
            )
            made = condition(before, "Progressing", True, reason, text, stamp) | {"lastUpdateTime": stamp}
            self._again(obj, now)
            return made
        deadline = obj["spec"].get("progressDeadlineSeconds", 600)
        if old.get("status") == "True" and now - parse(old["lastUpdateTime"]) >= deadline * SECOND:
            text = f'ReplicaSet "{name}" has timed out progressing.'
            made = condition(before, "Progressing", False, "ProgressDeadlineExceeded", text, stamp)
            return made | {"lastUpdateTime": stamp}
        if old.get("status") == "True":
            self._again(obj, parse(old["lastUpdateTime"]))
        return old

    def _again(self, obj: Object, since: int) -> None:
        """Looks again when the deadline has passed."""
        left = since + obj["spec"].get("progressDeadlineSeconds", 600) * SECOND - self.state.clock.now()
        meta = obj["metadata"]
        self.loop.later(left / SECOND + 1.0, self, (meta["namespace"], meta["name"]))
