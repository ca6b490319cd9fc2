"""An instance's objects as plain dictionaries: pure functions from an identity and a plan.

Nothing here asks a cluster or a clock, and the same plan always gives the same objects.
"""

from kube.manifests.foundation import Level, foundation, level_of, namespace, security_labels
from kube.manifests.objects import holdings, mask, objects, running, service_objects

__all__ = [
    "Level",
    "foundation",
    "holdings",
    "level_of",
    "mask",
    "namespace",
    "objects",
    "running",
    "security_labels",
    "service_objects",
]
