"""An instance's objects as plain dictionaries: pure functions from an identity and a plan.

Nothing here asks a cluster or a clock, and the same plan always gives the same objects.
"""

from kube.manifests.bounds import Need, excess, need, need_of, widened
from kube.manifests.foundation import Level, foundation, level_of, most, namespace, security_labels
from kube.manifests.objects import MASK, holdings, mask, objects, running, service_objects

__all__ = [
    "MASK",
    "Level",
    "Need",
    "excess",
    "foundation",
    "holdings",
    "level_of",
    "mask",
    "most",
    "namespace",
    "need",
    "need_of",
    "objects",
    "running",
    "security_labels",
    "service_objects",
    "widened",
]
