"""What an instance has so far, and what it does not have yet, said and not left empty."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Capability:
    """`reason` says why it is not there; empty where it is."""

    name: str
    available: bool
    reason: str = ""


CAPABILITIES = (
    Capability("TASKS", True),
    Capability("LOGS", True),
    Capability("BUILDS", False, "Berth does not build images yet: services run the images that their manifests name."),
    Capability(
        "HELM", False, "Berth does not release Helm charts yet: a service with a chart is imported, not deployed."
    ),
    Capability("BACKUPS", False, "Berth does not make backups yet: what a service declares is kept and not run."),
    Capability("IMPORTS", False, "Berth does not import data yet: what a service declares is kept and not run."),
    Capability("CRON", False, "Berth does not run cron schedules yet: what a service declares is kept and not run."),
    Capability("ROUTES", False, "Berth does not make routes yet: reach a service by the port-forward in `address`."),
    Capability("CERTIFICATES", False, "Berth does not issue certificates yet, as it makes no routes."),
    Capability("SHELL", False, "Berth opens no shell sessions yet: use kubectl exec in the instance's namespace."),
    Capability("METRICS", False, "Berth reads no metrics yet: it shows ready and desired replicas only."),
)
"""In the order in which they are listed; the same for every instance so far."""
