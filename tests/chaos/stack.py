"""A stack of three services whose revisions take turns: one of them comes and goes, another changes."""

from tests.kit.site import Site
from tests.kit.stacks import service, stack


class Stack:
    """The stack of all instances. Its first revision is published when this is made."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._revision = 0
        self.id = ""
        self.publish()

    def publish(self) -> None:
        """Publishes another revision, to which instances can be upgraded. Raises: RemoteError."""
        self._revision += 1
        services = ["front", "back"] + ["extra"] * (self._revision % 2)
        argument = f"serve-{self._revision}"
        made = [service(one, f"{{name: main, image: registry.local/{one}, args: [{argument}]}}") for one in services]
        self.id = self._site.berth.catalogue(*made, stack("chaos", *services))["chaos"]
