"""An instance's objects as plain dictionaries: pure functions from an identity and a plan.

Nothing here asks a cluster or a clock, and the same plan always gives the same objects.
"""

from kube.manifests.foundation import foundation, namespace
from kube.manifests.objects import holdings, mask, objects, running, service_objects

__all__ = ["foundation", "holdings", "mask", "namespace", "objects", "running", "service_objects"]
