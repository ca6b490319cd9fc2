"""What a document must be before it is looked at: of the right kind, in a namespace that takes it."""

from simulator import errors, typed
from simulator.kinds import ACCOUNTS, CLAIMS, NAMESPACES, PODS, STORAGE_CLASSES, Kind, Object
from simulator.security import violations
from simulator.store import Store
from simulator.validate import asked


def shape(kind: Kind, namespace: str, obj: Object) -> None:
    """Raises a 400 for a document of another kind or place; what is not said is filled in."""
    if not isinstance(obj, dict) or not isinstance(obj.setdefault("metadata", {}), dict):
        raise errors.bad_request(f"the object provided is unrecognized (must be of type {kind.name})")
    if obj.setdefault("apiVersion", kind.api_version) != kind.api_version:
        raise errors.bad_request(
            f"the API version in the data ({obj['apiVersion']}) does not match the expected API version "
            f"({kind.api_version})"
        )
    if obj.setdefault("kind", kind.name) != kind.name:
        raise errors.bad_request(f'{obj["kind"]} in version "{kind.version}" cannot be handled as a {kind.name}')
    if kind.namespaced and obj["metadata"].setdefault("namespace", namespace) != namespace:
        raise errors.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )


def applied(kind: Kind, namespace: str, name: str, obj: Object) -> None:
    """The same for a document that is applied, which must say its kind and its name."""
    if isinstance(obj, dict) and not (obj.get("apiVersion") and obj.get("kind")):
        raise errors.bad_request(f"invalid object type: /, Kind={obj.get('kind', '')}")
    shape(kind, namespace, obj)
    said = obj["metadata"].get("name")
    if not said:
        raise errors.bad_request(
            f"the name of the object ({name} based on URL) was undeterminable: name must be provided"
        )
    if said != name:
        raise errors.bad_request(f"the name of the object ({said}) does not match the name on the URL ({name})")
    typed.check_applied(kind, obj)
    if obj["metadata"].get("managedFields"):
        raise errors.bad_request("metadata.managedFields must be nil")


def place(store: Store, kind: Kind, namespace: str, name: str) -> None:
    """Holds what the NamespaceLifecycle admission holds: 404 without the namespace, 403 while it goes."""
    if not kind.namespaced:
        return
    holder = store.get(NAMESPACES, "", namespace)
    if holder is None:
        raise errors.not_found(NAMESPACES, namespace)
    if holder.obj["metadata"].get("deletionTimestamp"):
        cause = {
            "reason": "NamespaceTerminating", "field": "metadata.namespace",
            "message": f"namespace {namespace} is being terminated",
        }  # fmt: skip
        why = f"unable to create new content in namespace {namespace} because it is being terminated"
        raise errors.forbidden(kind, name, why, [cause])


def secure(store: Store, namespace: str, pod: Object) -> None:
    """Holds what the PodSecurity admission holds: 403 for a pod that its namespace's level does not allow."""
    holder = store.get(NAMESPACES, "", namespace)
    if holder and (why := violations(holder.obj, pod.get("spec") or {})):
        raise errors.forbidden(PODS, pod["metadata"].get("name", ""), why)


def resize(store: Store, old: Object, new: Object) -> None:
    """Holds what the PersistentVolumeClaimResize admission holds: 403 for a claim that grows and whose class cannot."""
    if asked(new["spec"]) <= asked(old["spec"]):
        return
    holder = store.get(STORAGE_CLASSES, "", old["spec"].get("storageClassName") or "")
    if holder is None or not holder.obj.get("allowVolumeExpansion"):
        why = (
            "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support "
            "resize"
        )
        raise errors.forbidden(CLAIMS, new["metadata"]["name"], why)


def account(store: Store, namespace: str, pod: Object) -> None:
    """Holds what the ServiceAccount admission holds: 403 for a pod whose account does not exist."""
    spec = pod.get("spec") or {}
    name = spec.setdefault("serviceAccountName", "default")
    spec.setdefault("serviceAccount", name)
    if store.get(ACCOUNTS, namespace, name) is None:
        why = f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
        raise errors.forbidden(PODS, pod["metadata"].get("name", ""), why)
