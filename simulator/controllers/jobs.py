"""Jobs run pods to their end; daemon sets keep one on the node."""

from collections.abc import Iterable
from zlib import crc32

import orjson

from simulator.clock import SECOND, parse
from simulator.controllers.loop import Key, Loop, condition, owned_keys
from simulator.controllers.replicas import children, ended, make_pod, nonzero, ready
from simulator.events import Recorder
from simulator.kinds import DAEMON_SETS, JOBS, PODS, Object
from simulator.store import Event

GENERATION = "controller-revision-hash"


class Jobs:
    """Makes pods until enough of them have succeeded or too many have failed."""

    def __init__(self, loop: Loop, recorder: Recorder) -> None:
        self.loop, self.state, self.recorder = loop, loop.state, recorder

    def keys(self, event: Event) -> Iterable[Key]:
        return owned_keys(event, JOBS, (PODS,))

    def reconcile(self, key: Key) -> None:
        found = self.state.store.get(JOBS, *key)
        if found is None or found.obj["metadata"].get("deletionTimestamp"):
            return
        obj = found.obj
        before = obj.get("status") or {}
        if any(one["type"] in {"Complete", "Failed"} for one in before.get("conditions") or []):
            self._expire(obj, before)
            return
        spec, pods = obj["spec"], children(self.state, PODS, obj)
        done = sum((pod.get("status") or {}).get("phase") == "Succeeded" for pod in pods)
        failed = sum((pod.get("status") or {}).get("phase") == "Failed" for pod in pods)
        active = [pod for pod in pods if not ended(pod)]
        again = failed + sum(_restarts(pod) for pod in active)
        started = before.get("startTime") or self.state.clock.stamp()
        late = self._late(key, obj, started)
        conditions: list[Object] = []
        if done >= spec["completions"]:
            message = "Reached expected number of succeeded pods"
            conditions = self._end(before, ("SuccessCriteriaMet", "Complete"), "CompletionsReached", message)
            self.recorder.record(obj, "Completed", "Job completed", "job-controller")
        elif again > spec["backoffLimit"] or late:
            reason = "DeadlineExceeded" if late else "BackoffLimitExceeded"
            message = ("Job was active longer than specified deadline" if late
                       else "Job has reached the specified backoff limit")  # fmt: skip
            conditions = self._end(before, ("FailureTarget", "Failed"), reason, message)
            self.recorder.record(obj, reason, message, "job-controller", warning=True)
            for pod in active:
                self.state.cluster.delete(PODS, key[0], pod["metadata"]["name"])
            active = []
        elif not spec.get("suspend"):
            room = min(spec["parallelism"], spec["completions"] - done) - len(active)
            for _ in range(room):
                active.append(make_pod(self.state, self.recorder, JOBS, obj, {}))
        status = nonzero(
            active=len(active), succeeded=done, failed=failed, ready=sum(ready(pod) for pod in active),
            startTime=started, conditions=conditions,
        )  # fmt: skip
        status |= {"uncountedTerminatedPods": {}, "terminating": 0, "ready": status.get("ready", 0)}
        if done >= spec["completions"]:
            status["completionTime"] = self.state.clock.stamp()
        self.state.cluster.set_status(JOBS, obj, status)

    def _end(self, before: Object, kinds: tuple[str, str], reason: str, message: str) -> list[Object]:
        now = self.state.clock.stamp()
        rows = [condition(before, kind, True, reason, message, now) for kind in kinds]
        return [row | {"lastProbeTime": now} for row in rows]

    def _late(self, key: Key, obj: Object, started: str) -> bool:
        limit = obj["spec"].get("activeDeadlineSeconds")
        if limit is None:
            return False
        left = parse(started) + limit * SECOND - self.state.clock.now()
        if left > 0 and not (obj.get("status") or {}).get("startTime"):
            self.loop.later(left / SECOND + 1.0, self, key)
        return bool(left <= 0)

    def _expire(self, obj: Object, status: Object) -> None:
        """Deletes a finished job whose ttlSecondsAfterFinished has passed."""
        limit = obj["spec"].get("ttlSecondsAfterFinished")
        if limit is None:
            return
        meta = obj["metadata"]
        ended_at = max(parse(one["lastTransitionTime"]) for one in status["conditions"])
        left = ended_at + limit * SECOND - self.state.clock.now()
        if left <= 0:
            self.state.cluster.delete(JOBS, meta["namespace"], meta["name"], {"propagationPolicy": "Foreground"})
        else:
            self.loop.later(left / SECOND, self, (meta["namespace"], meta["name"]))


def _restarts(pod: Object) -> int:
    return sum(row["restartCount"] for row in (pod.get("status") or {}).get("containerStatuses") or [])


class DaemonSets:
    """Keeps one pod of each daemon set on the only node."""

    def __init__(self, loop: Loop, recorder: Recorder) -> None:
        self.loop, self.state, self.recorder = loop, loop.state, recorder

    def keys(self, event: Event) -> Iterable[Key]:
        return owned_keys(event, DAEMON_SETS, (PODS,))

    def reconcile(self, key: Key) -> None:
        found = self.state.store.get(DAEMON_SETS, *key)
        if found is None or found.obj["metadata"].get("deletionTimestamp"):
            return
        obj = found.obj
        revision = f"{crc32(orjson.dumps(obj['spec']['template'], option=orjson.OPT_SORT_KEYS)):08x}"
        pods = children(self.state, PODS, obj)
        for pod in pods:
            old = pod["metadata"]["labels"].get(GENERATION) != revision
            if (old or ended(pod)) and not pod["metadata"].get("deletionTimestamp"):
                self.state.cluster.delete(PODS, key[0], pod["metadata"]["name"])
        if not children(self.state, PODS, obj):
            make_pod(self.state, self.recorder, DAEMON_SETS, obj, {GENERATION: revision})
        pods = children(self.state, PODS, obj)
        up = sum(ready(pod) for pod in pods)
        new = sum(pod["metadata"]["labels"].get(GENERATION) == revision for pod in pods)
        status: Object = {
            "currentNumberScheduled": len(pods), "desiredNumberScheduled": 1, "numberMisscheduled": 0,
            "numberReady": up, "observedGeneration": obj["metadata"]["generation"],
        } | nonzero(numberAvailable=up, numberUnavailable=1 - up, updatedNumberScheduled=new)  # fmt: skip
        self.state.cluster.set_status(DAEMON_SETS, obj, status)
