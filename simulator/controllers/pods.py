"""The scheduler and the node: pods are placed, their containers run, and what is deleted stops."""

from collections.abc import Iterable
from zlib import crc32

from simulator.clock import SECOND
from simulator.controllers.containers import Container, fresh
from simulator.controllers.loop import Key, Loop, condition
from simulator.events import Recorder
from simulator.kinds import CLAIMS, CONFIG_MAPS, PODS, SECRETS, Kind, Object
from simulator.store import Event

NODE = "simulated-node"
NODE_IP = "192.0.2.10"
_REFERENCES: dict[str, Kind] = {"configMap": CONFIG_MAPS, "secret": SECRETS}


class Kubelet:
    """Moves every pod one step at a time; the steps that are due later are asked for on the clock."""

    def __init__(self, loop: Loop, recorder: Recorder) -> None:
        self.loop, self.state, self.recorder = loop, loop.state, recorder
        self._due: dict[str, dict[str, int]] = {}
        self._notes: dict[str, dict[str, dict[str, int]]] = {}

    def keys(self, event: Event) -> Iterable[Key]:
        if event.kind is PODS:
            meta = event.new.obj["metadata"]
            if event.type != "DELETED":
                yield event.namespace, meta["name"]
            else:
                self._due.pop(meta["uid"], None)
                self._notes.pop(meta["uid"], None)
        elif event.kind is CLAIMS and event.type == "MODIFIED":
            yield from ((event.namespace, pod["metadata"]["name"]) for pod in self._waiting(event.namespace))

    def _waiting(self, namespace: str) -> list[Object]:
        return [pod for pod in self.state.store.objects(PODS, namespace) if not pod["spec"].get("nodeName")]

    def reconcile(self, key: Key) -> None:
        found = self.state.store.get(PODS, *key)
        if found is None:
            return
        pod = found.obj
        if pod["metadata"].get("deletionTimestamp"):
            self._stop(pod)
        elif not pod["spec"].get("nodeName"):
            self._schedule(pod)
        elif (pod.get("status") or {}).get("phase") not in {"Succeeded", "Failed"}:
            self._run(pod)

    def _at(self, pod: Object, step: str, due: int) -> bool:
        """Whether the time of a step has come; the first time that it is asked about sets it."""
        meta = pod["metadata"]
        times = self._due.setdefault(meta["uid"], {})
        now = self.state.clock.now()
        if step not in times:
            times[step] = due
            if due > now:
                self.loop.later((due - now) / SECOND, self, (meta["namespace"], meta["name"]))
        return times[step] <= now

    def _schedule(self, pod: Object) -> None:
        state = self.state
        now = state.clock.now()
        if not self._at(pod, "schedule", now + round(state.speeds.schedule * SECOND)):
            return
        reason = next((said for one in pod["spec"]["containers"]
                       if (said := state.behaviours.of(pod, one).unschedulable)), "")  # fmt: skip
        why = f"0/1 nodes are available: 1 {reason}." if reason else self._unbound(pod)
        status, stamp = dict(pod.get("status") or {}), state.clock.stamp()
        if why:
            self.recorder.record(pod, "FailedScheduling", why, "default-scheduler", warning=True)
            status["phase"] = "Pending"
            status["conditions"] = [condition(status, "PodScheduled", False, "Unschedulable", why, stamp)]
            state.cluster.set_status(PODS, pod, status)
            self.loop.later(5.0, self, (pod["metadata"]["namespace"], pod["metadata"]["name"]))
            self._due[pod["metadata"]["uid"]].pop("schedule")
            self._at(pod, "schedule", now + round(5.0 * SECOND))
            return
        meta = pod["metadata"]
        status["conditions"] = [condition(status, "PodScheduled", True, "", "", stamp)]
        placed = {**pod, "metadata": dict(meta), "spec": {**pod["spec"], "nodeName": NODE}, "status": status}
        state.store.put(PODS, placed)
        message = f"Successfully assigned {meta['namespace']}/{meta['name']} to {NODE}"
        self.recorder.record(pod, "Scheduled", message, "default-scheduler")

    def _unbound(self, pod: Object) -> str:
        namespace = pod["metadata"]["namespace"]
        for volume in pod["spec"].get("volumes") or []:
            name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            if name is None:
                continue
            claim = self.state.store.get(CLAIMS, namespace, name)
            if claim is None:
                return f'0/1 nodes are available: persistentvolumeclaim "{name}" not found.'
            if claim.obj["status"].get("phase") != "Bound":
                return "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."
        return ""

    def _run(self, pod: Object) -> None:
        spec, status = pod["spec"], dict(pod.get("status") or {})
        inits = spec.get("initContainers") or []
        begun = any("containerID" in row for row in status.get("containerStatuses") or [])
        if not begun and (unmounted := self._unmounted(pod)):
            self.recorder.record(pod, "FailedMount", unmounted, "kubelet", warning=True)
            self._at(pod, f"mount{self.state.clock.now() // (2 * SECOND)}", self.state.clock.now() + 2 * SECOND)
            self._report(pod, status, [fresh(one, "PodInitializing") for one in inits],
                         [fresh(one, "ContainerCreating") for one in spec["containers"]])  # fmt: skip
            return
        old = {row["name"]: row for part in ("initContainerStatuses", "containerStatuses")
               for row in status.get(part) or []}  # fmt: skip
        rows, done = [], True
        for one in inits:
            row = old.get(one["name"]) or fresh(one, "PodInitializing")
            if done:
                row = self._container(pod, one, row, init=True)
                sidecar = one.get("restartPolicy") == "Always" and row["started"]
                done = sidecar or (row["state"].get("terminated") or {}).get("exitCode") == 0
            rows.append(row)
        waits = "PodInitializing" if inits else "ContainerCreating"
        mains = [old.get(one["name"]) or fresh(one, waits) for one in spec["containers"]]
        if done:
            specs = zip(spec["containers"], mains, strict=True)
            mains = [self._container(pod, one, row, init=False) for one, row in specs]
        self._report(pod, status, rows, mains)

    def _container(self, pod: Object, spec: Object, row: Object, *, init: bool) -> Object:
        state, uid = self.state, pod["metadata"]["uid"]
        behaviour = state.behaviours.of(pod, spec)
        policy = spec.get("restartPolicy") or pod["spec"].get("restartPolicy", "Always")
        if init and spec.get("restartPolicy") != "Always" and not behaviour.exit:
            behaviour = state.behaviours.finishing(behaviour, state.speeds.init)
        code = (row["state"].get("terminated") or {}).get("exitCode")
        failing = (code if code is not None else int(behaviour.exit or 0)) != 0
        restarts = failing if init and spec.get("restartPolicy") != "Always" else policy == "Always"
        if policy == "OnFailure":
            restarts = failing
        if policy == "Never":
            restarts = False

        def say(reason: str, message: str, *, warning: bool = False) -> None:
            self.recorder.record(pod, reason, message, "kubelet", warning=warning)

        notes = self._notes.setdefault(uid, {}).setdefault(spec["name"], {})
        return Container(
            spec, pod, row, behaviour, state.speeds, state.clock, lambda step, due: self._at(pod, step, due), say,
            state.ends, restarts, notes, self._missing(pod, spec),
        ).advance()  # fmt: skip

    def _missing(self, pod: Object, spec: Object) -> str:
        """The config map or secret that the container's environment needs and the namespace does not have."""
        namespace = pod["metadata"]["namespace"]
        wanted = [(CONFIG_MAPS, source.get("configMapRef")) for source in spec.get("envFrom") or []]
        wanted += [(SECRETS, source.get("secretRef")) for source in spec.get("envFrom") or []]
        for env in spec.get("env") or []:
            source = env.get("valueFrom") or {}
            wanted += [(CONFIG_MAPS, source.get("configMapKeyRef")), (SECRETS, source.get("secretKeyRef"))]
        for kind, ref in wanted:
            if not ref or ref.get("optional"):
                continue
            found = self.state.store.get(kind, namespace, ref["name"])
            if found is None:
                return f'{kind.name.lower()} "{ref["name"]}" not found'
            if "key" in ref and ref["key"] not in (found.obj.get("data") or {}):
                return f"couldn't find key {ref['key']} in {kind.name} {namespace}/{ref['name']}"
        return ""

    def _unmounted(self, pod: Object) -> str:
        namespace = pod["metadata"]["namespace"]
        for volume in pod["spec"].get("volumes") or []:
            for source, kind in _REFERENCES.items():
                ref = volume.get(source) or {}
                name = ref.get("name") or ref.get("secretName")
                if name and not ref.get("optional") and self.state.store.get(kind, namespace, name) is None:
                    what = f'{kind.name.lower()} "{name}" not found'
                    return f'MountVolume.SetUp failed for volume "{volume["name"]}" : {what}'
        return ""

    def _report(self, pod: Object, status: Object, inits: list[Object], mains: list[Object]) -> None:
        """Writes the status that follows from the containers' rows."""
        now = self.state.clock.stamp()
        ended = [row["state"].get("terminated") for row in mains]
        restarted = pod["spec"].get("restartPolicy", "Always")
        failed_init = any((row["state"].get("terminated") or {}).get("exitCode") for row in inits)
        initialized = all(
            (row["state"].get("terminated") or {}).get("exitCode") == 0 or row["started"] for row in inits
        )
        phase = "Pending"
        if failed_init and restarted == "Never":
            phase = "Failed"
        elif all(ended) and restarted != "Always":
            codes = [one["exitCode"] for one in ended if one]
            phase = "Failed" if any(codes) else "Succeeded"
            if any(codes) and restarted == "OnFailure":
                phase = "Running"
        elif any("containerID" in row for row in mains):
            phase = "Running"
        unready = [row["name"] for row in mains if not row["ready"]]
        why = ("ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]") if unready else ("", "")
        if phase == "Succeeded":
            why = ("PodCompleted", "")
        init_why = ("", "")
        if not initialized:
            names = [row["name"] for row in inits if (row["state"].get("terminated") or {}).get("exitCode") != 0]
            init_why = ("ContainersNotInitialized", f"containers with incomplete status: [{' '.join(names)}]")
        uid = crc32(pod["metadata"]["uid"].encode())
        address = f"10.244.{uid >> 8 & 255}.{uid & 255 or 1}"
        new: Object = {
            **status, "phase": phase, "hostIP": NODE_IP, "hostIPs": [{"ip": NODE_IP}],
            "startTime": status.get("startTime") or now, "qosClass": status["qosClass"],
            "conditions": [
                condition(status, "PodReadyToStartContainers", phase != "Pending" or initialized, "", "", now),
                condition(status, "Initialized", initialized, *init_why, now),
                condition(status, "Ready", not unready, *why, now),
                condition(status, "ContainersReady", not unready, *why, now),
                condition(status, "PodScheduled", True, "", "", now),
            ],
            "containerStatuses": mains,
        }  # fmt: skip
        if inits:
            new["initContainerStatuses"] = inits
        if phase == "Running" or any("containerID" in row for row in inits):
            new |= {"podIP": address, "podIPs": [{"ip": address}]}
        new["observedGeneration"] = pod["metadata"]["generation"]
        for row in new["conditions"]:
            row["observedGeneration"] = pod["metadata"]["generation"]
        self.state.cluster.set_status(PODS, pod, new)

    def _stop(self, pod: Object) -> None:
        """Lets a deleted pod end: at once by SIGTERM, or by SIGKILL when it ignores that and its grace is over."""
        state, meta = self.state, pod["metadata"]
        grace = float(meta.get("deletionGracePeriodSeconds") or 0)
        rows = (pod.get("status") or {}).get("containerStatuses") or []
        running = [row for row in rows if "running" in row["state"]]
        specs = {one["name"]: one for one in pod["spec"]["containers"]}
        deaf = any(state.behaviours.of(pod, specs[row["name"]]).sigterm == "ignore" for row in running)
        seconds = grace if deaf else min(state.speeds.stop, grace)
        if running and not self._notes.setdefault(meta["uid"], {}).setdefault("", {}).get("killing"):
            self._notes[meta["uid"]][""]["killing"] = 1
            for row in running:
                self.recorder.record(pod, "Killing", f"Stopping container {row['name']}", "kubelet")
        if running and not self._at(pod, f"stop{grace}", state.clock.now() + round(seconds * SECOND)):
            return
        ended = []
        for row in rows:
            if "running" in row["state"]:
                spec = specs[row["name"]]
                one = Container(spec, pod, row, state.behaviours.of(pod, spec), state.speeds,
                                state.clock, lambda *_: False, lambda *_: None, state.ends, False, {})  # fmt: skip
                one.end(137 if deaf else 0, "Error" if deaf else "Completed")
                row = one.row
            ended.append(row)
        if running:
            state.cluster.set_status(PODS, pod, {**pod["status"], "containerStatuses": ended})
        found = state.store.get(PODS, meta["namespace"], meta["name"])
        if found and meta.get("deletionGracePeriodSeconds") != 0:
            state.cluster.delete(PODS, meta["namespace"], meta["name"], {"gracePeriodSeconds": 0})
