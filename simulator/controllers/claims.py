"""Claims are bound where a storage class provides for them; quotas say what is used."""

from collections.abc import Iterable
from typing import Any

from simulator import apply as owning
from simulator import quota
from simulator.controllers.loop import Key, Loop
from simulator.events import Recorder
from simulator.kinds import CLAIMS, PODS, QUOTAS, STORAGE_CLASSES, Object
from simulator.store import Event

LATE = "WaitForFirstConsumer"
BOUND = "pv.kubernetes.io/bind-completed"
_MARK = ("f:metadata", "f:annotations", f"f:{BOUND}")
DEFAULT = "storageclass.kubernetes.io/is-default-class"


class Claims:
    """Gives unset claims the default class, and binds each claim of a class that exists."""

    def __init__(self, loop: Loop, recorder: Recorder) -> None:
        self.loop, self.state, self.recorder = loop, loop.state, recorder

    def keys(self, event: Event) -> Iterable[Key]:
        if event.kind is CLAIMS and event.type != "DELETED":
            yield event.namespace, event.new.obj["metadata"]["name"]
        elif event.kind is STORAGE_CLASSES:
            for claim in self.state.store.objects(CLAIMS):
                yield claim["metadata"]["namespace"], claim["metadata"]["name"]
        elif event.kind is PODS and event.type != "MODIFIED":
            for name in _claimed(event.new.obj):
                yield event.namespace, name

    def reconcile(self, key: Key) -> None:
        found = self.state.store.get(CLAIMS, *key)
        if found is None:
            return
        claim = found.obj
        if claim["metadata"].get("deletionTimestamp"):
            self._release(key, claim)
            return
        if claim["status"].get("phase") != "Bound":
            self._bind(claim)
        elif quota.quantity(_asked(claim)) > quota.quantity(claim["status"]["capacity"]["storage"]):
            status = {**claim["status"], "capacity": {"storage": _asked(claim)}}
            self.state.cluster.set_status(CLAIMS, claim, status)

    def _bind(self, claim: Object) -> None:
        spec, classes = claim["spec"], list(self.state.store.objects(STORAGE_CLASSES))
        name = spec.get("storageClassName")
        if name is None:
            name = next((one["metadata"]["name"] for one in classes
                         if (one["metadata"].get("annotations") or {}).get(DEFAULT) == "true"), None)  # fmt: skip
        known = any(one["metadata"]["name"] == name for one in classes)
        if not known:
            text = (f'storageclass.storage.k8s.io "{name}" not found' if name else
                    "no persistent volumes available for this claim and no storage class is set")  # fmt: skip
            reason = "ProvisioningFailed" if name else "FailedBinding"
            self.recorder.record(claim, reason, text, "persistentvolume-controller", warning=bool(name))
            return
        late = any(one["metadata"]["name"] == name and one.get("volumeBindingMode") == LATE for one in classes)
        if late and not self._used(claim):
            text = "waiting for first consumer to be created before binding"
            self.recorder.record(claim, LATE, text, "persistentvolume-controller")
            return
        uid = claim["metadata"]["uid"]
        bound = {**spec, "storageClassName": name, "volumeName": f"pvc-{uid}"}
        status = {
            "phase": "Bound", "accessModes": spec["accessModes"],
            "capacity": {"storage": _asked(claim)},
        }  # fmt: skip
        metadata = claim["metadata"]
        marked = {**metadata, "annotations": {**(metadata.get("annotations") or {}), BOUND: "yes"}}
        made = {**claim, "metadata": marked, "spec": bound, "status": status}
        owner = owning.Owner("kube-controller-manager", "Update", "v1", "", self.state.clock.stamp(), {_MARK})
        owning.write(made, [*owning.owners(claim), owner])
        self.state.store.put(CLAIMS, made)
        message = f"Successfully provisioned volume pvc-{uid}"
        self.recorder.record(claim, "ProvisioningSucceeded", message, "simulator/disk")

    def _used(self, claim: Object) -> bool:
        meta = claim["metadata"]
        return any(meta["name"] in _claimed(pod) for pod in self.state.store.objects(PODS, meta["namespace"]))

    def _release(self, key: Key, claim: Object) -> None:
        """Lets a deleted claim go when no pod uses it any more."""
        if self._used(claim):
            return

        def edit(current: Object) -> Object:
            marks = current["metadata"].get("finalizers") or []
            current["metadata"]["finalizers"] = [one for one in marks if one != "kubernetes.io/pvc-protection"]
            return current

        self.state.cluster.change(CLAIMS, key[0], key[1], edit)


def _asked(claim: Object) -> str:
    amount: str = claim["spec"]["resources"]["requests"]["storage"]
    return amount


def _claimed(pod: Object) -> list[str]:
    volumes: list[Any] = pod["spec"].get("volumes") or []
    return [one["persistentVolumeClaim"]["claimName"] for one in volumes if "persistentVolumeClaim" in one]


class Quotas:
    """Writes into every quota what its namespace uses."""

    def __init__(self, loop: Loop) -> None:
        self.loop, self.state = loop, loop.state

    def keys(self, event: Event) -> Iterable[Key]:
        if event.kind is QUOTAS or event.type != "MODIFIED":
            for found in self.state.store.objects(QUOTAS, event.namespace):
                yield event.namespace, found["metadata"]["name"]

    def reconcile(self, key: Key) -> None:
        found = self.state.store.get(QUOTAS, *key)
        if found is None:
            return
        hard = found.obj["spec"].get("hard") or {}
        used = quota.used(self.state.store, key[0], set(hard))
        shown = {name: quota.shown(value, name) for name, value in sorted(used.items())}
        self.state.cluster.set_status(QUOTAS, found.obj, {"hard": hard, "used": shown})
