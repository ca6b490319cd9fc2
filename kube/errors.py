# ruff: noqa: N818 - they are named for what happened; KubeError says that they are errors
"""What a cluster can answer besides what was asked for: one class per kind, each with a sentence and a remedy."""

from datetime import datetime
from typing import Any


class KubeError(Exception):
    """A call to a cluster did not do what it was meant to do.

    code: stable, upper snake case. message: one true sentence for a person. remedy: what to do about it.
    status, reason: HTTP status and `reason` of the Kubernetes Status (0 and "" when there was no answer).
    retryable: the same call may pass later without a change. details: what else is known, as plain values, such as
    `retry_after`, the seconds that the cluster asked to be left alone for.
    """

    code: str = "CLUSTER_ERROR"
    remedy: str = "Read the message; it is the cluster's own."
    retryable: bool = False

    def __init__(
        self, message: str, *, status: int = 0, reason: str = "", details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.reason = reason
        self.details = details or {}

    def __str__(self) -> str:
        return self.message


class Unreachable(KubeError):
    """No connection, no answer in time, or the connection broke: a write may or may not have happened.

    silence: what is wrong, whichever call met it.
    """

    code = "CLUSTER_UNAVAILABLE"
    remedy = "Check that the cluster runs and that its address is reachable from Berth; the operation can be repeated."
    retryable = True

    def __init__(self, silence: str, about: str = "", *, reason: str = "") -> None:
        self.silence = f"{silence.removesuffix('.')}."
        super().__init__(f"{silence} ({about})." if about else self.silence, reason=reason)


class CircuitOpen(Unreachable):
    """The cluster was not asked, for it has not answered for a while. wait: seconds until it is asked again.

    since, next_try: when the silence began, and when the cluster is asked again; None while it is being asked.
    """

    remedy = "Nothing needs to be done when the cluster comes back: it is asked again by itself."

    def __init__(self, silence: str, *, since: datetime, next_try: datetime | None, wait: float) -> None:
        super().__init__(silence, reason="CircuitOpen")
        again = f"is asked again at {next_try:%H:%M:%S}" if next_try else "is being asked again now"
        self.message = f"The cluster has not answered since {since:%Y-%m-%d %H:%M:%S} UTC, and {again}. {silence}"
        self.since = since
        self.wait = wait


class CertificateRefused(KubeError):
    """TLS failed: another authority than the kubeconfig's, an expired certificate, or another host name."""

    code = "CLUSTER_CERTIFICATE"
    remedy = "Give a kubeconfig whose certificate authority signed the server's certificate."

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        if remedy:
            self.remedy = remedy


class AddressRefused(KubeError):
    """The address is private, loopback or otherwise not public, and the operator does not allow such clusters."""

    code = "CLUSTER_ADDRESS"
    remedy = "Use the cluster's public address, or let the operator set BERTH_ALLOW_PRIVATE_CLUSTERS."


class NotKubernetes(KubeError):
    """Something answered, but not as a Kubernetes API server does (a redirect, a page, another program)."""

    code = "CLUSTER_NOT_KUBERNETES"
    remedy = "Give the address of the Kubernetes API server itself, not of a proxy, a console or a web page."


class ClusterChanged(KubeError):
    """Another cluster answers at the address than the one that is meant."""

    code = "CLUSTER_CHANGED"
    remedy = "Update the cluster with a kubeconfig of the right one, or register the new one as a cluster of its own."

    def __init__(self) -> None:
        super().__init__(
            "Another cluster answers at this cluster's address: its kube-system namespace has another UID. "
            "Nothing was written to it."
        )


class Unauthorized(KubeError):
    """The cluster does not know these credentials, or they have expired."""

    code = "CLUSTER_UNAUTHORIZED"
    remedy = "Give a kubeconfig with fresh credentials."


class Forbidden(KubeError):
    """The credentials are known but lack a right."""

    code = "CLUSTER_FORBIDDEN"
    remedy = "Grant Berth's account the rights that the cluster's test names."


class PolicyDenied(KubeError):
    """An admission rule of the cluster (pod security, a webhook) refused the object."""

    code = "CLUSTER_POLICY"
    remedy = "Change the service so that it meets the cluster's policy, or have the policy changed."


class QuotaExceeded(KubeError):
    """The namespace's quota leaves no room for the object."""

    code = "QUOTA_EXCEEDED"
    remedy = "Ask for less, remove something, or have the namespace's quota raised."


class NotFound(KubeError):
    code = "CLUSTER_NOT_FOUND"
    remedy = "The object is gone; repeat the operation that makes it."


class AlreadyExists(KubeError):
    code = "CLUSTER_ALREADY_EXISTS"
    remedy = "Choose another name, or remove the object that has it."


class Conflict(KubeError):
    """The object changed meanwhile, a precondition failed, or other field managers own fields (`owners`)."""

    code = "CLUSTER_CONFLICT"
    remedy = "Repeat the operation; where another program owns a field, remove its setting or deploy with force."

    @property
    def owners(self) -> list[dict[str, str]]:
        """Who owns what in a failed apply: `{"manager": ..., "field": ...}`, empty for other conflicts."""
        owners: list[dict[str, str]] = self.details.get("owners", [])
        return owners


class Invalid(KubeError):
    """The cluster's validation refused the object; `details["causes"]` names the fields."""

    code = "CLUSTER_INVALID"
    remedy = "Correct the field that the message names in the service or in its overrides."


class NamespaceTerminating(KubeError):
    code = "NAMESPACE_TERMINATING"
    remedy = "Wait until the namespace is gone; what holds it up is shown while it waits."
    retryable = True


class NamespaceForeign(KubeError):
    """A namespace of this name exists and is not this instance's: it is never taken over."""

    code = "NAMESPACE_FOREIGN"
    remedy = "Choose another name, or remove the namespace from the cluster by hand."


class NamespaceGone(KubeError):
    """The instance's namespace is not there any more: somebody deleted it behind Berth's back."""

    code = "NAMESPACE_GONE"
    remedy = "Delete the instance and create it anew; what its volumes held went with the namespace."


class Gone(KubeError):
    """The version to resume from is no longer kept (410): list again."""

    code = "CLUSTER_GONE"
    remedy = "List again from the start."
    retryable = True


class Throttled(KubeError):
    """The cluster asks for patience; `retry_after` seconds are its own wish, 1 when it named none."""

    code = "CLUSTER_THROTTLED"
    remedy = "The cluster is busy; the operation can be repeated in a moment."
    retryable = True

    @property
    def retry_after(self) -> float:
        return float(self.details.get("retry_after", 1.0))


class ServerFault(KubeError):
    """The cluster failed by its own fault (5xx)."""

    code = "CLUSTER_FAULT"
    remedy = "Look at the cluster's API server; the operation can be repeated."
    retryable = True


class LeaseLost(KubeError):
    """The worker's lease is gone or too short for a write: another worker may already be at it."""

    code = "LEASE_LOST"
    remedy = "Nothing needs to be done; the task goes on in another worker."


class KubeconfigInvalid(KubeError):
    """The kubeconfig cannot be used; `details["path"]` is the place in it, as "users[0].user.exec"."""

    code = "INVALID_KUBECONFIG"
    remedy = "Give a kubeconfig with data only; `berth cluster credentials` makes one."

    def __init__(self, message: str, path: str = "", remedy: str = "") -> None:
        super().__init__(message, details={"path": path})
        self.path = path
        if remedy:
            self.remedy = remedy
