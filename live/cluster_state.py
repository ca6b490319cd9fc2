"""What is said of a cluster as a whole: how well it can be reached and watched, and why not better."""

from dataclasses import dataclass

from kube.errors import (
    AddressRefused,
    CertificateRefused,
    KubeconfigInvalid,
    NotFound,
    NotKubernetes,
    Unauthorized,
    Unreachable,
)
from models.keyring import KeyringError
from rules.enums import ClusterState

_SILENT = (Unreachable, CertificateRefused, AddressRefused, NotKubernetes, KubeconfigInvalid)
_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class State:
    """reason: a sentence, empty when all is well."""

    state: ClusterState
    reason: str = ""


def state_of(problem: Exception) -> State:
    """What an error says of the cluster that it came from. It stays the same while a silence lasts."""
    reason = (problem.silence if isinstance(problem, Unreachable) else str(problem))[:_LONGEST_REASON]
    if isinstance(problem, (Unauthorized, KeyringError)):
        return State(ClusterState.AUTH_FAILED, reason)
    if isinstance(problem, _SILENT):
        return State(ClusterState.UNREACHABLE, reason)
    if isinstance(problem, NotFound):
        reason = f"It lacks something that every cluster has. {reason}"
    return State(ClusterState.DEGRADED, reason)
